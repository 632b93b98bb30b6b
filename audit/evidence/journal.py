"""What a collection has brought so far, so that one that was killed goes on where it was.

What the journal names goes into the next manifest, which is signed. So its lines are signed too, where manifests are: whoever can
write the store, and has no key, has nothing signed by writing a line. A line that nobody signed is left out, and what it names is
read again.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Self

import msgspec
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import Signature  # type: ignore[attr-defined]  # it re-exports it without saying so

from audit.evidence.keys import Key, Signer
from audit.evidence.manifest import Entry
from audit.evidence.store import Store

_CONTEXT = b"gitops-audit journal 1\n"
"""Before what is signed, so that no signature of anything else is one of a line."""


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """Some entries as they were written, and who signed them: by key id, the signature (hex)."""

    entries: msgspec.Raw
    signatures: dict[str, str] = {}


class Journal:
    """`journal.jsonl` in the store: a line for objects that became durable together, written once they are in the store, gone
    once a manifest holds them."""

    def __init__(self, store: Store, keys: Sequence[Key] = (), signer: Signer | None = None) -> None:
        """Nothing is written before the first `add`.

        Args:
            store: whose journal it is.
            keys: those by one of which a line must be signed to be believed; every line is, without any.
            signer: what signs the lines that are added.
        """
        self._path = store.root / "journal.jsonl"
        self._lock = threading.Lock()
        self._keys = {key.keyid: key for key in keys}
        self._signer = signer

    def entries(self) -> list[Entry]:
        """What an earlier run that did not end has brought. A last line that broke off, or one that can't be believed, is left
        out: that object is in the store or not, and reading it again changes nothing.
        """
        try:
            lines = self._path.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        decoder, inside = msgspec.json.Decoder(_Line), msgspec.json.Decoder(list[Entry])
        entries: list[Entry] = []
        for written in lines:
            try:
                line = decoder.decode(written)
                if self._believed(line):
                    entries += inside.decode(line.entries)
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
        if not entries:
            return
        told = msgspec.json.encode(entries)
        signed = self._signer.sign(_CONTEXT + told) if self._signer is not None else None
        line = _Line(msgspec.Raw(told), {signed.keyid: signed.signature} if signed is not None else {})
        with self._lock:
            self._file.write(msgspec.json.encode(line) + b"\n")

    def clear(self) -> None:
        """Forgets everything: a manifest holds it now."""
        self._path.unlink(missing_ok=True)

    def _believed(self, line: _Line) -> bool:
        """Whether one of the keys signed a line, or none is asked for."""
        return not self._keys or any(
            self._holds(self._keys[key_id], Signature(key_id, line.signatures[key_id]), bytes(line.entries))
            for key_id in self._keys.keys() & line.signatures.keys()
        )

    @staticmethod
    def _holds(key: Key, signature: Signature, told: bytes) -> bool:
        try:
            key.verify_signature(signature, _CONTEXT + told)
        except UnverifiedSignatureError:
            return False
        return True
