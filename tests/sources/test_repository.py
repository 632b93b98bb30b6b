"""Mirrors: whole, ours, kept up to date, and refused when part of the history is missing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.errors import AuditError, EvidenceMissing, ExitCode, IntegrityError, UsageError
from audit.git import history
from audit.settings import Repository, Settings
from audit.sources.git_command import redact
from audit.sources.repository import mirror, safe_name

SETTINGS = Settings.model_validate({"organisation": {"name": "NETBPF"}})


def git(path: Path, *args: str) -> str:
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", "Ann"), ("EMAIL", "ann@example.org"), ("DATE", "@1780000000 +0000"))}  # fmt: skip
    env = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **who,
    }
    return subprocess.run(
        ["git", *args], cwd=path, env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


def commit(path: Path, message: str) -> str:
    git(path, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(path, "rev-parse", "HEAD")


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    path = tmp_path / "origin"
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch=trunk")
    (path / "a.txt").write_text("a\n")
    git(path, "add", "-A")
    commit(path, "one")
    return path


def mirrored(location: str, cache: Path, name: str = "acme/gitops") -> Path:
    return mirror(Repository(name=name, location=location), SETTINGS, cache)


@pytest.mark.parametrize("where", [str, lambda path: f"file://{path}"], ids=["path", "url"])
def test_all_refs_are_mirrored_and_fetched_again(
    origin: Path, tmp_path: Path, where: Callable[[Path], str]
) -> None:
    first = git(origin, "rev-parse", "HEAD")
    git(origin, "update-ref", "refs/pull/7/head", first)
    git(origin, "branch", "gone")
    path = mirrored(where(origin), tmp_path / "cache")
    assert path.parent == tmp_path / "cache"
    assert git(path, "rev-parse", "refs/pull/7/head", "HEAD", "gone").split() == [first] * 3
    second = commit(origin, "two")
    git(origin, "branch", "-D", "gone")
    assert mirrored(where(origin), tmp_path / "cache") == path
    assert git(path, "rev-parse", "HEAD") == second
    assert "gone" not in git(path, "for-each-ref")
    assert history.read(path, repo="acme/gitops", branch=None)["repositories"]["branch"].tolist() == ["trunk"]


def test_a_rewritten_branch_is_followed_and_its_old_commits_stay(origin: Path, tmp_path: Path) -> None:
    old = commit(origin, "old")
    path = mirrored(str(origin), tmp_path / "cache")
    git(origin, "reset", "--quiet", "--hard", "HEAD~1")
    new = commit(origin, "new")
    mirrored(str(origin), tmp_path / "cache")
    assert git(path, "rev-parse", "HEAD") == new
    assert git(path, "cat-file", "-t", old) == "commit"


def test_a_mirror_does_not_depend_on_its_origin_nor_name_it(origin: Path, tmp_path: Path) -> None:
    path = mirrored(str(origin), tmp_path / "cache")
    origin.rename(tmp_path / "away")
    assert len(history.read(path, repo="acme/gitops", branch=None)["commits"]) == 1
    assert "origin" not in (path / "config").read_text()


def _clone(origin: Path, *options: str) -> Path:
    git(origin, "config", "uploadpack.allowFilter", "true")
    target = origin.parent / "clone"
    git(origin, "clone", "--quiet", *options, f"file://{origin}", str(target))
    return target


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        (("--depth=1", "--bare"), "git fetch --unshallow"),
        (("--filter=blob:none", "--bare"), "git fetch --refetch --no-filter"),
    ],
    ids=["shallow", "partial"],
)
def test_part_of_a_history_is_refused(
    origin: Path, tmp_path: Path, options: tuple[str, ...], remedy: str
) -> None:
    commit(origin, "two")
    with pytest.raises(IntegrityError) as caught:
        mirrored(str(_clone(origin, *options)), tmp_path / "cache")
    assert caught.value.exit_code == ExitCode.INTEGRITY
    assert "acme/gitops" in caught.value.problem
    assert remedy in caught.value.remedy


def test_a_shallow_history_behind_a_url_is_refused(origin: Path, tmp_path: Path) -> None:
    commit(origin, "two")
    shallow = _clone(origin, "--depth=1", "--bare")
    with pytest.raises(IntegrityError, match="acme/gitops"):
        mirrored(f"file://{shallow}", tmp_path / "cache")
    with pytest.raises(
        IntegrityError, match="acme/gitops"
    ):  # and again: nothing half-made is taken for a mirror
        mirrored(f"file://{shallow}", tmp_path / "cache")


@pytest.mark.parametrize(
    ("location", "error", "says"),
    [
        ("{tmp}/nowhere", UsageError, "there is no such folder"),
        ("{tmp}", UsageError, "not a git repository"),
        ("file://{tmp}/nowhere.git", EvidenceMissing, "can't be fetched"),
        (
            "http://user:secret@127.0.0.1:9/x.git",
            EvidenceMissing,
            r"http://\*\*\*@127.0.0.1:9/x.git can't be fetched",
        ),
        ("ext::sh -c touch% {tmp}/pwned", AuditError, "ext"),
        ("--upload-pack=touch {tmp}/pwned", UsageError, "no such folder"),
    ],
    ids=["no folder", "no repository", "no url", "unreachable", "command", "option"],
)
def test_what_is_not_there_is_named(
    tmp_path: Path, location: str, error: type[AuditError], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        mirrored(location.format(tmp=tmp_path), tmp_path / "cache")
    assert "secret" not in str(caught.value)
    assert not (tmp_path / "pwned").exists()


def test_a_repository_without_commits_gives_no_evidence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    git(tmp_path / "empty", "init", "--quiet")
    with pytest.raises(EvidenceMissing, match="no commits"):
        mirrored(str(tmp_path / "empty"), tmp_path / "cache")


def test_names_become_one_folder_each() -> None:
    names = ["a/b", "a-b", "../../etc", "a b", "x" * 300]
    folders = [safe_name(name) for name in names]
    assert len(set(folders)) == len(names)
    assert all("/" not in folder and ".." not in folder and folder.endswith(".git") for folder in folders)
    assert all(len(folder) < 120 for folder in folders)


def test_credentials_are_never_shown() -> None:
    assert (
        redact("fatal: https://me:token@forge.example/x failed")
        == "fatal: https://***@forge.example/x failed"
    )
