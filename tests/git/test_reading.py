"""What is read in bulk is what git and PyDriller say of each commit by itself, of hostile repositories too."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pandas as pd
import pydriller
import pytest
from git_repo import START, Repo

from audit.errors import ExitCode, IntegrityError
from audit.git import diffs, history, mining, reading
from audit.git.mining import text

KINDS = {"ADD": "A", "DELETE": "D", "RENAME": "R", "MODIFY": "M"}
LONG = "a long enough text\n" * 9
MANY = 100_000


def read(path: Path) -> dict[str, pd.DataFrame]:
    return history.read(path, repo="acme/gitops", branch="main")


def said_by_git(path: Path, sha: str) -> set[tuple[str, str | None, str]]:
    """Path, lines added and deleted, as `git show` counts them."""
    command = [
        "git",
        "-C",
        str(path),
        "show",
        "-z",
        "-M",
        "-m",
        "--first-parent",
        "--numstat",
        "--format=",
        sha,
    ]
    tokens = iter(subprocess.run(command, check=True, capture_output=True).stdout.split(b"\0")[:-1])
    found = set()
    for token in tokens:
        added, deleted, name = token.split(b"\t", 2)
        if not name:
            next(tokens)
            name = next(tokens)
        found.add((text(name), added.decode(), deleted.decode()))
    return found


def ours(changes: pd.DataFrame, sha: str) -> set[tuple[str, str | None, str]]:
    rows = changes[changes["sha"] == sha]
    counts = (
        rows[name].astype(object).where(rows[name].notna(), "-").astype(str) for name in ("added", "deleted")
    )
    return set(zip(rows["path"], *counts, strict=True))


def fast_import(path: Path, stream: bytes) -> Path:
    subprocess.run(["git", "init", "-q", "--bare", "--initial-branch=main", str(path)], check=True)
    subprocess.run(["git", "-C", str(path), "fast-import", "--quiet"], input=stream, check=True)
    return path


def busy(repo: Repo) -> list[str]:
    """A history with every kind of change; ids of the mainline commits made."""
    made = [
        repo.commit(
            "kinds", {"old": LONG, "gone": "x\n", "picture": b"\0\1", "crlf": "a\r\nb\r\n", "++": "++\n--\n"}
        )
    ]
    repo.git("mv", "old", "new name")
    made.append(repo.commit("rename", {"gone": None, "picture": b"\0\2", "++": "++\n", "crlf": "a\nb\n"}))
    repo.branch("side")
    repo.commit("side", {"side.txt": LONG})
    repo.main()
    made.append(repo.commit("change", {"new name": LONG + "more\n"}))
    made.append(repo.merge("merge", "side", resolve={"own.txt": "own\n"}))
    made.append(repo.commit("undo", {"new name": LONG}))
    made.append(repo.commit("nothing", {}))
    return made


def test_each_file_is_as_pydriller_says_by_itself(repo: Repo) -> None:
    busy(repo)
    tables = read(repo.path)
    alone = tables["commits"].query("position.notna() and not parents.str.contains(' ')")["sha"]
    rows = tables["file_changes"].query("sha in @alone")
    old = rows["old_path"].astype(object).where(rows["old_path"].notna(), None)
    lines = (rows[name].fillna(0).tolist() for name in ("added", "deleted"))
    got = set(zip(rows["sha"], old, rows["path"], rows["status"], *lines, strict=True))
    assert got == {
        (
            commit.hash, file.old_path if file.change_type.name == "RENAME" else None, file.new_path or file.old_path,
            KINDS[file.change_type.name], file.added_lines, file.deleted_lines,
        )
        for commit in pydriller.Repository(str(repo.path), only_no_merge=True).traverse_commits()
        for file in commit.modified_files
        if commit.hash in set(alone)
    }  # fmt: skip
    assert {status for _, _, _, status, _, _ in got} == set("AMDR")


def test_each_commit_and_merge_is_as_git_says_by_itself(repo: Repo) -> None:
    made = busy(repo)
    changes = read(repo.path)["file_changes"]
    for sha in made:
        assert ours(changes, sha) == said_by_git(repo.path, sha)


def test_it_does_not_matter_how_many_commits_a_process_is_told_of(
    repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy(repo)
    want = read(repo.path)
    for module in (diffs, mining, reading):
        monkeypatch.setattr(module, "_AT_ONCE", 2)
    monkeypatch.setattr(reading, "_MERGES", 1)
    for name, data in read(repo.path).items():
        pd.testing.assert_frame_equal(data, want[name])


def test_commits_that_share_their_trees_each_have_their_files(repo: Repo) -> None:
    """A change that is made, undone and made again is the same comparison for git."""
    made = [repo.commit(f"try {number}", {"base.txt": f"{number % 2}\n"}) for number in range(4)]
    changes = read(repo.path)["file_changes"].set_index("sha")
    assert changes.loc[made[1:], ["path", "added", "deleted"]].to_numpy().tolist() == [["base.txt", 1, 1]] * 3


def test_a_hundred_thousand_files_in_one_commit_are_all_read(tmp_path: Path) -> None:
    files = b"".join(b"M 100644 :1 d%d/f%d\n" % (number % 300, number) for number in range(MANY))
    who = b"Ann <ann@example.org> %d +0000" % START
    path = fast_import(
        tmp_path / "many.git",
        b"blob\nmark :1\ndata 2\nx\n\ncommit refs/heads/main\ncommitter %s\ndata 4\nmany\n%s\n"
        % (who, files),
    )
    tables = read(path)
    assert len(tables["file_changes"]) == MANY
    assert ours(tables["file_changes"], tables["commits"]["sha"].iloc[0]) == said_by_git(path, "main")


@pytest.mark.parametrize(("moment", "year"), [(0, 1970), (4_070_908_800, 2099), (1 << 40, 9999)])
def test_a_message_of_megabytes_and_any_date_are_read(tmp_path: Path, moment: int, year: int) -> None:
    message = (
        b"subject\n\n" + b"\xff \x1b[31m line\n" * 700_000 + b"\nCo-authored-by: Bob <bob@example.org>\n"
    )
    path = fast_import(
        tmp_path / "long.git",
        b"commit refs/heads/main\ncommitter Ann <ann@example.org> %d +0000\ndata %d\n%s\n"
        % (moment, len(message), message),
    )
    (commit,) = read(path)["commits"].to_dict("records")
    assert len(message) > 9_000_000
    assert (commit["subject"], commit["co_authors"]) == ("subject", "bob@example.org")
    assert commit["committer_time"].year == year


def test_a_partial_repository_is_refused_with_the_objects_that_it_lacks(repo: Repo) -> None:
    """git fails over a diff that needs a missing blob; what is said is what the repository lacks, and what to do."""
    busy(repo)
    repo.git("config", "uploadpack.allowFilter", "true")
    target = repo.path.parent / "clone.git"
    repo.git("clone", "--quiet", "--bare", "--filter=blob:none", f"file://{repo.path}", str(target))
    said = repo.git("-C", str(target), "rev-list", "--objects", "--missing=print", "main")
    missing = sorted(line[1:] for line in said.split("\n") if line.startswith("?"))
    with pytest.raises(IntegrityError) as caught:
        read(target)
    assert caught.value.exit_code == ExitCode.INTEGRITY
    assert f"acme/gitops: the repository is not whole: partial: {len(missing)} objects were left out" in str(
        caught.value
    )
    assert all(sha in str(caught.value) for sha in missing)
    assert "git fetch --refetch --no-filter" in str(caught.value)
    assert "diff-tree" not in str(caught.value)
