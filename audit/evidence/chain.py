"""The chain that manifests make: each names the one before it, and a signature on the last one vouches for all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError

from audit.errors import IntegrityError
from audit.evidence.keys import Key
from audit.evidence.manifest import NAME, Manifest, load, open_envelope, paths
from audit.evidence.store import Store


@dataclass(frozen=True)
class Link:
    """One manifest of the chain that could be read."""

    name: str
    manifest: Manifest
    envelope: Envelope


@dataclass(frozen=True)
class Chain:
    """The manifests of a store.

    Attributes:
        links: those that can be read, in their order.
        problems: what is wrong with them, a sentence each.
        whole: all of them could be read, and none of them is gone: what they don't name, nobody named.
    """

    links: tuple[Link, ...]
    problems: tuple[str, ...]
    whole: bool


def read_chain(store: Store, keys: Sequence[Key] = ()) -> Chain:
    """The chain, and all that is wrong with it.

    Args:
        keys: by one of which the last manifest must be signed; signatures are not looked at without any.
    """
    links, problems = [], list(_strangers(store))
    previous: str | None = ""
    expected, whole = 1, True
    for path in paths(store):
        number = int(path.stem)
        if number != expected:
            gone = f"manifests/{expected:06}.json"
            problems.append(f"{gone}: it is gone, and {path.name} is there")
            previous, whole = None, False
        if path.is_symlink():
            problems.append(f"manifests/{path.name}: is a link to elsewhere, and no file of the store's own")
        try:
            content = path.read_bytes()
            link = Link(path.name, load(path.name, content), open_envelope(path.name, content))
        except OSError as error:
            problems.append(f"manifests/{path.name}: can't be read: {error.strerror}")
            previous, whole = None, False
        except IntegrityError as error:
            problems.append(error.problem)
            previous, whole = hashlib.sha256(content).hexdigest(), False
        else:
            links.append(link)
            problems += _out_of_place(link, number, previous)
            previous = link.manifest.sha256
        expected = number + 1
    return Chain(tuple(links), (*problems, *_signatures(links, keys)), whole)


def check_chain(store: Store, keys: Sequence[Key] = ()) -> None:
    """Makes sure that the manifests may be read as evidence, and be added to. Does not read the objects.

    Raises:
        IntegrityError: a manifest was changed or removed, or the last one lost its signature. A chain that was never
            signed may go on being signed from now on.
    """
    chain = read_chain(store)
    signed = any(link.manifest.signed_by for link in chain.links)
    problems = [*chain.problems, *(_signatures(chain.links, keys) if signed else ())]
    if problems:
        raise IntegrityError(
            "\n".join(problems),
            remedy="restore the evidence store from a backup, or collect into a new one",
        )


def head(store: Store) -> tuple[int, str] | None:
    """Sequence and sha256 of the last manifest: what to write down elsewhere. None for an empty store."""
    found = paths(store)
    return (len(found), hashlib.sha256(found[-1].read_bytes()).hexdigest()) if found else None


def _strangers(store: Store) -> Iterator[str]:
    """What lies among the manifests and is none."""
    try:
        for path in sorted((store.root / "manifests").iterdir()):
            if NAME.fullmatch(path.name) is None:
                yield f"manifests/{path.name}: is no manifest of this store"
    except OSError as error:
        yield f"manifests: can't be read: {error.strerror}"


def _out_of_place(link: Link, number: int, previous: str | None) -> Iterator[str]:
    """How a manifest says that it stands elsewhere in the chain; `previous` is the sha256 of the one before, None where
    that one is not there to tell."""
    if link.manifest.sequence != number:
        yield f"manifests/{link.name}: says that it is manifest {link.manifest.sequence:06}"
    if previous is not None and link.manifest.previous != previous:
        yield f"manifests/{link.name}: does not follow the manifest before it: that one was changed, or this one"


def _signatures(links: Sequence[Link], keys: Sequence[Key]) -> list[str]:
    """Signatures that are wrong, and a last manifest without one of `keys`. Nothing when there are no keys."""
    by_id = {key.keyid: key for key in keys}
    problems = [
        f"manifests/{link.name}: the signature of key {key_id[:16]} is not that of its content"
        for link in links
        for key_id in sorted(by_id.keys() & link.envelope.signatures.keys())
        if not _holds(link.envelope, by_id[key_id])
    ]
    if links and keys and not by_id.keys() & links[-1].envelope.signatures.keys():
        problems.append(
            f"manifests/{links[-1].name}: the last manifest is not signed by any key that the settings name"
        )
    return problems


def _holds(envelope: Envelope, key: Key) -> bool:
    try:
        key.verify_signature(envelope.signatures[key.keyid], envelope.pae())
    except UnverifiedSignatureError:
        return False
    return True
