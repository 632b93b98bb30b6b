"""A repository seen through a throw-away one of our own: its objects and refs, and nothing else of it.

The view is a bare repository in a temporary folder whose objects are the original's (through `alternates`) and
whose refs are a copy. Nothing is written to the original, not even the objects that a trial merge makes; its
configuration, hooks, attributes, grafts, shallow marks, replacement refs and promisors are out of reach, so what
is read is what the objects say. PyDriller, which writes to the configuration of what it opens, opens the view.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from audit.errors import UsageError
from audit.sources import git_command
from audit.sources.git_command import GitFailed

_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"


def common_dir(path: Path) -> Path:
    """The folder that holds objects and refs of the repository at `path` (bare, work tree, or linked work tree).

    Raises:
        UsageError: there is no repository, or it is of a kind that can't be read.
    """
    remedy = "name the folder of a git repository, bare or not"
    if not path.is_dir():
        raise UsageError(f"{path}: there is no such folder", remedy=remedy)
    for candidate in (path, path / ".git"):
        if candidate.is_file() or (candidate / "HEAD").is_file():
            found = _resolve(candidate, path)
            if (found / "objects").is_dir() and (found / "refs").is_dir():
                _require_sha1(found, path)
                return found
    raise UsageError(f"{path}: not a git repository", remedy=remedy)


def refs(git_dir: Path) -> dict[str, str]:
    """Every ref with the object it names, sorted by name; a ref that is broken is left to `git fsck`."""
    said = git_command.run(git_dir, "for-each-ref", "--format=%(refname)%00%(objectname)%00")
    words = said.decode("utf-8", "surrogateescape").replace("\0\n", "\0").split("\0")
    return dict(sorted(zip(words[0:-1:2], words[1::2], strict=True)))


def head(git_dir: Path) -> str | None:
    """The branch (without refs/heads/) that HEAD names, born or not; None when HEAD is detached."""
    text = (git_dir / "HEAD").read_text(encoding="utf-8", errors="surrogateescape").strip()
    return text.removeprefix("ref: refs/heads/") if text.startswith("ref: refs/heads/") else None


@contextlib.contextmanager
def view(path: Path, *, branch: str | None = None) -> Iterator[Path]:
    """The git directory of a view of the repository at `path`, gone when the block ends.

    Args:
        branch: what HEAD of the view shall name; the original's HEAD when not given.

    Raises:
        UsageError: there is no repository at `path`.
    """
    source = common_dir(path)
    where = Path(tempfile.mkdtemp(prefix="audit-view-"))
    try:
        yield _make(source, where / "view.git", branch)
    finally:
        shutil.rmtree(where)


def _make(source: Path, target: Path, branch: str | None) -> Path:
    for folder in ("objects/info", "objects/pack", "refs/heads", "info"):
        (target / folder).mkdir(parents=True)
    objects = str((source / "objects").resolve())
    quoted = '"' + objects.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    (target / "objects/info/alternates").write_text(f"{quoted}\n", encoding="utf-8", errors="surrogateescape")
    (target / "config").write_text(_CONFIG, encoding="utf-8")
    name = branch if branch is not None else head(source)
    start = f"ref: refs/heads/{name}\n" if name is not None else (source / "HEAD").read_text(encoding="utf-8")
    (target / "HEAD").write_text(start, encoding="utf-8", errors="surrogateescape")
    packed = [f"{sha} {ref}\n" for ref, sha in refs(source).items()]
    text = "".join(packed)
    (target / "packed-refs").write_text(text, encoding="utf-8", errors="surrogateescape")
    return target


def _resolve(candidate: Path, named: Path) -> Path:
    """Follows a `.git` file and a linked work tree's `commondir`."""
    if candidate.is_file():
        text = candidate.read_text(encoding="utf-8", errors="surrogateescape")
        candidate = (candidate.parent / text.removeprefix("gitdir:").strip()).resolve()
    common = candidate / "commondir"
    if common.is_file():
        candidate = (candidate / common.read_text(encoding="utf-8").strip()).resolve()
    if not candidate.is_dir():
        raise UsageError(f"{named}: its git folder {candidate} is gone", remedy="name the main repository")
    return candidate.resolve()


def _require_sha1(git_dir: Path, named: Path) -> None:
    try:
        said = git_command.run(git_dir, "rev-parse", "--show-object-format").decode().strip()
    except GitFailed as error:
        raise UsageError(
            f"{named}: not a git repository that can be read: {error.said}", remedy="check it with 'git fsck'"
        ) from None
    if said != "sha1":
        raise UsageError(f"{named}: its object format is {said}", remedy="only sha1 repositories can be read")
