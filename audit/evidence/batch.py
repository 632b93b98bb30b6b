"""Objects that become durable together: one call to the disk and one write to the journal for many of them.

A run that is killed loses those that wait here, at most so many as one batch holds and another that is being filled: they
are read again. What the journal names is in the store, whole.
"""

from __future__ import annotations

import threading
import time

from audit.evidence.aside import Written
from audit.evidence.journal import Journal
from audit.evidence.manifest import Entry
from audit.evidence.store import Store

OBJECTS = 64
BYTES = 256 << 20
SECONDS = 1.0
"""A batch is settled once it has so many objects, or so many bytes, or an object comes and its first waits for so long."""


class Batch:
    """What was written aside, with what the journal is to say of it. Safe to use from several threads."""

    def __init__(self, store: Store, journal: Journal) -> None:
        """Args: store and journal, both held by this run."""
        self._store = store
        self._journal = journal
        self._adding, self._settling = threading.Lock(), threading.Lock()
        self._waiting: list[tuple[Written, Entry | None]] = []
        self._bytes, self._since = 0, 0.0

    def add(self, written: Written, entry: Entry | None) -> None:
        """Takes an object; entry is what the journal says of it, None where a manifest says it already.

        Raises: as `Store.settle`.
        """
        with self._adding:
            if not self._waiting:
                self._bytes, self._since = 0, time.monotonic()
            self._waiting.append((written, entry))
            self._bytes += written.size
            full = len(self._waiting) >= OBJECTS or self._bytes >= BYTES
            full = full or time.monotonic() - self._since >= SECONDS
        if full:
            self.settle()

    def settle(self) -> None:
        """Settles what waits: in the store first, then in the journal.

        Raises: as `Store.settle`.
        """
        with self._settling:
            with self._adding:
                waiting, self._waiting = self._waiting, []
            if waiting:
                self._store.settle([written for written, _ in waiting])
                self._journal.add(*(entry for _, entry in waiting if entry is not None))
