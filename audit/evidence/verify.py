"""Proof that the store is what it was: the chain, the signatures, every object's bytes, what was reported, and nothing
else in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError

from audit.errors import IntegrityError
from audit.evidence import editions
from audit.evidence.journal import Journal
from audit.evidence.keys import Key
from audit.evidence.manifest import Manifest, load, open_envelope
from audit.evidence.store import Store
from audit.sources.checksums import Expected, can_be_verified
from audit.sources.interface import CHUNK


@dataclass(frozen=True)
class _Link:
    """One manifest of the chain that could be read."""

    name: str
    manifest: Manifest
    envelope: Envelope


def _silent(_done: int, _total: int) -> None:
    """Tells nobody."""


def verify(
    store: Store, keys: Sequence[Key] = (), progress: Callable[[int, int], None] = _silent
) -> list[str]:
    """What is wrong with the store: a sentence for each problem, naming the manifest or object; empty when nothing.

    With `keys`, the last manifest must be signed by one of them: by the chain it vouches for all before it. Cutting
    off the last manifests together with the objects that they alone name can't be told from the store alone: compare
    the last manifest's sha256 (`head`) with the one that a report prints.

    Args:
        progress: told (objects read, objects that manifests name).
    """
    chain, problems = _chain(store)
    frozen = editions.check(store, [link.manifest for link in chain])
    return problems + _signatures(chain, keys) + _objects(store, chain, progress) + frozen


def check_chain(store: Store, keys: Sequence[Key] = ()) -> None:
    """Makes sure that the manifests may be added to. Does not read the objects.

    Raises:
        IntegrityError: a manifest was changed or removed, or the last one lost its signature. A chain that was never
            signed may go on being signed from now on.
    """
    chain, problems = _chain(store)
    if any(link.manifest.signed_by for link in chain):
        problems += _signatures(chain, keys)
    if problems:
        raise IntegrityError(
            "\n".join(problems), remedy="restore the evidence store from a backup, or collect into a new one"
        )


def head(store: Store) -> tuple[int, str] | None:
    """Sequence and sha256 of the last manifest: what to write down elsewhere. None for an empty store."""
    paths = _paths(store)
    return (len(paths), hashlib.sha256(paths[-1].read_bytes()).hexdigest()) if paths else None


def _paths(store: Store) -> list[Path]:
    return sorted((store.root / "manifests").iterdir())


def _chain(store: Store) -> tuple[list[_Link], list[str]]:
    """The manifests that can be read, and what is wrong with their chain."""
    chain: list[_Link] = []
    problems: list[str] = []
    previous = ""
    for number, path in enumerate(_paths(store), 1):
        if path.name != f"{number:06}.json":
            problems.append(f"manifests/{number:06}.json: it is gone, and {path.name} is there")
            break
        content = path.read_bytes()
        try:
            manifest, envelope = load(path.name, content), open_envelope(path.name, content)
        except IntegrityError as error:
            problems.append(error.problem)
        else:
            chain.append(_Link(path.name, manifest, envelope))
            if manifest.sequence != number:
                problems.append(f"manifests/{path.name}: says that it is manifest {manifest.sequence:06}")
            if manifest.previous != previous:
                problems.append(
                    f"manifests/{path.name}: does not follow the manifest before it: that one was changed, or this one"
                )
        previous = hashlib.sha256(content).hexdigest()
    return chain, problems


def _signatures(chain: Sequence[_Link], keys: Sequence[Key]) -> list[str]:
    """Signatures that are wrong, and a last manifest without one of `keys`. Nothing when there are no keys."""
    by_id = {key.keyid: key for key in keys}
    problems = [
        f"manifests/{link.name}: the signature of key {key_id[:16]} is not that of its content"
        for link in chain
        for key_id in sorted(by_id.keys() & link.envelope.signatures.keys())
        if not _holds(link.envelope, by_id[key_id])
    ]
    if chain and keys and not by_id.keys() & chain[-1].envelope.signatures.keys():
        problems.append(
            f"manifests/{chain[-1].name}: the last manifest is not signed by any key that the settings name"
        )
    return problems


def _holds(envelope: Envelope, key: Key) -> bool:
    try:
        key.verify_signature(envelope.signatures[key.keyid], envelope.pae())
    except UnverifiedSignatureError:
        return False
    return True


def _objects(store: Store, chain: Sequence[_Link], progress: Callable[[int, int], None]) -> list[str]:
    """Objects that are gone, changed, or that no manifest names."""
    named = {entry.sha256: entry for link in chain for entry in link.manifest.entries}
    vouched: dict[str, set[str]] = {}
    for entry in (entry for link in chain for entry in link.manifest.entries if entry.verified):
        vouched.setdefault(entry.sha256, set()).add(entry.checksum)
    under_way = {entry.sha256 for entry in Journal(store).entries()}
    problems = []
    seen: set[str] = set()
    for path in store.objects():
        sha256 = path.name
        seen.add(sha256)
        progress(min(len(seen), len(named) - 1), len(named))
        if sha256 not in named and sha256 not in under_way:
            problems.append(f"objects/{path.parent.name}/{sha256}: no manifest names it")
        elif wrong := _wrong(path, sorted(vouched.get(sha256, ()))):
            whose = f" ({named[sha256].source}: {named[sha256].key!r})" if sha256 in named else ""
            problems.append(f"objects/{path.parent.name}/{sha256}{whose}: {wrong}")
    for sha256 in sorted(named.keys() - seen):
        entry = named[sha256]
        problems.append(f"objects/{sha256[:2]}/{sha256} ({entry.source}: {entry.key!r}): it is gone")
    progress(len(named), len(named))
    return problems


def _wrong(path: Path, checksums: Sequence[str]) -> str:
    """How a file is not what its name says, or not what its source vouched for; empty when it is both."""
    if not path.is_file() or path.is_symlink():
        return "its bytes are not what was stored"
    unknown = [checksum for checksum in checksums if not can_be_verified(checksum)]
    if unknown:
        return (
            f"the manifest says that its bytes were held against the checksum '{unknown[0]}', which can't be"
        )
    digest, expected = hashlib.sha256(), {checksum: Expected(checksum) for checksum in checksums}
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            for one in expected.values():
                one.update(chunk)
    if digest.hexdigest() != path.name:
        return "its bytes are not what was stored"
    others = [checksum for checksum, one in expected.items() if not one.holds()]
    return (
        f"its bytes are not those of the checksum {others[0]}, which the manifest says they were"
        if others
        else ""
    )
