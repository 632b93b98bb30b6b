"""Each way in which a repository is not whole is named, and what can't be audited is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from git_repo import Repo

import audit.git
from audit.errors import ExitCode, IntegrityError
from audit.git import integrity


def kinds(path: Path) -> list[str]:
    return [problem for problem, _ in integrity.problems(path)]


def clone(repo: Repo, *options: str) -> Path:
    repo.git("config", "uploadpack.allowFilter", "true")
    target = repo.path.parent / "clone.git"
    repo.git("clone", "--quiet", "--bare", *options, f"file://{repo.path}", str(target))
    return target


def test_a_whole_repository_has_no_problems(repo: Repo) -> None:
    repo.git("tag", "-a", "v1", "-m", "v1")
    assert kinds(repo.path) == []
    repo.git("gc", "--quiet")
    assert kinds(repo.path) == []


def test_a_shallow_clone(repo: Repo) -> None:
    repo.commit("two")
    target = clone(repo, "--depth=1")
    assert integrity.problems(target) == [
        integrity.Problem("shallow", f"history is cut below 1 commits: {repo.sha()}")
    ]


@pytest.mark.parametrize("spec", ["blob:none", "tree:0"])
def test_a_partial_clone(repo: Repo, spec: str) -> None:
    assert kinds(clone(repo, f"--filter={spec}")) == ["partial"]


def test_a_partial_clone_that_lacks_nothing_is_whole(repo: Repo) -> None:
    assert kinds(clone(repo, "--filter=blob:limit=1m")) == []


def test_grafts_replacements_and_borrowed_objects(repo: Repo) -> None:
    first, second = repo.sha(), repo.commit("two")
    (repo.path / ".git/info").mkdir(exist_ok=True)
    (repo.path / ".git/info/grafts").write_text(f"{second}\n")
    repo.git("replace", second, first)
    assert kinds(repo.path) == ["grafted", "replaced"]
    target = repo.path.parent / "borrower"
    repo.git("clone", "--quiet", "--shared", str(repo.path), str(target))
    assert kinds(target) == ["alternates"]


@pytest.mark.parametrize("rev", ["HEAD~1", "HEAD~1^{tree}", "HEAD:base.txt"])
def test_a_missing_object_is_named(repo: Repo, rev: str) -> None:
    repo.commit("two", {"other.txt": "x\n"})
    sha = repo.sha(rev)
    (repo.path / ".git/objects" / sha[:2] / sha[2:]).unlink()
    (found,) = integrity.problems(repo.path)
    assert found.problem == "missing object"
    assert sha in found.detail


def test_a_damaged_pack_is_found_by_its_checksum(repo: Repo) -> None:
    repo.git("gc", "--quiet")
    (pack,) = (repo.path / ".git/objects/pack").glob("*.pack")
    pack.chmod(0o644)
    raw = bytearray(pack.read_bytes())
    raw[-21] ^= 1
    pack.write_bytes(raw)
    assert "corrupt" in kinds(repo.path)


def test_mining_a_shallow_repository_is_refused_with_the_remedy(repo: Repo) -> None:
    repo.commit("two")
    with pytest.raises(IntegrityError) as caught:
        audit.git.mine(clone(repo, "--depth=1"), repo="acme/gitops")
    assert caught.value.exit_code == ExitCode.INTEGRITY
    assert "acme/gitops: the repository is not whole: shallow" in str(caught.value)
    assert "git fetch --unshallow" in str(caught.value)
