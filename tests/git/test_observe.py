"""Contents along the mainline: what is read, from where on, what is kept, and what is said of what can't be read."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from git_repo import START, Repo

from audit import settings
from audit.git import history, observe, secrets
from audit.git.contents import Contents
from audit.git.graph import BuildGraph
from audit.git.paths import PathRules

KEY = b"k" * 32
OVERLAY = "resources: [../../base]\nimages: [{name: web, newTag: v1}]\n"
BASE = {"apps/web/base/kustomization.yaml": "resources: [web.yaml]\n", "apps/web/base/web.yaml": "a: 1\n"}
BOTH = {f"apps/web/overlays/{env}/kustomization.yaml": OVERLAY for env in ("dev", "prod")}


def scope(path: Path | None = None) -> observe.Scope:
    rules = PathRules((settings.PathRule(pattern="apps/{app}/overlays/{environment}/**"),), ("dev", "prod"))
    chosen = None
    if path is not None:
        chosen = settings.Settings(organisation=settings.Organisation(name="ACME"))
        chosen._folder = path
    return observe.Scope(rules, KEY, None, (), chosen)


def read(
    repo: Repo,
    *,
    kept: Path | None = None,
    since: datetime | None = None,
    chosen: observe.Scope | None = None,
) -> observe.Tables:
    found = history.read(repo.path, repo="acme/gitops", branch="main", kept=kept)
    return observe.read(repo.path, found, chosen or scope(), since=since, kept=kept)


def places(tables: observe.Tables, sha: str) -> set[tuple[str, str, str, str]]:
    rows = tables["commit_environments"]
    rows = rows[rows["sha"] == sha]
    return set(zip(rows["app"], rows["environment"], rows["made_by"], rows["path"], strict=True))


def test_a_base_reaches_every_overlay_and_what_no_graph_explains_goes_by_the_rules(repo: Repo) -> None:
    repo.commit("Lay out", {**BASE, **BOTH})
    base = repo.commit("Change the base", {"apps/web/base/web.yaml": "a: 2\n"})
    lone = repo.commit("Change a note", {"apps/web/overlays/prod/NOTES.txt": "x\n"})
    none = repo.commit("Change what is nowhere", {"docs/x.md": "x\n"})
    found = read(repo)
    path = "apps/web/base/web.yaml"
    assert places(found, base) == {("web", env, "build graph", path) for env in ("dev", "prod")}
    assert places(found, lone) == {("web", "prod", "path rule", "apps/web/overlays/prod/NOTES.txt")}
    assert places(found, none) == set()


def test_images_are_set_where_their_file_takes_effect(repo: Repo) -> None:
    repo.commit("Lay out", {**BASE, **BOTH})
    file = "apps/web/overlays/prod/kustomization.yaml"
    sha = repo.commit("Promote", {file: OVERLAY.replace("v1", "v2")})
    rows = read(repo)["image_settings"]
    rows = rows[rows["sha"] == sha]
    assert rows[["app", "environment", "image", "before", "after"]].to_dict("records") == [
        {"app": "web", "environment": "prod", "image": "web", "before": "v1", "after": "v2"}
    ]


def _day(number: int) -> datetime:
    return datetime.fromtimestamp(START, UTC) + timedelta(days=number)


def test_contents_are_read_from_a_month_before_the_first_moment_of_interest_on(repo: Repo) -> None:
    shas = []
    for _ in range(4):
        repo.clock += 20 * 86_400
        shas.append(repo.commit("Change"))
    found = read(repo, since=_day(61) + observe.MARGIN)
    assert found["repositories"]["observed_from"].tolist() == [4]
    assert set(found["commit_environments"]["sha"]) == {shas[3]}


def test_a_date_in_the_future_before_it_only_makes_more_be_read(repo: Repo) -> None:
    clock = repo.clock
    repo.clock = 4_000_000_000
    repo.commit("From the future")
    repo.clock = clock
    repo.commit("Back in time")
    assert read(repo, since=_day(3650))["repositories"]["observed_from"].tolist() == [1]


def test_nothing_of_interest_reads_nothing_and_says_so(repo: Repo) -> None:
    found = read(repo, since=_day(3650))
    assert found["repositories"]["observed_from"].isna().tolist() == [True]
    assert all(found[name].empty for name in ("commit_environments", "secret_findings", "signatures"))


def _random_files(rng: random.Random) -> dict[str, str | bytes | None]:
    app, env = rng.choice(["web", "pay"]), rng.choice(["dev", "prod"])
    token = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=36))
    return rng.choice(
        [
            {f"apps/{app}/base/web.yaml": f"a: {rng.random()}\n"},
            {f"apps/{app}/base/kustomization.yaml": f"resources: [web.yaml]\n# {rng.random()}\n"},
            {f"apps/{app}/overlays/{env}/kustomization.yaml": OVERLAY.replace("v1", f"v{rng.randint(1, 9)}")},
            {f"apps/{app}/overlays/{env}/broken.yaml": f"kind: Secret\n  x: [{rng.random()}\nimage: a:b\n"},
            {f"apps/{app}/overlays/{env}/token.txt": f"token: ghp_{token}\n"},
        ]
    )


def _same(one: observe.Tables, other: observe.Tables) -> None:
    assert one.keys() == other.keys()
    for name in one:
        pd.testing.assert_frame_equal(one[name], other[name], obj=name)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_kept_and_added_to_equals_what_is_read_at_once(repo: Repo, tmp_path: Path, seed: int) -> None:
    rng, kept = random.Random(seed), tmp_path / "kept"
    for _ in range(4):
        for _ in range(rng.randint(1, 5)):
            repo.commit("Change", _random_files(rng))
        found = read(repo, kept=kept)
    _same(found, read(repo))
    assert len(found["secret_findings"]) + len(found["unread_files"]) > 0


def _counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The commits that each walk looks at."""
    seen: dict[str, list[str]] = {"graph": [], "secrets": []}
    step, scan = BuildGraph.step, secrets.scan

    def stepped(self: BuildGraph, one: Any) -> Any:
        seen["graph"].append(one.sha)
        return step(self, one)

    def scanned(view: Path, contents: Contents, steps: Any, *, key: bytes) -> Any:
        seen["secrets"] += [one.sha for one in steps]
        return scan(view, contents, steps, key=key)

    monkeypatch.setattr(BuildGraph, "step", stepped)
    monkeypatch.setattr(secrets, "scan", scanned)
    return seen


