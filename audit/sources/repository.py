"""Mirrors of the audited repositories: bare, whole, ours, and fetched again on later runs."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from audit.errors import AuditError, EvidenceMissing, IntegrityError
from audit.settings import Repository, Settings
from audit.sources import git_command, git_integrity
from audit.sources.git_command import GitFailed, redact
from audit.sources.git_view import common_dir, head, refs, view

MIRRORS = "mirrors"
"""Their folder in the evidence store."""

_EVERY_REF = "+refs/*:refs/*"
_TRIES = 3
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[^/:]+:(?!/?$)[^:]")  # a scheme, or user@host:path


def mirror(repo: Repository, settings: Settings, cache: Path) -> Path:
    """A bare mirror of a repository with all its refs, made or brought up to date; returns its folder.

    The mirror keeps the objects of refs that were deleted or rewritten since it was made, and holds no
    credentials: the location is never stored in it.

    Args:
        repo: a local path (relative to the settings) or a URL, with its name.
        cache: folder of the mirrors; the mirror's own name is made safe.

    Raises:
        UsageError: there is no repository at a local path.
        EvidenceMissing: a URL can't be reached or is refused, or there are no commits.
        IntegrityError: the repository is shallow, partial, damaged or lacks objects.
    """
    git_command.require_git()
    target = cache / safe_name(repo.name)
    if _is_url(repo.location):
        _update(repo, target, repo.location, _remote_head(repo))
    else:
        path = settings.resolve(repo.location)
        common_dir(path)
        git_integrity.refuse(git_integrity.problems(path), f"{repo.name} ({path})")
        with view(path) as seen:
            _update(repo, target, str(seen), head(common_dir(path)))
    git_integrity.refuse(git_integrity.problems(target), repo.name)
    return target


def reach(repo: Repository, settings: Settings) -> None:
    """Asks a repository for its HEAD, and makes sure that a local one is whole enough to be opened.

    Raises:
        UsageError: there is no repository at a local path.
        EvidenceMissing: a URL can't be reached or is refused.
    """
    if _is_url(repo.location):
        _remote_head(repo)
    else:
        common_dir(settings.resolve(repo.location))


@dataclass(frozen=True)
class MirrorPlanned:
    """What mining one repository would begin with.

    Attributes:
        bytes: of its mirror now; None where there is none yet: it would be cloned whole. Git tells how much there is to
            fetch only while it fetches.
        problem: why it can't be reached.
    """

    name: str
    location: str
    bytes: int | None
    problem: AuditError | None


def plan(settings: Settings) -> list[MirrorPlanned]:
    """What mirrors of the repositories would be made or brought up to date, in the order of the settings. Nothing is."""
    found = []
    for repo in settings.repositories:
        target, problem = settings.store_path / MIRRORS / safe_name(repo.name), None
        try:
            reach(repo, settings)
        except AuditError as error:
            problem = error
        held = (
            sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
            if target.is_dir()
            else None
        )
        found.append(MirrorPlanned(repo.name, redact(repo.location), held, problem))
    return found


def safe_name(name: str) -> str:
    """A folder name for a repository: readable, never a path, different for different names."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:80]
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.git"


def _is_url(location: str) -> bool:
    return not Path(location).exists() and _URL.match(location) is not None


def _remote_head(repo: Repository) -> str | None:
    """The branch that the remote's HEAD names; None when it is detached or unborn."""
    try:
        said = git_command.run(None, "ls-remote", "--symref", "--", repo.location, "HEAD")
    except GitFailed as error:
        raise _unreachable(repo, error) from None
    match = re.match(rb"ref: refs/heads/([^\t\n]+)\tHEAD", said)
    return match[1].decode("utf-8", "surrogateescape") if match else None


def _update(repo: Repository, target: Path, location: str, default: str | None) -> None:
    fresh = not target.exists()
    work = target.with_name(f".{target.name}.part") if fresh else target
    if fresh:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        git_command.run(work, "init", "--quiet", "--bare", "--template=", "--initial-branch=main")
    try:
        _fetch(repo, work, location)
    except GitFailed as error:
        raise _not_fetched(repo, error) from None
    branch = default if default is not None else repo.branch
    if branch is not None:
        git_command.run(work, "symbolic-ref", "HEAD", f"refs/heads/{branch}")
    if not refs(work):
        raise EvidenceMissing(
            f"{repo.name}: {redact(repo.location)} has no commits",
            remedy="name the repository that holds them",
        )
    if fresh:
        work.replace(target)


def _fetch(repo: Repository, work: Path, location: str) -> None:
    """Fetches until the mirror has every ref as the other side lists it: git keeps quiet about refs that it leaves
    out, such as those of a shallow history. A busy repository may move on meanwhile, hence more than one try."""
    for _ in range(_TRIES):
        git_command.run(
            work, "fetch", "--quiet", "--prune", "--force", "--no-tags", "--no-write-fetch-head", "--no-auto-gc",
            "--update-head-ok", "--", location, _EVERY_REF,
        )  # fmt: skip
        said = git_command.run(None, "ls-remote", "--refs", "--", location).decode("utf-8", "surrogateescape")
        wanted = {ref: sha for sha, ref in (line.split("\t", 1) for line in said.splitlines())}
        if wanted == refs(work):
            return
    wrong = sorted(ref for ref, sha in wanted.items() if refs(work).get(ref) != sha)
    raise IntegrityError(
        f"{repo.name}: {redact(repo.location)} did not give {len(wrong)} of the refs that it lists: {' '.join(wrong[:3])}",
        remedy="it may be shallow or damaged: complete it with 'git fetch --unshallow', check it with 'git fsck'",
    )


def _not_fetched(repo: Repository, error: GitFailed) -> EvidenceMissing | IntegrityError:
    if re.search(r"missing|bad object|unable to read|corrupt|did not send all|shallow", error.said):
        return IntegrityError(
            f"{repo.name}: {redact(repo.location)} did not give a whole history: {error.said}",
            remedy="check the original with 'git fsck'; a shallow one is completed with 'git fetch --unshallow'",
        )
    return _unreachable(repo, error)


def _unreachable(repo: Repository, error: GitFailed) -> EvidenceMissing:
    return EvidenceMissing(
        f"{repo.name}: {redact(repo.location)} can't be fetched: {error.said}",
        remedy="check the location and the access: an ssh key in the agent, or a token through GIT_ASKPASS",
    )
