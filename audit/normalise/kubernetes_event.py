"""Kubernetes Events (core v1 and events.k8s.io v1), which operators write what they do in."""

from __future__ import annotations

from datetime import datetime

import msgspec

from audit.normalise.interface import Unreadable
from audit.normalise.times import Time, utc


class Metadata(msgspec.Struct):
    """Of an event's metadata, what counts."""

    annotations: dict[str, str] | None = None
    creationTimestamp: Time | None = None


class Target(msgspec.Struct):
    """The object that an event is about."""

    kind: str
    name: str
    namespace: str = ""
    apiVersion: str = ""


class Event(msgspec.Struct):
    """An Event. `note`, `regarding` and the deprecated times are the names of events.k8s.io."""

    reason: str
    message: str | None = None
    note: str | None = None
    metadata: msgspec.Raw = msgspec.Raw()
    involvedObject: Target | None = None
    regarding: Target | None = None
    lastTimestamp: Time | None = None
    firstTimestamp: Time | None = None
    eventTime: Time | None = None
    deprecatedLastTimestamp: Time | None = None

    @property
    def target(self) -> Target:
        """The object that it is about.

        Raises:
            Unreadable: it names none.
        """
        found = self.involvedObject or self.regarding
        if found is None:
            raise Unreadable("neither involvedObject nor regarding")
        return found

    @property
    def text(self) -> str:
        """What it says; empty when it says nothing."""
        return self.message or self.note or ""

    @property
    def annotations(self) -> dict[str, str]:
        """Its annotations; empty when there are none.

        Raises:
            Unreadable: its metadata are not an object's.
        """
        return self._decoded().annotations or {}

    @property
    def at(self) -> datetime:
        """When it was last seen.

        Raises:
            Unreadable: it has no time.
        """
        times = (self.lastTimestamp, self.deprecatedLastTimestamp, self.eventTime, self.firstTimestamp)
        found = next((time for time in times if time is not None), None)
        found = found or self._decoded().creationTimestamp
        if found is None:
            raise Unreadable("it has no time")
        return utc(found)

    def _decoded(self) -> Metadata:
        if not bytes(self.metadata):
            return Metadata()
        try:
            return _metadata.decode(self.metadata) or Metadata()
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unreadable(f"metadata: {error}") from None


_metadata = msgspec.json.Decoder(Metadata | None)
