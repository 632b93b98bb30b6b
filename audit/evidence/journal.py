"""What a collection has brought so far, so that one that was killed goes on where it was."""

from __future__ import annotations

import threading
from typing import Self

import msgspec

from audit.evidence.manifest import Entry
from audit.evidence.store import Store


class Journal:
    """`journal.jsonl` in the store: an entry a line, written once objects are in the store, gone once a manifest holds them."""

    def __init__(self, store: Store) -> None:
        """Args: store, whose journal it is. Nothing is written before the first `add`."""
        self._path = store.root / "journal.jsonl"
        self._lock = threading.Lock()

    def entries(self) -> list[Entry]:
        """What an earlier run that did not end has brought. A last line that broke off is left out: that object
        is in the store or not, and reading it again changes nothing.
        """
        try:
            lines = self._path.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        decoder = msgspec.json.Decoder(Entry)
        entries = []
        for line in lines:
            try:
                entries.append(decoder.decode(line))
            except msgspec.DecodeError:
                continue
        return entries

    def __enter__(self) -> Self:
        self._file = self._path.open("ab", buffering=0)
        if self._file.tell() > 0:
            self._file.write(b"\n")  # ends a line that broke off
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, *entries: Entry) -> None:
        """Notes that objects are in the store. From any thread."""
        with self._lock:
            self._file.write(b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries))

    def clear(self) -> None:
        """Forgets everything: a manifest holds it now."""
        self._path.unlink(missing_ok=True)
