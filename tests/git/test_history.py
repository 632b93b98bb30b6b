"""What is read of a repository: all of its history, whatever its names, dates and bytes."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
from git_repo import START, Repo

from audit import tables as t
from audit.errors import IntegrityError, UsageError
from audit.git import facts, history
from audit.sources.git_view import view


def read(repo: Repo) -> dict[str, pd.DataFrame]:
    return history.read(repo.path, repo="acme/gitops", branch="main")


def test_every_commit_has_its_place_and_the_mainline_commit_that_brought_it(repo: Repo) -> None:
    repo.branch("side")
    one = repo.commit("one")
    two = repo.commit("two")
    repo.main()
    direct = repo.commit("direct")
    merge = repo.merge("merge", "side")
    got = read(repo)["commits"].set_index("sha")
    assert got.loc[[direct, merge], "position"].tolist() == [1, 2]
    assert got.loc[[one, two], "position"].isna().all()
    assert got.loc[[one, two, merge], "landed_by"].tolist() == [2, 2, 2]
    assert got.loc[merge, "parents"] == f"{direct} {two}"
    assert got.loc[merge, "tree"] == repo.sha("HEAD^{tree}")


def test_a_back_merge_of_main_into_a_branch_moves_nothing_that_landed_before(repo: Repo) -> None:
    repo.branch("side")
    repo.commit("one")
    repo.main()
    landed = repo.commit("landed")
    repo.git("checkout", "--quiet", "side")
    back = repo.merge("back", "main")
    repo.main()
    repo.merge("merge", "side")
    got = read(repo)["commits"].set_index("sha")["landed_by"]
    assert (got[landed], got[back]) == (1, 2)


def test_skewed_dates_hide_nothing(repo: Repo) -> None:
    """git stops at old dates when it is given --since; the history is read whole."""
    for moment in (0, 4_070_908_800, 1, START):
        repo.clock = moment
        repo.commit(f"at {moment}")
    got = read(repo)["commits"]
    assert len(got) == 5
    assert got["committer_time"].dt.year.max() == 2099
    assert got["committer_time"].dt.year.min() == 1970


def test_a_merge_is_compared_with_its_first_parent(repo: Repo) -> None:
    repo.branch("side")
    repo.commit("one", {"side.txt": "a\nb\n"})
    repo.main()
    repo.commit("direct", {"direct.txt": "c\n"})
    merge = repo.merge("merge", "side")
    got = read(repo)["file_changes"]
    got = got[got["sha"] == merge]
    assert got[["path", "status", "added", "deleted"]].to_numpy().tolist() == [["side.txt", "A", 2, 0]]


def test_renames_deletions_modes_and_binary_files_keep_their_status(repo: Repo) -> None:
    repo.commit("first", {"old name": "a long enough text\n" * 9, "gone": "x\n", "picture": b"\0\1\2"})
    repo.git("mv", "old name", "new name")
    (repo.path / "base.txt").chmod(0o755)
    head = repo.commit("second", {"gone": None, "picture": b"\0\1\3"})
    got = read(repo)["file_changes"]
    got = got[got["sha"] == head].set_index("path")
    assert got["status"].to_dict() == {"base.txt": "M", "gone": "D", "new name": "R", "picture": "M"}
    assert got.loc["new name", "old_path"] == "old name"
    assert pd.isna(got.loc["picture", "added"])
    assert got.loc["base.txt", ["added", "deleted"]].tolist() == [0, 0]


ODD = {
    b"line\nbreak": "line\nbreak",
    b'quo"te\ttab': 'quo"te\ttab',
    b"\xe9t\xe9": "\\xe9t\\xe9",
    b"literal\\xe9": "literal\\x5cxe9",
    "häuser".encode(): "häuser",
    b":100644 000000 x": ":100644 000000 x",
    b"a" * 40: "a" * 40,
}


def test_paths_are_kept_whatever_bytes_they_hold(repo: Repo) -> None:
    for name in ODD:
        (repo.path / os.fsdecode(name)).write_bytes(b"x\n")
    head = repo.commit("odd names", {})
    got = read(repo)["file_changes"]
    assert set(got.loc[got["sha"] == head, "path"]) == set(ODD.values())


def test_messages_and_names_are_kept_whatever_they_hold(repo: Repo) -> None:
    raw = (
        f"tree {repo.sha('HEAD^{tree}')}\nparent {repo.sha()}\n"
        f"author A\xe9 B <a@x> {START} +0000\ncommitter C <> {START} -0000\n\nfirst \xff line\n\n"
        + "long "
        * 100_000
    ).encode("latin-1")
    sha = repo.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw)
    repo.git("update-ref", "refs/heads/main", sha)
    got = read(repo)["commits"].set_index("sha").loc[sha]
    assert got["subject"] == "first \\xff line"
    assert (got["author_name"], got["author_email"], got["committer_email"]) == ("A\\xe9 B", "a@x", "")


def test_what_the_mailmap_says_stands_beside_what_the_commit_says(repo: Repo) -> None:
    """A .mailmap is a file of the audited repository: it takes nobody's address away."""
    head = repo.commit("map", {".mailmap": "Ann Lee <ann@acme.example> <ann@example.org>\n"})
    found = read(repo)["commits"].set_index("sha").loc[head]
    assert (found["author_email"], found["author_mailmap"]) == ("ann@example.org", "ann@acme.example")
    repo.commit("no map", {".mailmap": ""})
    assert read(repo)["commits"]["author_mailmap"].isna().all()