def test_only_new_commits_are_looked_at(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo.commit("Old")
    read(repo, kept=tmp_path)
    seen = _counted(monkeypatch)
    new = [repo.commit("New"), repo.commit("Newer")]
    read(repo, kept=tmp_path)
    assert seen == {"graph": new, "secrets": new}
    read(repo, kept=tmp_path)
    assert seen == {"graph": new, "secrets": new}


@pytest.mark.parametrize(
    ("change", "again"),
    [
        (lambda old: observe.Scope(PathRules((), ("x",)), old.key), {"graph"}),
        (lambda old: observe.Scope(old.rules, b"z" * 32), {"secrets"}),
        (lambda old: observe.Scope(old.rules, old.key, None, ("other",)), {"graph"}),
    ],
)
def test_what_depends_on_a_setting_is_read_anew_when_it_changes(
    repo: Repo,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[observe.Scope], observe.Scope],
    again: set[str],
) -> None:
    read(repo, kept=tmp_path)
    seen = _counted(monkeypatch)
    read(repo, kept=tmp_path, chosen=change(scope()))
    assert {name for name, shas in seen.items() if shas} == again
    assert change(scope()).digest() != scope().digest()


def test_a_run_that_was_cut_short_leaves_nothing_twice(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo.commit("Lay out", {**BASE, **BOTH})
    with monkeypatch.context() as patched:
        real = observe._keep

        def cut(store: Any, name: str, *rest: Any) -> None:
            if name == "walked":
                raise KeyboardInterrupt
            real(store, name, *rest)

        patched.setattr(observe, "_keep", cut)
        with pytest.raises(KeyboardInterrupt):
            read(repo, kept=tmp_path)
    _same(read(repo, kept=tmp_path), read(repo))


def test_a_file_that_cannot_be_read_at_the_tip_is_named_with_the_commit_that_brought_it(repo: Repo) -> None:
    bad = repo.commit("Break", {"apps/web/overlays/prod/kustomization.yaml": "a: [\n"})
    repo.commit("Go on", {"docs/x.md": "x\n"})
    repo.clock += 400 * 86_400
    repo.commit("Much later", {"docs/y.md": "y\n"})
    rows = read(repo, since=datetime.fromtimestamp(repo.clock, UTC))["unread_files"]
    assert rows[["sha", "path", "reader"]].to_dict("records") == [
        {"sha": bad, "path": "apps/web/overlays/prod/kustomization.yaml", "reader": "build graph"}
    ]


def test_a_wrong_file_of_waivers_is_named_and_waives_nothing(repo: Repo, tmp_path: Path) -> None:
    path = ".gitops-audit/secret-waivers.yaml"
    good = "- {fingerprint: '" + "a" * 64 + "', reason: an example}\n"
    repo.commit("Waive", {path: good})
    assert read(repo, chosen=scope(tmp_path))["secret_waivers"]["reason"].tolist() == ["an example"]
    sha = repo.commit("Waive wrongly", {path: good + "- {fingerprint: 12, reason: x}\n"})
    found = read(repo, chosen=scope(tmp_path))
    assert found["secret_waivers"].empty
    assert found["unread_files"][["sha", "path", "reader"]].to_dict("records") == [
        {"sha": sha, "path": path, "reader": "secret waivers"}
    ]
    assert "line 2" in found["unread_files"]["reason"].iloc[0]


def test_commits_of_merged_branches_have_their_signatures_looked_at_too(repo: Repo, tmp_path: Path) -> None:
    repo.branch("side")
    side = repo.commit("On a branch")
    repo.main()
    merge = repo.merge("Merge side", "side")
    rows = read(repo, chosen=scope(tmp_path))["signatures"]
    assert {side, merge} <= set(rows["sha"])
    assert set(rows["state"]) == {"unsigned"}


def test_a_link_that_took_a_files_place_is_no_file(repo: Repo) -> None:
    repo.commit("Lay out", {**BASE, **BOTH})
    (repo.path / "apps/web/base/web.yaml").unlink()
    (repo.path / "apps/web/base/web.yaml").symlink_to("/etc/hostname")
    sha = repo.commit("Link", {})
    after = repo.commit("Go on", {"apps/web/base/kustomization.yaml": "resources: [web.yaml, x.yaml]\n"})
    found = read(repo)
    assert {app for app, *_ in places(found, sha)} == {"web"}
    assert {env for _, env, *_ in places(found, after)} == {"dev", "prod"}
