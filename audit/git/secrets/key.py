"""The key of the fingerprints, and the fingerprint of a value.

A fingerprint is HMAC-SHA-256 over the value, without the white space around it, under the key file's bytes written
in hexadecimal (as text, which is what the scanner's environment can carry). Whoever holds the key can tell whether
a value is the one that was found; nobody else can guess it, however short the value is.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from audit.errors import UsageError
from audit.settings import Settings

FILE = "secret-fingerprints.key"
"""Name of the key in the store, where the settings name none."""

_SHORTEST = 32
_LONGEST = 4096


def fingerprint_key(settings: Settings) -> bytes:
    """The key: what `secrets.fingerprint_key_file` holds, else 32 random bytes kept in the store.

    The file in the store is made on first use, readable by its owner alone. Without it, the same value would have
    another fingerprint in the next run, and no waiver would hold.

    Raises:
        UsageError: the file is missing, can't be read, others may read it, or it is too short or too long.
    """
    named = settings.secrets.fingerprint_key_file
    if named is not None:
        return _read(settings.resolve(named), "name a file that holds at least 32 random bytes")
    path = settings.store_path / FILE
    if not path.exists():
        _make(path)
    return _read(path, "restore it from a backup of the store; without it, no waiver holds")


def secret_of(key: bytes) -> str:
    """The key as the scanner gets it, and as it enters every fingerprint."""
    return key.hex()


def fingerprint(key: bytes, value: bytes) -> str:
    """Fingerprint of a value: 64 hexadecimal digits."""
    return hmac.new(secret_of(key).encode(), value.strip(), hashlib.sha256).hexdigest()


def _make(path: Path) -> None:
    """Writes a new key aside and links it into place, so that two runs at once agree on one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_SHORTEST))
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink()


def _read(path: Path, remedy: str) -> bytes:
    try:
        mode = path.stat().st_mode
        key = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path}: the key of the fingerprints can't be read: {error.strerror}", remedy=remedy
        ) from None
    if mode & 0o077:
        raise UsageError(
            f"{path}: others than its owner may read or write the key of the fingerprints",
            remedy=f"chmod 600 {path}",
        )
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise UsageError(
            f"{path}: the key of the fingerprints has {len(key)} bytes; it needs {_SHORTEST} to {_LONGEST}",
            remedy=remedy,
        )
    return key
