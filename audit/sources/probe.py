"""Whether a source can be reached, listed and read: asked with as few requests as tell."""

from __future__ import annotations

from dataclasses import dataclass

from audit.sources.interface import Changed, Interrupted, Origin, Unread, Unreadable, Walk, missing
from audit.sources.s3 import Bucket


@dataclass(frozen=True)
class Probe:
    """What a source answered.

    Attributes:
        read: key of the object of which the first bytes were read; empty where the API itself answered.
        versions: its versions may be listed, so that each read is of the listed version; None where it has none.
    """

    read: str
    versions: bool | None


def probe(origin: Origin | Walk) -> Probe:
    """Asks a source for one object.

    Raises:
        EvidenceMissing: it can't be reached or listed, holds nothing, or its object can't be read.
    """
    if isinstance(origin, Walk):
        first = next(iter(origin.walk(lambda _: None)), None)
        if isinstance(first, Unread):
            raise missing(origin.name, origin.location, f"{first.key}: {first.reason}", remedy=first.remedy)
        return Probe("", None)
    versions = None
    if isinstance(origin, Bucket):
        first_listed, versions = origin.first()
    else:
        listing = origin.listing()
        if not listing.objects:
            one = listing.unread[0]
            raise missing(origin.name, origin.location, f"{one.key}: {one.reason}", remedy=one.remedy)
        first_listed = listing.objects[0]
    try:
        next(iter(origin.read(first_listed).chunks), b"")
    except Changed:
        return Probe(first_listed.key, versions)  # it moves, and it is there
    except Interrupted as error:
        raise missing(
            origin.name,
            origin.location,
            f"{first_listed.key!r} {error}",
            remedy="check the network and the server",
        ) from None
    except Unreadable as error:
        raise missing(
            origin.name, origin.location, f"{first_listed.key!r}: {error.reason}", remedy=error.remedy
        ) from None
    return Probe(first_listed.key, versions)
