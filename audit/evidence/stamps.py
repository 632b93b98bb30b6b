"""Timestamps of manifests (RFC 3161): an authority outside swears when the evidence was already what it is.

    timestamps/000007.tsr   the authority's answer for manifests/000007.json, as it came

A stamp on the last manifest speaks for all before it: each names the sha256 of the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import (
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from audit.errors import EvidenceMissing, UsageError
from audit.evidence.manifest import paths
from audit.evidence.store import Store
from audit.settings import Settings
from audit.sources.timestamping import ask


def stamp(store: Store, settings: Settings) -> None:
    """Has the last manifest stamped, unless it is, or the settings name no authority.

    Raises:
        EvidenceMissing: the authority can't be reached, or its answer does not hold.
        UsageError: a file of roots can't be read.
    """
    url = settings.signing.timestamp_url
    manifests = paths(store)
    if url is None or not manifests or _path(store, manifests[-1]).exists():
        return
    content, trusted = manifests[-1].read_bytes(), roots(settings)
    request = (
        TimestampRequestBuilder().data(content).nonce(nonce=True).cert_request(cert_request=True).build()
    )
    answer = ask(url, request.as_bytes())
    try:
        response = decode_timestamp_response(answer)
        _require(response, content, trusted)
        if response.tst_info.nonce != request.nonce:
            raise VerificationError("it answers another request")
    except (ValueError, VerificationError) as error:
        raise EvidenceMissing(
            f"the timestamping authority {url} answered, and its answer does not hold: {error}",
            remedy="check signing.timestamp_url and signing.timestamp_roots",
        ) from None
    path = _path(store, manifests[-1])
    path.parent.mkdir(exist_ok=True)
    store.write(str(path.relative_to(store.root)), answer)


def check(store: Store, settings: Settings) -> list[str]:
    """What is wrong with the timestamps: a sentence for each; empty when nothing. Asks nobody.

    With an authority in the settings, the last manifest must have one.

    Raises:
        UsageError: a file of roots can't be read.
    """
    manifests = {path.stem: path for path in paths(store)}
    stamps = sorted((store.root / "timestamps").glob("*"))
    trusted = roots(settings) if stamps else []
    problems = []
    for path in stamps:
        where = f"timestamps/{path.name}"
        if path.suffix != ".tsr" or path.stem not in manifests:
            problems.append(f"{where}: there is no manifest of this name")
            continue
        try:
            _require(decode_timestamp_response(path.read_bytes()), manifests[path.stem].read_bytes(), trusted)
        except (ValueError, VerificationError) as error:
            problems.append(f"{where}: not a timestamp of manifests/{path.stem}.json: {error}")
        except OSError as error:
            problems.append(f"{where}: can't be read: {error.strerror}")
    if settings.signing.timestamp_url is not None and manifests:
        last = list(manifests)[-1]
        if not (store.root / "timestamps" / f"{last}.tsr").exists():
            problems.append(f"manifests/{last}.json: the last manifest has no timestamp")
    return problems


def stamped_at(store: Store) -> datetime | None:
    """When the last stamped manifest was stamped, as the authority says (UTC); not verified here."""
    stamps = sorted((store.root / "timestamps").glob("*.tsr"))
    if not stamps:
        return None
    return decode_timestamp_response(stamps[-1].read_bytes()).tst_info.gen_time.astimezone(UTC)


def roots(settings: Settings) -> list[Certificate]:
    """The certificates that timestamps must lead to.

    Raises:
        UsageError: a file can't be read or holds no certificate.
    """
    found: list[Certificate] = []
    for name in settings.signing.timestamp_roots:
        path = settings.resolve(name)
        try:
            found += load_pem_x509_certificates(path.read_bytes())
        except (OSError, ValueError) as error:
            raise UsageError(
                f"signing.timestamp_roots: {path}: {type(error).__name__}",
                remedy="name a PEM file with the authority's root certificate",
            ) from None
    return found


def _require(response: TimeStampResponse, content: bytes, trusted: Sequence[Certificate]) -> None:
    """Makes sure that a response stamps `content` and leads to a trusted root."""
    if not trusted:
        raise VerificationError("the settings name no root (signing.timestamp_roots) that it could lead to")
    builder = VerifierBuilder()
    for certificate in trusted:
        builder = builder.add_root_certificate(certificate)
    builder.build().verify_message(response, content)


def _path(store: Store, manifest: Path) -> Path:
    return store.root / "timestamps" / f"{manifest.stem}.tsr"
