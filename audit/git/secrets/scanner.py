"""Betterleaks over what commits added: which rules matched where, never what they matched.

The scanner runs as a process of its own on files in a private folder that is gone when it has ended. It gets nothing
else from a repository: not its configuration or ignore files, not its markers that allow a line, and no name by
which it would skip a file; what its rules ask of a name is the extension, which is kept where a rule asks. It opens
no archives and asks nothing of the network. It redacts what it found before it says so, and gives the keyed
fingerprint in its place; the key reaches it through its environment.
"""

from __future__ import annotations

import bisect
import contextlib
import hashlib
import re
import secrets
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self

import msgspec
from betterleaks.cli import get_binary_path

from audit.errors import EvidenceMissing
from audit.git.secrets.key import secret_of

_OPTIONS = (
    "--silent", "--no-banner", "--no-color", "--log-level=error", "--redact", "--output=-", "--jsonl",
    "--no-allow-signatures", "--max-archive-depth=0", "--max-decode-depth=5", "--exit-code=0",
)  # fmt: skip
_ASKED = re.compile(
    r"\.(ya?ml|tf|hcl|tfvars|php|p12|pfx|c|cc|cpp|cxx|h|hh|hpp|cs|dart|ex|exs|fs|fsx|go|gemspec|groovy|java|js|jsx|mjs"
    r"|cjs|kt|kts|lua|m|mm|pl|pm|py|pyw|r|rake|rb|rs|scala|sql|swift|ts|tsx|vb|vue|bb|bbappend|bbclass|inc)$"
)
_LETTERS = range(0x4E00, 0x4F00)  # letters of file names: ideographs, which no rule looks for
_TOKENS = frozenset(map(chr, _LETTERS))
_LENGTH = 16
_BATCH_BYTES = 16 << 20
_TOGETHER = (
    8_000  # bytes: in longer files more rules find their keywords, and each is then tried on all of it
)
_BETWEEN = b"\n#\n#\n#\n#\n#\n#\n#\n"


