"""Path rules, and the parser of git's listings, on whatever a repository may hold."""

from __future__ import annotations

import re

import pytest
from forge_rows import REPO, operations, pulls, push
from git_repo import Repo
from hypothesis import given
from hypothesis import strategies as st

from audit import tables as t
from audit.git import diffs, environments, history, landings
from audit.git.alone import mine, summary
from audit.git.mining import text
from audit.git.paths import PathRules
from audit.period import Period
from audit.settings import PathRule

ALL = ("dev", "staging", "prod")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("apps/web/overlays/prod/kustomization.yaml", (("web", "prod"),)),
        ("apps/web/overlays/eu/prod/x.yaml", (("web", "eu"),)),
        ("apps/web/base/deep/er/x.yaml", tuple(("web", env) for env in ALL)),
        ("apps/web/overlays/README.md", tuple(("web", env) for env in ALL)),
        ("infrastructure/networking/x.yaml", tuple(("networking", env) for env in ALL)),
        ("clusters/staging/flux.yaml", (("*", "staging"),)),
        ("clusters/README.md", ()),
        ("apps/README.md", ()),
        ("README.md", ()),
        ("other/apps/web/base/x", ()),
        ("apps/we\nb/base/x", tuple(("we\nb", env) for env in ALL)),
    ],
)
def test_the_policys_layout(path: str, expected: tuple[tuple[str, str], ...]) -> None:
    assert PathRules((), ()).match(path) == expected


@pytest.mark.parametrize(
    ("rule", "path", "expected"),
    [
        (PathRule(pattern="**/kustomize/{app}-*.yaml"), "kustomize/web-1.yaml", (("web", "one"),)),
        (PathRule(pattern="**/kustomize/{app}-*.yaml"), "a/b/kustomize/web-1.yaml", (("web", "one"),)),
        (PathRule(pattern="{environment}/{environment}.yaml"), "x/x.yaml", (("*", "x"),)),
        (PathRule(pattern="{environment}/{environment}.yaml"), "x/y.yaml", ()),
        (
            PathRule(pattern="a.b/*", app="fixed", environments=("p", "q")),
            "a.b/c",
            (("fixed", "p"), ("fixed", "q")),
        ),
        (PathRule(pattern="a.b/*"), "aXb/c", ()),
        (PathRule(pattern="a/*"), "a/b/c", ()),
    ],
)
def test_patterns(rule: PathRule, path: str, expected: tuple[tuple[str, str], ...]) -> None:
    assert PathRules((rule,), ("one",)).match(path) == expected


def test_the_first_rule_that_matches_decides() -> None:
    rules = (PathRule(pattern="a/b/**", app="first"), PathRule(pattern="a/**", app="second"))
    assert PathRules(rules, ("e",)).match("a/b/c") == (("first", "e"),)
    assert PathRules(rules[::-1], ("e",)).match("a/b/c") == (("second", "e"),)


names = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)


@given(app=names, env=names, rest=st.lists(names, min_size=1))
def test_any_folder_name_is_an_app_and_an_environment(app: str, env: str, rest: list[str]) -> None:
    path = "/".join(["apps", app, "overlays", env, *rest])
    assert PathRules((), ()).match(path) == ((app, env),)


@given(literal=st.text(st.characters(exclude_characters="*{}", exclude_categories=["Cs"])), other=st.text())
def test_what_is_not_a_wildcard_matches_only_itself(literal: str, other: str) -> None:
    rules = PathRules((PathRule(pattern=literal),), ("e",))
    assert bool(rules.match(literal)) is True
    assert bool(rules.match(other)) is (other == literal)


raw_names = st.binary(min_size=1).filter(lambda raw: b"\0" not in raw)
counts = st.none() | st.tuples(st.integers(0, 10**6), st.integers(0, 10**6))
entries = st.lists(
    st.tuples(st.sampled_from("AMDRCT"), raw_names, raw_names, counts), max_size=6, unique_by=lambda e: e[1]
)
SHAS = ["a" * 40, "0123456789" * 4, "f" * 40]


