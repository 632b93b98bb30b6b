"""What commit objects themselves say of their signatures, before anything is verified.

One `git cat-file --batch` gives the raw commits; headers are taken apart exactly as git does it, so that what is
unsigned here is unsigned to git, and what git would refuse to look at (it ends there, with all other commits
unread) is never handed to it. Only headers count: a message that looks like a signature is a message.
"""

from __future__ import annotations

import binascii
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates

from audit.errors import IntegrityError
from audit.sources import git_command

LARGEST = 1 << 20
"""Bytes of the largest signature that is looked into here; real ones have a few thousand."""

_FORMATS = (
    (b"-----BEGIN PGP SIGNATURE-----", "openpgp"),
    (b"-----BEGIN PGP MESSAGE-----", "openpgp"),
    (b"-----BEGIN SSH SIGNATURE-----", "ssh"),
    (b"-----BEGIN SIGNED MESSAGE-----", "x509"),
)
_HEADER = b"gpgsig "  # `gpgsig-sha256` speaks of another form of the commit: git does not look at it here
_COMMITTER = re.compile(rb"^committer .*> (\d{1,18}) [+-]\d{4}$", re.MULTILINE)


class Signed(NamedTuple):
    """A commit with a signature header.

    Attributes:
        format: openpgp, ssh or x509; None when git knows no such signature.
        committed: committer date, in seconds since 1970; 0 when it can't be read.
        issuer: OpenPGP key that the signature names: fingerprint or long key id, in capitals; None when it is not
            one plain signature, or names none. Of an X.509 signature, the fingerprint (SHA-1, as gpgsm writes it) of
            the first certificate that it carries; None when it is no signature that can be read.
        made: when an OpenPGP signature says that it was made, in seconds since 1970; likewise None.
    """

    sha: str
    format: str | None
    committed: int
    issuer: str | None = None
    made: int | None = None


def read(view: Path, shas: Sequence[str]) -> Iterator[Signed]:
    """Those of the commits that have a signature header, in the order given.

    Args:
        view: git directory.
        shas: full commit ids.

    Raises:
        IntegrityError: one of them is missing or is no commit, or git failed.
    """
    asked = (f"{sha}\n".encode() for sha in shas)
    objects = _Objects(git_command.stream(view, "cat-file", "--batch", feed=asked))
    for sha in shas:
        header = objects.commit(sha, view).partition(b"\n\n")[0]
        if b"\n" + _HEADER in header:
            yield _signed(sha, header)
    objects.finish()


class _Objects:
    """Takes the output of `git cat-file --batch` apart, one object at a time."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = b""
        self._at = 0

    def commit(self, sha: str, view: Path) -> bytes:
        """The next object, which must be the commit `sha`.

        Raises:
            IntegrityError: it is missing or is no commit.
        """
        while (end := self._held.find(b"\n", self._at)) < 0 and self._more():
            pass
        words = self._held[self._at : end].split(b" ")
        if end < 0 or len(words) != 3 or words[1] != b"commit":
            what = "is no commit" if len(words) == 3 else "can't be read"
            raise IntegrityError(
                f"{view}: {sha} {what}", remedy="check the repository with 'git fsck'; fetch it anew"
            )
        start, self._at = end + 1, end + 1 + int(words[2]) + 1
        if self._at <= len(self._held):
            return self._held[start : self._at - 1]
        parts, there = [self._held[start:]], len(self._held)
        while there < self._at and (chunk := next(self._chunks, b"")):
            parts.append(chunk)
            there += len(chunk)
        whole, size = b"".join(parts), self._at - start
        self._held, self._at = whole[size:], 0
        return whole[: size - 1]

    def finish(self) -> None:
        """Reads to the end, where git's exit status is checked."""
        while self._more():
            pass

    def _more(self) -> bool:
        chunk = next(self._chunks, b"")
        self._held, self._at = self._held[self._at :] + chunk, 0
        return bool(chunk)


