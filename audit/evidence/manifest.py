"""What each collection brought: manifests, chained by hash and signed.

A manifest is one file, `manifests/000001.json` and so on: a DSSE envelope around an in-toto statement whose
subjects are the stored objects (and the tips of the repositories) and whose predicate says where each came from.
It names the sha256 of the manifest before it, so none can be changed or taken out unnoticed; a signature on the
last one vouches for all. The same inputs give the same bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec
from securesystemslib.dsse import Envelope

from audit.errors import IntegrityError
from audit.evidence.keys import Signer
from audit.evidence.reported import Reported
from audit.evidence.store import Store

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:gitops-audit:evidence-manifest:1"
PAYLOAD = "application/vnd.in-toto+json"
NAME = re.compile(r"[0-9]{6}\.json")
"""How a manifest's file is named."""

Tips = Mapping[str, Mapping[str, str]]
"""By repository, the sha that each ref points to."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One object of the evidence. What came to it later is left out where there is none, so that manifests from before
    keep their bytes.

    Attributes:
        source: name of the source in the settings.
        location: its location in the settings when it was collected.
        key: key below that location.
        version_id: object version; empty where the source has none.
        etag: ETag without quotes; empty where the source has none.
        last_modified: when the source says it was written (UTC); None for a folder.
        retention: until when the source keeps it locked; empty when not or not known.
        size: bytes.
        sha256: of its bytes (hex): its name in the store.
        collected_at: `as_of` of the run that brought it (UTC).
        checksum: by which the source vouched for its bytes, as in `CRC64NVME:rosUhgp5mIg=`; empty for none.
        verified: the bytes were held against it, and are those.
    """

    source: str
    location: str
    key: str
    version_id: str
    etag: str
    last_modified: datetime | None
    retention: str
    size: int
    sha256: str
    collected_at: datetime
    checksum: str = ""
    verified: bool = False


class Listed(msgspec.Struct, frozen=True):
    """What a source said that it has, and what became of it: listed = read + unread.

    Attributes:
        listed: objects that it has.
        read: of them, those that the store holds.
        unread: of them, those that could not be read.
        deleted, superseded, folders: as in `audit.sources.interface.Listing`: not among the listed.
        failed: it could not be listed at all, or not to its end.
    """

    listed: int
    read: int
    unread: int
    deleted: int
    superseded: int
    folders: int
    failed: bool


class Lost(msgspec.Struct, frozen=True, omit_defaults=True):
    """An object, or a version of one, that a source has or had and does not give. Each is told once.

    Attributes:
        kind: `superseded`, `deleted`: as in `audit.sources.interface.Past`, of what the store never held; `gone`: the store holds it, and
            the source no longer lists it; `unread`: it could not be read.
        version_id: of the version; empty where there is none.
        at: when it was superseded or deleted, where the source says so (UTC).
        reason: why it could not be read.
    """

    source: str
    location: str
    key: str
    kind: str
    version_id: str = ""
    at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class Manifest:
    """What one collection brought, or what was reported from it.

    Attributes:
        sequence: 1 for the first.
        previous: sha256 of the file of the manifest before it; empty for the first.
        as_of: the instant as of which it was collected (UTC).
        entries: what was new, ordered by source and key.
        tips: by repository, the sha that each ref pointed to; empty when they had not changed.
        reported: the report that was frozen then; nearly always none.
        counts: by source, what it listed; empty when all of it was as before.
        lost: what sources did not give, and no manifest before it tells of.
        sha256: of its own file.
        signed_by: ids of the keys that its signatures name; not verified by loading it.
    """

    sequence: int
    previous: str
    as_of: datetime
    entries: tuple[Entry, ...]
    tips: dict[str, dict[str, str]]
    reported: tuple[Reported, ...]
    counts: dict[str, Listed]
    lost: tuple[Lost, ...]
    sha256: str
    signed_by: tuple[str, ...]


class _Predicate(msgspec.Struct, frozen=True, omit_defaults=True):
    """The predicate of the statement, as it is written. What came to it later is left out where there is none, so
    that manifests from before keep their bytes."""

    sequence: int
    previous: str
    as_of: datetime
    entries: tuple[Entry, ...]
    tips: dict[str, dict[str, str]]
    reported: tuple[Reported, ...] = ()
    counts: dict[str, Listed] = {}
    lost: tuple[Lost, ...] = ()


