"""What became of a source in a collection, and its failures in words."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field

from audit.errors import AuditError, EvidenceMissing
from audit.evidence.manifest import Listed, Lost
from audit.sources.interface import Past, Unread

Progress = Callable[[str, int, int, int], None]
"""Called with a source's name, its objects done and listed, and bytes pulled from it so far."""

_SHOWN = 3  # keys named in a message about several


@dataclass
class SourceCollected:
    """What became of one source.

    Attributes:
        listed: objects that it has, those that are not to be read included.
        pulled: of them, those read now.
        kept: of them, those that an earlier run, or one that was interrupted, had brought.
        bytes: read now.
        folders, past: as in `audit.sources.interface.Listing`.
        gone: keys that an earlier run brought, and that it no longer lists.
        unread: what could not be read, one by one.
        problems: the same in words, grouped, or why the source gave nothing.
        failed: it could not be listed or read to its end.
        remarks: what a user should know of it, and that is no failure.
    """

    name: str
    location: str
    listed: int = 0
    pulled: int = 0
    kept: int = 0
    bytes: int = 0
    folders: int = 0
    unread: list[Unread] = field(default_factory=list)
    past: tuple[Past, ...] = ()
    gone: tuple[str, ...] = ()
    problems: list[AuditError] = field(default_factory=list)
    failed: bool = False
    remarks: list[str] = field(default_factory=list)

    @property
    def counts(self) -> Listed:
        """What the manifest says of it."""
        return Listed(
            listed=self.listed,
            read=self.pulled + self.kept,
            unread=len(self.unread),
            deleted=sum(one.kind == "deleted" for one in self.past),
            superseded=sum(one.kind == "superseded" for one in self.past),
            folders=self.folders,
            failed=self.failed,
        )

    def lost(self, held: Container[tuple[str, str]]) -> Iterator[Lost]:
        """What it did not give.

        Args:
            held: key and version id of what the store has of it: versions that were read before others took their place.
        """
        where = (self.name, self.location)
        for one in self.past:
            if not one.same and (one.key, one.version_id) not in held:
                yield Lost(*where, one.key, one.kind, one.version_id, one.at)
        for key in self.gone:
            yield Lost(*where, key, "gone")
        for unread in self.unread:
            yield Lost(*where, unread.key, "unread", reason=unread.reason)

    def tell(self, progress: Progress | None) -> None:
        """Tells how far it is."""
        if progress is not None:
            done = self.pulled + self.kept + len(self.unread)
            progress(self.name, done, self.listed, self.bytes)


def in_words(name: str, location: str, unread: Iterable[Unread]) -> list[AuditError]:
    """One error for each reason, with how many objects it hit and the first of them."""
    groups: dict[tuple[str, str], list[str]] = {}
    for one in unread:
        groups.setdefault((one.reason, one.remedy), []).append(one.key)
    return [
        EvidenceMissing(
            f"source '{name}' ({location}): {_objects(sorted(keys))} could not be read: {reason}",
            remedy=remedy,
        )
        for (reason, remedy), keys in sorted(groups.items())
    ]


def _objects(keys: list[str]) -> str:
    """`object 'a'`, or `5 objects ('a', 'b', 'c', …)`."""
    if len(keys) == 1:
        return f"object {keys[0]!r}"
    shown = ", ".join(repr(key) for key in keys[:_SHOWN])
    return f"{len(keys)} objects ({shown}{', …' if len(keys) > _SHOWN else ''})"