class ScannerFailed(EvidenceMissing):
    """The scanner did not look at everything it was given."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the secret scanner failed: {why}",
            remedy="check that 'betterleaks version' runs and that the folder for temporary files has room",
        )


class Match(NamedTuple):
    """What one rule matched.

    Attributes:
        number: number of the file, in the order given.
        start: its first line in that file, counted from 1; None where a rule speaks of the whole file.
        fingerprint: None where a rule speaks of the whole file.
    """

    number: int
    rule: str
    start: int | None
    end: int | None
    fingerprint: str | None


class _What(msgspec.Struct):
    fingerprint: str | None = None


class _Where(msgspec.Struct):
    path: str
    start_line: int | None = None
    end_line: int | None = None


class _Found(msgspec.Struct):
    rule_id: str
    match: _What
    location: _Where


class _Scan(msgspec.Struct):
    state: str
    bytes_scanned: int


class _Record(msgspec.Struct):
    finding: _Found | None = None
    scan: _Scan | None = None


def matches(files: Iterable[tuple[str, bytes]], key: bytes) -> Iterator[Match]:
    """Everything that Betterleaks' own rules find in files.

    Many files are looked at together first, as one; those in which anything was found are then looked at again, each
    by itself. What is found in a file so depends on that file alone, and few files need to be written. A text that
    comes again is looked at once.

    Args:
        files: path in the repository, of which no more than the extension is used, and text.
        key: key of the fingerprints.

    Raises:
        ScannerFailed: it did not look at every byte.
    """
    first: dict[tuple[str, bytes], int] = {}
    twins: dict[int, list[int]] = {}

    def distinct() -> Iterator[tuple[int, str, bytes]]:
        for number, (path, data) in enumerate(files):
            end = ending(path)
            same = first.setdefault((end, hashlib.sha256(data).digest()), number)
            twins.setdefault(same, []).append(number)
            if same == number:
                yield number, end, data

    for match in list(_all(distinct(), key)):
        for number in twins[match.number]:
            yield match._replace(number=number)


def _all(texts: Iterable[tuple[int, str, bytes]], key: bytes) -> Iterator[Match]:
    """What is found in numbered texts; while the scanner looks at some, the next are gathered."""
    again: list[tuple[int, str, bytes]] = []
    waiting: _Batch | None = None
    with contextlib.ExitStack() as batches:
        batch = _Batch(batches)
        for text in texts:
            if batch.full:
                batch.start(key)
                again += waiting.end() if waiting is not None else ()
                waiting, batch = batch, _Batch(batches)
            batch.add(*text)
        batch.start(key)
        for last in (waiting, batch):
            again += last.end() if last is not None else ()
        alone = batches.enter_context(_Run())
        for text in again:
            alone.add(*text)
        alone.start(key)
        yield from alone.end()


def ending(path: str) -> str:
    """The end of the name under which the scanner sees a file: its extension if a rule asks for it."""
    lowered = path.lower()
    if lowered.endswith("nuget.config"):
        return "-nuget.config"
    found = _ASKED.search(lowered)
    return found[0] if found else ".txt"


class _Batch:
    """Texts that are looked at together, to tell which of them need a look by themselves."""

    def __init__(self, runs: contextlib.ExitStack) -> None:
        self._runs = runs
        self._texts: dict[int, tuple[str, bytes]] = {}
        self._bytes = 0
        self._together: list[list[tuple[int, int]]] = []
        self._run: _Run | None = None

    @property
    def full(self) -> bool:
        return self._bytes >= _BATCH_BYTES

    def add(self, number: int, end: str, data: bytes) -> None:
        self._texts[number] = (end, data)
        self._bytes += len(data) + len(_BETWEEN)

    def start(self, key: bytes) -> None:
        """Puts texts of one ending together, as many as the scanner sees at once, and runs it over them."""
        by_ending: dict[str, list[int]] = {}
        for number, (end, _) in self._texts.items():
            by_ending.setdefault(end, []).append(number)
        self._run = self._runs.enter_context(_Run())
        for end, numbers in by_ending.items():
            for group in self._groups(numbers):
                line, places = 1, []
                for number in group:
                    places.append((line, number))
                    line += self._texts[number][1].count(b"\n") + _BETWEEN.count(b"\n")
                self._run.add(len(self._together), end, _BETWEEN.join(self._texts[n][1] for n in group))
                self._together.append(places)
        self._run.start(key)

    def end(self) -> list[tuple[int, str, bytes]]:
        """The texts in which anything may have been found.

        Raises:
            ScannerFailed: as `matches`.
        """
        assert self._run is not None
        again: set[int] = set()
        for match in self._run.end():
            places = self._together[match.number]
            first, last = 0, len(places)
            if match.start is not None:
                first = bisect.bisect_right(places, (match.start, 1 << 60)) - 1
                last = bisect.bisect_right(places, (match.end or match.start, 1 << 60))
            again.update(number for _, number in places[first:last])
        found = [(number, *self._texts[number]) for number in sorted(again)]
        self._texts.clear()
        return found

    def _groups(self, numbers: list[int]) -> Iterator[list[int]]:
        group: list[int] = []
        size = 0
        for number in numbers:
            more = len(self._texts[number][1]) + len(_BETWEEN)
            if group and size + more > _TOGETHER:
                yield group
                group, size = [], 0
            group.append(number)
            size += more
        if group:
            yield group


class _Run:
    """Files in a folder of their own, and one run of the scanner over them."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="audit-secrets-")
        self._files = Path(self._folder.name) / "files"
        self._files.mkdir()
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed in __exit__
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._process: subprocess.Popen[bytes] | None = None
        self._bytes = self._count = 0
        self._numbers: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._said.close()
        self._errors.close()
        self._folder.cleanup()

    def add(self, number: int, end: str, data: bytes) -> None:
        """Writes a file under a name that nobody can foresee.

        The scanner redacts a value wherever it stands, names of files too: what was in the value of a secret would
        else not be known by its name any more.
        """
        token = "".join(chr(_LETTERS[byte]) for byte in secrets.token_bytes(_LENGTH))
        self._numbers[token] = number
        with (self._files / f"{token}{end}").open("wb", buffering=0) as file:
            file.write(data)
        self._bytes += len(data)
        self._count += 1

    def start(self, key: bytes) -> None:
        """Runs the scanner over the files, if there are any."""
        if not self._count:
            return
        folder = self._folder.name
        self._process = subprocess.Popen(
            [get_binary_path(), "filesystem", self._files.name, *_OPTIONS],
            cwd=folder,
            env={"BETTERLEAKS_FINGERPRINT_HMAC_KEY": secret_of(key), "HOME": folder, "TMPDIR": folder},
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=self._errors,
        )

    def end(self) -> list[Match]:
        """What it found, once it says that it has seen all of it.

        Raises:
            ScannerFailed: it ended with a failure, or before the end.
        """
        if self._process is None:
            return []
        status = self._process.wait()
        self._folder.cleanup()
        self._said.seek(0)
        try:
            records = [_RECORD.decode(line) for line in self._said]
        except msgspec.DecodeError:  # its text is not repeated: nobody knows what is in it
            raise ScannerFailed(f"it ended with status {status} and what it wrote can't be read") from None
        scan = next((record.scan for record in records if record.scan is not None), None)
        if status or scan is None or scan.state != "complete":
            raise ScannerFailed(f"it ended with status {status}, before it had looked at everything")
        if scan.bytes_scanned != self._bytes:
            raise ScannerFailed(f"it looked at {scan.bytes_scanned} of {self._bytes} bytes")
        return [self._match(record.finding) for record in records if record.finding is not None]

    def _match(self, found: _Found) -> Match:
        token = "".join(letter for letter in found.location.path if letter in _TOKENS)
        if token not in self._numbers:
            raise ScannerFailed("it speaks of a file that it was not given")
        return _match(self._numbers[token], found)


_RECORD = msgspec.json.Decoder(_Record)


def _match(number: int, found: _Found) -> Match:
    mark = found.match.fingerprint
    return Match(
        number,
        found.rule_id,
        found.location.start_line,
        found.location.end_line,
        None if mark is None else mark.removeprefix("hmac-sha256:"),
    )
