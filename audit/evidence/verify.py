"""Proof that the store is what it was: the chain, the signatures, every object's bytes, what was reported, and nothing
else in it."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from audit.evidence import editions
from audit.evidence.chain import Chain, read_chain
from audit.evidence.journal import Journal
from audit.evidence.keys import Key
from audit.evidence.manifest import Entry
from audit.evidence.store import Store
from audit.sources.checksums import Expected, can_be_verified
from audit.sources.interface import CHUNK

_LINK = "a link to elsewhere, and no file of the store's own"


def _silent(_done: int, _total: int) -> None:
    """Tells nobody."""


def verify(
    store: Store,
    keys: Sequence[Key] = (),
    progress: Callable[[int, int], None] = _silent,
    *,
    heads: Iterable[str] = (),
) -> list[str]:
    """What is wrong with the store: a sentence for each problem, naming the manifest or object; empty when nothing.

    With `keys`, the last manifest must be signed by one of them: by the chain it vouches for all before it. Cutting
    off the last manifests together with the objects that they alone name can't be told from the store alone: `heads` can.

    Args:
        progress: told (objects read, objects that manifests name).
        heads: sha256 (hex) of manifests that were the last one at their time, as a report prints it.
    """
    chain = read_chain(store, keys)
    there = {link.manifest.sha256 for link in chain.links}
    cut = [
        f"manifests: none of them has the sha256 {one}: the last ones were cut off or changed, or this is another store"
        for one in heads
        if one.lower() not in there
    ]
    frozen = editions.check(store, [link.manifest for link in chain.links])
    return [*chain.problems, *cut, *_objects(store, chain, keys, progress), *frozen]


def _objects(
    store: Store, chain: Chain, keys: Sequence[Key], progress: Callable[[int, int], None]
) -> Iterator[str]:
    """Objects that are gone or changed, and what no manifest names."""
    named: dict[str, Entry] = {}
    vouched: dict[str, set[str]] = {}
    for entry in (entry for link in chain.links for entry in link.manifest.entries):
        named[entry.sha256] = entry
        if entry.verified:
            vouched.setdefault(entry.sha256, set()).add(entry.checksum)
    for number, (sha256, entry) in enumerate(sorted(named.items())):
        progress(number, len(named))
        if wrong := _wrong(store.path(sha256), sorted(vouched.get(sha256, ()))):
            yield f"objects/{sha256[:2]}/{sha256} ({entry.source}: {entry.key!r}): {wrong}"
    progress(len(named), len(named))
    yield from _unnamed(store, chain, named.keys(), keys)


def _unnamed(store: Store, chain: Chain, named: Iterable[str], keys: Sequence[Key]) -> Iterator[str]:
    """What lies among the objects and no manifest names. Where manifests can't be read it is counted alone: any of it may
    be theirs."""
    under_way = {entry.sha256 for entry in Journal(store, keys).entries()}
    known = {store.path(sha256) for sha256 in (*named, *under_way)}
    others = []
    for path in _files(store.root / "objects"):
        if isinstance(path, OSError):
            yield f"{Path(str(path.filename)).relative_to(store.root)}: can't be read: {path.strerror}"
        elif path.is_symlink() and path not in known:
            yield f"{path.relative_to(store.root)}: is {_LINK}"
        elif path not in known:
            others.append(path.relative_to(store.root))
        elif path.name in under_way and path.name not in named and (wrong := _wrong(path, ())):
            yield f"{path.relative_to(store.root)}: {wrong}"
    if not chain.whole and others:
        yield f"objects: {len(others)} that no manifest names which can be read"
    elif not chain.links and others:
        yield f"manifests: there are none, and {len(others)} objects that none names"
    else:
        yield from (f"{path}: no manifest names it" for path in others)


def _files(folder: Path) -> Iterator[Path | OSError]:
    """All that is no folder, at any depth, in order; links are not followed. An error for what can't be looked into."""
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        yield error
        return
    for path in inside:
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        else:
            yield path


def _wrong(path: Path, checksums: Sequence[str]) -> str:
    """How a file is not what its name says, or not what its source vouched for; empty when it is both."""
    unknown = [checksum for checksum in checksums if not can_be_verified(checksum)]
    if unknown:
        return (
            f"the manifest says that its bytes were held against the checksum '{unknown[0]}', which can't be"
        )
    expected = {checksum: Expected(checksum) for checksum in checksums}
    try:
        digest = _digest(path, expected.values())
    except FileNotFoundError:
        return "it is gone"
    except OSError as error:
        return f"can't be read: {error.strerror}"
    if digest != path.name:
        return "its bytes are not what was stored"
    others = [checksum for checksum, one in expected.items() if not one.holds()]
    return (
        f"its bytes are not those of the checksum {others[0]}, which the manifest says they were"
        if others
        else ""
    )


def _digest(path: Path, expected: Iterable[Expected]) -> str:
    """sha256 of a file's bytes, which `expected` take in too.

    Raises:
        OSError: it can't be read, or is no file of its own.
    """
    if path.is_symlink() or path.parent.is_symlink():
        raise OSError(errno.ELOOP, _LINK)
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "no file")
    digest, every = hashlib.sha256(), tuple(expected)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            for one in every:
                one.update(chunk)
    return digest.hexdigest()
