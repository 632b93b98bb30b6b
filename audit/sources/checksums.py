"""The checksums by which S3 vouches for an object, computed anew from its bytes.

Those of objects that were uploaded in parts may be of the parts' checksums (`COMPOSITE`): where the parts ended is not
known from the bytes, so that nobody can compute them from these alone.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

import anycrc
from isal import isal_zlib

ALGORITHMS = ("SHA256", "CRC64NVME", "CRC32C", "SHA1", "CRC32")
"""As S3 names them, the strongest first."""


class Running(Protocol):
    """A checksum of bytes that come one after the other."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Takes in the next bytes."""
        ...

    def digest(self) -> bytes:
        """Of all bytes until now."""
        ...


class _Crc:
    """A cyclic redundancy check, its highest byte first."""

    def __init__(self, name: str, width: int) -> None:
        self._model = anycrc.Model(name)
        self._width = width
        self._value: int = self._model.calc(b"")

    def update(self, data: bytes | memoryview, /) -> None:
        self._value = self._model.calc(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._width, "big")


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | memoryview, /) -> None:
        self._value = isal_zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


def running(algorithm: str) -> Running:
    """A checksum by one of `ALGORITHMS`.

    Raises:
        KeyError: it is none of them.
    """
    match algorithm:
        case "SHA256":
            return hashlib.sha256()
        case "SHA1":
            return hashlib.sha1(usedforsecurity=False)
        case "CRC64NVME":
            return _Crc("CRC64-NVME", 8)
        case "CRC32C":
            return _Crc("CRC32C", 4)
        case "CRC32":
            return _Crc32()
    raise KeyError(algorithm)


def told(response: Mapping[str, Any]) -> str:
    """What S3 says in an answer, as in `CRC64NVME:rosUhgp5mIg=`; the strongest of several, empty for none.

    One of parts ends in `-` and their number, or says `COMPOSITE` of itself.
    """
    for algorithm in ALGORITHMS:
        value = response.get(f"Checksum{algorithm}")
        if value:
            parts = response.get("ChecksumType") == "COMPOSITE" and "-" not in value
            return f"{algorithm}:{value}" + ("-" if parts else "")
    return ""


def can_be_verified(checksum: str) -> bool:
    """Whether a checksum as `told` gives it is by an algorithm that is known, and of the object's bytes, not of its parts."""
    algorithm, _, value = checksum.partition(":")
    return algorithm in ALGORITHMS and value != "" and "-" not in value


class Expected:
    """A checksum as `told` gives it, held against bytes that come one after the other."""

    def __init__(self, checksum: str) -> None:
        self._algorithm, _, self._value = checksum.partition(":")
        self._running = running(self._algorithm)

    def update(self, data: bytes | memoryview) -> None:
        """Takes in the next bytes."""
        self._running.update(data)

    def holds(self) -> bool:
        """Whether the bytes are those that it is of."""
        return base64.b64encode(self._running.digest()).decode() == self._value