def append(
    store: Store,
    *,
    as_of: datetime,
    entries: Iterable[Entry],
    tips: Tips | None = None,
    reported: Iterable[Reported] = (),
    counts: Mapping[str, Listed] | None = None,
    lost: Iterable[Lost] = (),
    signer: Signer | None = None,
) -> Manifest | None:
    """Adds a manifest to the chain; None, and no manifest, when there is nothing new to say.

    `tips`, `counts` and `lost` that are as the chain already has them are nothing new.

    Raises:
        IntegrityError: a manifest of the store can't be read.
        UsageError: another run is collecting into the store.
    """
    with store.exclusive():
        before = load_all(store)
        changed = _changed(tips or {}, latest_tips(before))
        new = sorted(entries, key=lambda each: (each.source, each.location, each.key, each.version_id))
        frozen = tuple(reported)
        known = latest_counts(before)
        told = {name: each for name, each in sorted((counts or {}).items()) if each != known.get(name)}
        known_lost = {one for manifest in before for one in manifest.lost}
        missed = sorted(set(lost) - known_lost, key=msgspec.json.encode)
        if not (new or changed or frozen or told or missed):
            return None
        predicate = _Predicate(
            sequence=len(before) + 1,
            previous=before[-1].sha256 if before else "",
            as_of=as_of.astimezone(UTC),
            entries=tuple(new),
            tips=changed,
            reported=frozen,
            counts=told,
            lost=tuple(missed),
        )
        envelope = Envelope(encode_statement(predicate), PAYLOAD, {})
        if signer is not None:
            envelope.sign(signer)
        content = msgspec.json.encode(envelope.to_dict(), order="sorted")
        store.sync()
        store.write(f"manifests/{predicate.sequence:06}.json", content)
    return _manifest(predicate, content, envelope)


def _changed(tips: Tips, known: Tips) -> dict[str, dict[str, str]]:
    """The tips that differ from the known ones, ordered."""
    return {
        repo: dict(sorted(refs.items())) for repo, refs in sorted(tips.items()) if refs != known.get(repo)
    }


def load_all(store: Store) -> list[Manifest]:
    """The store's manifests in order of their file names. Reads them; does not verify them.

    Raises:
        IntegrityError: one can't be read.
    """
    return [load(path.name, path.read_bytes()) for path in paths(store)]


def paths(store: Store) -> list[Path]:
    """The files of the store's manifests, in their order; what has no manifest's name is none."""
    return sorted(path for path in (store.root / "manifests").iterdir() if NAME.fullmatch(path.name))


def load(name: str, content: bytes) -> Manifest:
    """The manifest in a file's bytes.

    Raises:
        IntegrityError: it is not a manifest; names the file.
    """
    envelope = open_envelope(name, content)
    return _manifest(open_statement(name, envelope), content, envelope)


def current_entries(store: Store, sources: Iterable[tuple[str, str]] | None = None) -> list[Entry]:
    """The evidence: the latest entry for each source, location, key and version, ordered.

    Args:
        sources: (name, location) pairs; entries of others are left out. None for all.

    Raises:
        IntegrityError: a manifest can't be read.
    """
    wanted = None if sources is None else set(sources)
    latest = {
        (entry.source, entry.location, entry.key, entry.version_id): entry
        for manifest in load_all(store)
        for entry in manifest.entries
        if wanted is None or (entry.source, entry.location) in wanted
    }
    return [latest[key] for key in sorted(latest)]


def latest_tips(manifests: Iterable[Manifest]) -> dict[str, dict[str, str]]:
    """The tips of each repository as the last manifest that names it has them."""
    tips: dict[str, dict[str, str]] = {}
    for manifest in manifests:
        tips.update(manifest.tips)
    return tips


def latest_counts(manifests: Iterable[Manifest], *, over: datetime | None = None) -> dict[str, Listed]:
    """By source, what it listed when it was last asked.

    Args:
        over: when the quarter was over that is asked about. What a source listed whole since then, it gave: that it can't
            be reached later takes nothing away from it.
    """
    counts: dict[str, Listed] = {}
    whole: set[str] = set()
    for manifest in manifests:
        counts |= {
            name: told for name, told in manifest.counts.items() if not (told.failed and name in whole)
        }
        if over is not None and manifest.as_of >= over:
            whole |= {name for name, told in manifest.counts.items() if not told.failed}
    return counts