@given(st.lists(entries, min_size=3, max_size=3))
def test_listings_are_read_back_whatever_names_hold(
    commits: list[list[tuple[str, bytes, bytes, tuple[int, int] | None]]],
) -> None:
    out, expected = b"", []
    for sha, listed in zip(SHAS, commits, strict=True):
        out += sha.encode() + b"\0" if listed else b""
        for status, path, old, _ in listed:
            names = [old, path] if status in "RC" else [path]
            out += (
                f":100644 100644 {'1' * 40} {'2' * 40} {status}".encode() + b"\0" + b"\0".join(names) + b"\0"
            )
        for status, path, old, lines in listed:
            out += b"-\t-\t" if lines is None else b"%d\t%d\t" % lines
            out += (b"\0" + old + b"\0" if status in "RC" else b"") + path + b"\0"
            expected.append(
                (
                    sha,
                    text(path),
                    text(old) if status in "RC" else None,
                    status,
                    *(lines or (None, None)),
                    "1" * 40,
                    "2" * 40,
                )
            )
    assert [tuple(change) for change in diffs.parse(iter(out.split(b"\0")[:-1]))] == expected


@given(st.lists(raw_names, min_size=2, max_size=2, unique=True))
def test_two_names_never_become_one(raw: list[bytes]) -> None:
    one, other = map(text, raw)
    assert one != other
    assert not re.search(r"[\ud800-\udfff]", one + other)


def test_landings_reach_the_environments_of_their_files_old_and_new(repo: Repo) -> None:
    root = repo.sha()
    body = "a long enough text\n" * 9
    one = repo.commit("add", {"apps/web/overlays/dev/x.yaml": body})
    repo.git("mv", "apps/web/overlays/dev", "apps/web/overlays/prod-2")
    moved = repo.commit("move", {})
    repo.commit("docs", {"README.md": "x\n"})
    last = repo.commit("cluster", {"clusters/prod/x.yaml": "x\n"})
    git = history.read(repo.path, repo=REPO, branch="main")
    pushes = operations(push(1, root, one), push(2, one, moved), push(3, moved, last))
    found = landings.find(git, pulls(), pushes, forge_complete=True)["landings"]
    got = environments.attribute(
        found, git["commits"], git["file_changes"], PathRules((), ALL),
        repositories=git["repositories"], commit_environments=t.empty(t.CommitEnvironments),
    )  # fmt: skip
    assert sorted(got[["head_sha", "app", "environment"]].itertuples(index=False, name=None)) == sorted(
        [(one, "web", "dev"), (moved, "web", "dev"), (moved, "web", "prod-2"), (last, "*", "prod")]
    )
    assert set(got["made_by"]) == {"path rule"}


def test_a_repository_alone_gives_a_summary_by_kind_link_and_environment(repo: Repo) -> None:
    repo.branch("side")
    repo.commit("x", {"apps/web/overlays/prod/x.yaml": "x\n"})
    repo.main()
    repo.merge("Merge pull request #1 from a/b", "side", committer="GitHub")
    repo.commit("y (#2)", {"apps/web/base/y.yaml": "y\n"}, committer="GitHub")
    found = mine(repo.path)
    assert set(found["landings"]["repo"]) == {"work"}
    got = summary(found)
    assert got["by_kind"] == {"merge": 1, "squash": 1, "rebase": 0, "direct": 1}
    assert got["by_link"] == [
        {"link": "none", "confidence": "none", "landings": 1},
        {"link": "subject", "confidence": "strong", "landings": 2},
    ]
    assert got["by_environment"] == {"dev": 1, "prod": 2, "staging": 1}
    assert (got["landings"], got["in_no_environment"], got["commits"]) == (3, 1, 4)
    empty = summary(found, Period.quarter("2001Q1"))
    assert (empty["landings"], empty["by_environment"], empty["first"]) == (0, {}, None)


def test_no_landing_reaches_anything_in_an_empty_table() -> None:
    got = environments.attribute(
        t.empty(t.Landings), t.empty(t.Commits), t.empty(t.FileChanges), PathRules((), ()),
        repositories=t.empty(t.Repositories), commit_environments=t.empty(t.CommitEnvironments),
    )  # fmt: skip
    assert got.empty
    assert list(got) == list(t.columns(t.LandingEnvironments))