def _signed(sha: str, header: bytes) -> Signed:
    signature = _signature(header)
    known = (name for start, name in _FORMATS if signature.startswith(start))
    format_ = next(known, None)
    issuer, made = None, None
    if len(signature) <= LARGEST and format_ == "openpgp":
        issuer, made = _issuer(signature)
    elif len(signature) <= LARGEST and format_ == "x509":
        issuer = _certificate(signature)
    time = _COMMITTER.search(header)
    return Signed(sha, format_, int(time[1]) if time else 0, issuer, made)


def _signature(header: bytes) -> bytes:
    """The signature as git puts it together: of several such headers, all that they hold, one after the other."""
    lines, inside = [], False
    for line in header.split(b"\n"):
        if inside and line.startswith(b" "):
            lines.append(line[1:])
            continue
        inside = line.startswith(_HEADER)
        if inside:
            lines.append(line[len(_HEADER) :])
    return b"\n".join(lines)


def _issuer(signature: bytes) -> tuple[str | None, int | None]:
    """Key and time that one plain OpenPGP signature (version 4) names; nothing of whatever else it may be."""
    try:
        body = _packet(_dearmored(signature))
        if body[0] != 4:
            return None, None
        end = 6 + int.from_bytes(body[4:6], "big")
        hashed = dict(_subpackets(body[6:end]))
        loose = dict(_subpackets(body[end + 2 : end + 2 + int.from_bytes(body[end : end + 2], "big")]))
    except (binascii.Error, IndexError):
        return None, None
    fingerprint, identifier = ((hashed | loose).get(kind, b"").hex().upper() for kind in (33, 16))
    fingerprint = fingerprint.removeprefix("04")
    if not fingerprint.endswith(identifier) and fingerprint:
        return None, None
    return fingerprint or identifier or None, int.from_bytes(hashed[2], "big") if 2 in hashed else None


def _dearmored(signature: bytes) -> bytes:
    """What one PGP SIGNATURE block holds, and nothing else but blanks may follow.

    Raises:
        IndexError: it is none. binascii.Error: it is not base64.
    """
    lines = [line.rstrip() for line in signature.rstrip().split(b"\n")]
    if lines[0] != b"-----BEGIN PGP SIGNATURE-----" or lines[-1] != b"-----END PGP SIGNATURE-----":
        raise IndexError("not one armored signature")
    inside = lines[lines.index(b"") + 1 : -1] if b"" in lines else lines[-1:]
    if inside and inside[-1].startswith(b"="):
        inside.pop()
    return binascii.a2b_base64(b"".join(inside), strict_mode=True)


def _certificate(signature: bytes) -> str | None:
    """Fingerprint of the first certificate that an X.509 signature carries."""
    inside = b"".join(signature.rstrip().split(b"\n")[1:-1])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of BER that is not DER, which both take
            carried = load_der_pkcs7_certificates(binascii.a2b_base64(inside))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return None
    return carried[0].fingerprint(hashes.SHA1()).hex().upper() if carried else None  # noqa: S303


def _packet(raw: bytes) -> bytes:
    """The body of `raw`, which must be one signature packet and nothing else.

    Raises:
        IndexError: it is not.
    """
    if raw[0] & 0xC0 == 0xC0:
        tag = raw[0] & 0x3F
        size, start = _length(raw, 1)
    else:
        tag, octets = raw[0] >> 2 & 0x0F, 1 << (raw[0] & 3)
        start = 1 + octets
        size = int.from_bytes(raw[1:start], "big")
    if tag != 2 or start + size != len(raw):
        raise IndexError("not one signature")
    return raw[start:]


def _subpackets(raw: bytes) -> Iterable[tuple[int, bytes]]:
    at = 0
    while at < len(raw):
        size, start = _length(raw, at)
        yield raw[start] & 0x7F, raw[start + 1 : start + size]
        at = start + size


def _length(raw: bytes, at: int) -> tuple[int, int]:
    """A length written at `at`, and where what it measures begins."""
    if raw[at] < 192:
        return raw[at], at + 1
    if raw[at] < 255:
        return (raw[at] - 192 << 8) + raw[at + 1] + 192, at + 2
    return int.from_bytes(raw[at + 1 : at + 5], "big"), at + 5
