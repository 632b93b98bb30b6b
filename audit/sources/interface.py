"""What a source is: a place that lists objects and gives their bytes.

A key is data. It may hold `..`, a newline or a backslash and be 1,024 bytes long; nothing outside the origin that
listed it turns it into anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from audit.errors import EvidenceMissing

CHUNK = 1 << 20
"""Bytes handed on at once."""


@dataclass(frozen=True)
class Listed:
    """One object that a source says it has.

    Attributes:
        key: key below the source's location.
        size: bytes.
        etag: ETag without its quotes; empty where the source has none.
        version_id: version; empty where the source has none or does not say.
        last_modified: when the source says it was written (UTC); None where it does not say.
    """

    key: str
    size: int
    etag: str = ""
    version_id: str = ""
    last_modified: datetime | None = None


@dataclass(frozen=True)
class Unread:
    """An object that is known of and could not be read, with the reason and what to do about it."""

    key: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class Past:
    """What a source shows of an object and does not give.

    Attributes:
        kind: `superseded`: a version that another took the place of; `deleted`: a key whose latest version is a delete marker.
        version_id: the version that is not the latest; the delete marker's.
        at: when another took its place, or it was deleted (UTC).
        same: what took its place has the very bytes, so far as ETag and size tell.
    """

    key: str
    kind: Literal["superseded", "deleted"]
    version_id: str = ""
    at: datetime | None = None
    same: bool = False


@dataclass(frozen=True)
class Listing:
    """Everything a source has, ordered by key.

    Attributes:
        objects: what can be read.
        folders: empty objects whose key ends in `/`: they only stand for folders.
        past: what there was before, where the source tells.
        unread: what was found but is not to be read, such as a symbolic link.
    """

    objects: tuple[Listed, ...]
    folders: int = 0
    past: tuple[Past, ...] = ()
    unread: tuple[Unread, ...] = ()

    @property
    def deleted(self) -> int:
        """Keys whose latest version is a delete marker."""
        return sum(one.kind == "deleted" for one in self.past)

    @property
    def superseded(self) -> int:
        """Versions that are no longer the latest."""
        return sum(one.kind == "superseded" for one in self.past)


@dataclass
class Content:
    """One object being read.

    Attributes:
        fill: puts its next bytes into a buffer, fills it unless they end, and returns how many it put; 0 once there are
            no more. Raises `Interrupted` when they break off. Called until it does not fill its buffer.
        version_id: version that is being read; empty where there is none.
        retention: until when the object is locked, as in `COMPLIANCE until 2030-01-01T00:00:00Z`; empty when not.
        checksum: by which the source vouches for the bytes, as in `CRC64NVME:rosUhgp5mIg=`; empty for none.
        verified: the bytes are held against it: `fill` raises `Interrupted` when they are others.
    """

    fill: Callable[[memoryview], int] = field(repr=False)
    version_id: str = ""
    retention: str = ""
    checksum: str = ""
    verified: bool = False

    @property
    def chunks(self) -> Iterator[bytes]:
        """Its bytes, once, in pieces of their own."""
        buffer = memoryview(bytearray(CHUNK))
        while filled := self.fill(buffer):
            yield bytes(buffer[:filled])
            if filled < CHUNK:
                break


def filling(read: Callable[[memoryview], int], buffer: memoryview) -> int:
    """Reads into a buffer until it is full or there is no more; returns how many bytes that were."""
    filled = 0
    while filled < len(buffer) and (got := read(buffer[filled:])):
        filled += got
    return filled


class Changed(Exception):
    """The object is no longer what was listed: it was replaced or removed in between."""


class Interrupted(Exception):
    """The bytes broke off; reading the object again may well succeed."""


class Unreadable(Exception):
    """This object can't be read, others may be; carries the reason and the remedy."""

    def __init__(self, reason: str, *, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class Origin(Protocol):
    """A source, ready to be read. Safe to use from several threads."""

    name: str
    """Name of the source in the settings."""
    location: str
    """Its location, as the settings give it."""
    attempts: int
    """How often to read one object whose bytes break off, before giving it up."""

    def listing(self) -> Listing:
        """Everything below the location.

        Raises:
            EvidenceMissing: the location does not exist, can't be reached, may not be read, or holds nothing.
        """
        ...

    def read(self, listed: Listed) -> Content:
        """The bytes of one listed object.

        Raises:
            Changed: it is no longer what was listed.
            Interrupted: it broke off.
            Unreadable: it can't be read.
            EvidenceMissing: nothing of this source can be read any more.
        """
        ...


@dataclass(frozen=True)
class Before:
    """What the store has of a key of a source that is walked.

    Attributes:
        etag: ETag without its quotes; empty where the source gave none.
        at: when the source says that it gave it (UTC).
        unfinished: it was brought by a collection that did not end: this one goes on from there.
        read: gives its bytes.
    """

    etag: str
    at: datetime | None
    unfinished: bool
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Brought:
    """An object that a walk came to.

    Attributes:
        content: its bytes; None where they are those that the store has.
        at: when the source says that it gave it, or that it has not changed (UTC).
    """

    key: str
    content: bytes | None = field(repr=False)
    etag: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Remark:
    """Something that a user should know of a source, and that is no failure."""

    text: str


@runtime_checkable
class Walk(Protocol):
    """A source whose objects are found by reading others of them: they come with their bytes, one after the other."""

    name: str
    """Name of the source in the settings."""
    location: str
    """Its location, as the settings give it."""

    def walk(self, before: Callable[[str], Before | None]) -> Iterator[Brought | Unread | Remark]:
        """Everything that the source has, each object once it is whole.

        Args:
            before: what the store has of a key, if anything.

        Raises:
            EvidenceMissing: nothing of this source can be read any more.
        """
        ...


def missing(name: str, location: str, problem: str, *, remedy: str) -> EvidenceMissing:
    """An error that names the source and its location first."""
    return EvidenceMissing(f"source '{name}' ({location}): {problem}", remedy=remedy)


def nothing_there(name: str, location: str, *, only_folders: int = 0) -> EvidenceMissing:
    """The location can be read and holds no object."""
    but = f" but {only_folders} empty folder markers" if only_folders else ""
    return missing(
        name,
        location,
        f"there is nothing below it{but}",
        remedy="check the location for a misspelt prefix, and that the export has run",
    )