@pytest.mark.parametrize(
    ("message", "co_authors", "reverts"),
    [
        ("x\n\nCo-authored-by: Bob <BOB@example.org>", "bob@example.org", None),
        ("x\n\nco-authored-BY: B <b@x>\ntext after\nCO-AUTHORED-BY: A <a@x>", "a@x b@x", None),
        ("mentions Co-authored-by: nobody", "", None),
        (f"Revert\n\nThis reverts commit {'a' * 40}.", "", "a" * 40),
        (f"Revert\n\nThis reverts commit {'a' * 40}, reversing\nchanges made to {'b' * 40}.", "", "a" * 40),
        ("This reverts commit abc123.", "", None),
    ],
)
def test_trailers_and_reverts(message: str, co_authors: str, reverts: str | None) -> None:
    assert (facts.co_authors(message), facts.reverted(message)) == (co_authors, reverts)


def test_what_a_repository_configures_is_neither_run_nor_obeyed(repo: Repo, tmp_path: Path) -> None:
    trap = tmp_path / "trapped"
    script = tmp_path / "trap.sh"
    script.write_text(f"#!/bin/sh\ntouch {trap}\ncat\n")
    script.chmod(0o755)
    repo.commit("attributes", {".gitattributes": "* diff=evil filter=evil merge=evil\n", "a.txt": "1\n"})
    repo.commit("change", {"a.txt": "2\n"})
    for key in ("diff.evil.textconv", "diff.evil.command", "diff.external", "core.fsmonitor", "filter.evil.smudge",
                "merge.evil.driver", "core.sshCommand", "core.pager", "core.alternateRefsCommand"):  # fmt: skip
        repo.git("config", key, str(script))
    repo.git("config", "core.hooksPath", str(tmp_path))
    before = {p: p.stat().st_mtime_ns for p in (repo.path / ".git").rglob("*")}
    assert len(read(repo)["commits"]) == 3
    assert not trap.exists()
    assert {p: p.stat().st_mtime_ns for p in (repo.path / ".git").rglob("*")} == before


def test_a_replaced_commit_is_read_as_it_is_and_reported(repo: Repo) -> None:
    head = repo.commit("real")
    repo.git("replace", head, repo.sha("HEAD~1"))
    got = read(repo)
    assert got["commits"]["subject"].tolist().count("real") == 1
    assert got["repository_problems"]["problem"].tolist() == ["replaced"]


def test_a_missing_object_is_an_error_never_half_a_history(repo: Repo) -> None:
    repo.commit("one", {"a.txt": "one\n"})
    blob = repo.sha("HEAD:a.txt")
    repo.commit("two", {"a.txt": "two\n"})
    (repo.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(IntegrityError, match=f"acme/gitops.*missing object.*{blob}"):
        read(repo)


def test_a_damaged_object_is_an_error(repo: Repo) -> None:
    repo.commit("one", {"a.txt": "one\n"})
    blob = repo.sha("HEAD:a.txt")
    file = repo.path / ".git/objects" / blob[:2] / blob[2:]
    file.chmod(0o644)
    file.write_bytes(b"\0" * 20)
    with pytest.raises(IntegrityError, match="acme/gitops"):
        read(repo)


@pytest.mark.parametrize(
    ("branch", "message"),
    [("trunk", "there is no branch 'trunk'"), (None, "HEAD names no branch")],
)
def test_a_branch_that_is_not_there_is_named_with_those_that_are(
    repo: Repo, branch: str | None, message: str
) -> None:
    repo.git("checkout", "--quiet", "--detach")
    with pytest.raises(UsageError, match=f"{message}[^$]*main"):
        history.read(repo.path, repo="acme/gitops", branch=branch)


def test_the_fingerprint_changes_with_the_refs(repo: Repo) -> None:
    before = history.fingerprint(repo.path)
    assert history.fingerprint(repo.path) == before
    repo.commit("more")
    assert history.fingerprint(repo.path) != before


def test_pydriller_models_the_commits_of_a_view(repo: Repo) -> None:
    """The domain model stays whole: what is not read in bulk is there on request."""
    from audit.git.mining import BulkGit

    head = repo.commit("change", {"base.txt": "1\n"})
    with view(repo.path) as seen:
        commits = list(BulkGit(seen).get_list_commits())
        assert [c.msg.strip() for c in commits] == ["Start", "change"]
        assert commits[-1].hash == head
        assert [f.filename for f in commits[-1].modified_files] == ["base.txt"]


def test_the_tables_are_those_declared(repo: Repo) -> None:
    for name, data in read(repo).items():
        pd.testing.assert_frame_equal(data, t.conform(t.TABLES[name], data))