def tips_seen(store: Store, *, until: datetime) -> list[dict[str, str | datetime]]:
    """Every tip that a manifest of the store records, in the order of manifests, repositories and refs.

    Args:
        until: runs that stood at a later moment are left out.

    Returns:
        `repo`, `ref`, `sha`, `seen_at` (aware, UTC: the run's `as_of`) and `manifest` (sha256 of its file).

    Raises:
        IntegrityError: a manifest can't be read.
    """
    return [
        {"repo": repo, "ref": ref, "sha": sha, "seen_at": one.as_of, "manifest": one.sha256}
        for one in load_all(store)
        if one.as_of <= until
        for repo, refs in one.tips.items()
        for ref, sha in refs.items()
    ]


def frozen(manifests: Iterable[Manifest]) -> list[Reported]:
    """Every report that was frozen, in the order in which they were."""
    return [one for manifest in manifests for one in manifest.reported]


def encode_statement(predicate: Any) -> bytes:
    """The in-toto statement about a predicate, as canonical JSON."""
    return msgspec.json.encode(
        {
            "_type": STATEMENT,
            "subject": subjects(predicate.entries, predicate.tips, predicate.reported),
            "predicateType": PREDICATE,
            "predicate": predicate,
        },
        order="sorted",
    )


def subjects(entries: Iterable[Entry], tips: Tips, reported: Iterable[Reported] = ()) -> list[dict[str, Any]]:
    """What a statement is about: each object once, each ref's commit, and each frozen report."""
    objects = [
        {"name": f"objects/{sha256[:2]}/{sha256}", "digest": {"sha256": sha256}}
        for sha256 in sorted({entry.sha256 for entry in entries})
    ]
    refs = [
        {"name": f"{repo} {ref}", "digest": {"gitCommit": sha}}
        for repo, each in sorted(tips.items())
        for ref, sha in sorted(each.items())
    ]
    reports = [
        {"name": f"reported/{one.quarter}/{one.edition}", "digest": {"sha256": one.seal}} for one in reported
    ]
    return objects + refs + reports


def open_envelope(name: str, content: bytes) -> Envelope:
    """The DSSE envelope in a manifest's file.

    Raises:
        IntegrityError: it is not one.
    """
    try:
        envelope = Envelope.from_dict(msgspec.json.decode(content, type=dict[str, Any]))
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _not_one(name, f"not a DSSE envelope: {error}") from None
    if envelope.payload_type != PAYLOAD:
        raise _not_one(name, f"holds '{envelope.payload_type}' and not an in-toto statement")
    return envelope


def open_statement(name: str, envelope: Envelope) -> _Predicate:
    """The predicate in an envelope.

    Raises:
        IntegrityError: the payload is not the canonical statement of a manifest.
    """
    try:
        statement = msgspec.json.decode(envelope.payload, type=dict[str, msgspec.Raw])
        predicate = msgspec.json.decode(statement["predicate"], type=_Predicate)
    except (msgspec.DecodeError, KeyError) as error:
        raise _not_one(name, f"not a manifest: {error}") from None
    if encode_statement(predicate) != envelope.payload:
        raise _not_one(name, "its subjects, type or form do not agree with its entries")
    return predicate


def _manifest(predicate: _Predicate, content: bytes, envelope: Envelope) -> Manifest:
    return Manifest(
        sequence=predicate.sequence,
        previous=predicate.previous,
        as_of=predicate.as_of,
        entries=predicate.entries,
        tips=predicate.tips,
        reported=predicate.reported,
        counts=predicate.counts,
        lost=predicate.lost,
        sha256=hashlib.sha256(content).hexdigest(),
        signed_by=tuple(sorted(cast("dict[str, Any]", envelope.signatures))),
    )


def _not_one(name: str, problem: str) -> IntegrityError:
    return IntegrityError(
        f"manifests/{name}: {problem}",
        remedy="restore the evidence store from a backup, or collect into a new one",
    )
