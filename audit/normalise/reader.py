"""One evidence object to rows, coverage and quarantine, with every record accounted for.

    decompress → split into JSON values, or rows and items of sheets → unwrap envelopes → recognise → read

Whatever the bytes are, nothing is raised but what the file system raises, and
`records == kept + noise + len(quarantined)`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from audit.errors import UsageError
from audit.normalise import kubernetes_audit
from audit.normalise.decompress import blocks
from audit.normalise.envelopes import unwrap_all
from audit.normalise.interface import Context, Format, Outcome, Parsed, Unreadable
from audit.normalise.jsonformat import JsonFormat, names
from audit.normalise.logfmt import begins
from audit.normalise.records import RUNTIME_LIMIT, Ahead, Record, Splitter
from audit.normalise.registry import FORMATS
from audit.normalise.sheets import is_table, splitter
from audit.normalise.values import contradiction, is_utf8, is_value

AUTO = "auto"
_NEVER = datetime.min.replace(tzinfo=UTC)
_AN_HOUR = timedelta(hours=1)
_LAST_HOUR = datetime.max.replace(tzinfo=UTC) - _AN_HOUR
_Span = list[Any]
"""How many records speak of an hour, and the first and last of their times."""
_COLUMNS = (
    ": the columns of its header are those of no record that is read (docs/how-to/bring-evidence.md, People)"
)
_OF_A_LOG = (
    ": a line of a program's log; where the source is one program's own, name its format, and it is noise"
)
_SHA256 = re.compile(r"[0-9a-f]{64}")


def parse(path: Path, context: Context, *, format: str = AUTO) -> Parsed:
    """What became of the object at `path`.

    Args:
        path: the stored bytes, plain, gzip, zstd or bzip2.
        context: what is known of the object from where it lies.
        format: name of a format, which every record must then be of; `auto` recognises each by itself.

    Raises:
        UsageError: there is no such format.
    """
    (parsed,) = parts(path, context, format=format, size=None)
    return parsed


def parts(path: Path, context: Context, *, format: str = AUTO, size: int | None = 1000) -> Iterator[Parsed]:
    """As `parse`, in parts that together are the whole, so that memory is bounded by one of them.

    Args:
        size: records in a part, about; None puts all into one.

    Raises:
        UsageError: there is no such format.
    """
    if format != AUTO and format not in FORMATS:
        raise UsageError(
            f"format '{format}' is not known", remedy=f"use auto, or one of {', '.join(FORMATS)}"
        )
    reading = _Reading(_sha256(path), context, None if format == AUTO else FORMATS[format])
    records = splitter(context.key, blocks(path, key=context.key))
    for record in records:
        if not reading.take(record):
            records.reject()
        elif not record.whole and isinstance(records, Splitter):
            while (ahead := records.ahead()) is not None:
                taken = reading.run(ahead)
                records.passed(*taken)
                if size is not None and reading.parsed.records + reading.read >= size:
                    yield reading.part()
                if taken[1] < ahead.size:
                    break
        if size is not None and reading.parsed.records + reading.read >= size:
            yield reading.part()
    yield reading.part()


def _sha256(path: Path) -> str:
    """sha256 of the stored bytes: the store names its objects by it."""
    if _SHA256.fullmatch(path.name):
        return path.name
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Reading:
    """The reading of one object."""

    def __init__(self, evidence: str, context: Context, only: Format | None) -> None:
        self.parsed = Parsed()
        self._evidence = evidence
        self._context = context
        self._only = only
        self._wrapped = False  # the last record was an envelope: most likely the next one is too
        self._last = only  # the format that read the last record: most likely the next one's too
        self._reading = only  # the format whose records are being counted
        self.read = self._kept = 0  # not yet in `parsed`: records that were read, and those that gave rows
        self._hours: dict[tuple[str, datetime], _Span] = {}
        self._span: _Span = []  # what was counted in the hour of the last record, which this one is most likely of too
        self._begins = self._ends = _NEVER  # of that hour

    def take(self, record: Record) -> bool:
        """Accounts for a record; False, and nothing done, when it is no JSON value and must be split anew."""
        data, last = record.data, self._last
        if record.reason is not None:
            self._quarantine(record, record.reason)
            return True
        if not is_utf8(data):
            if not record.whole and not is_value(data):
                return False
            self._quarantine(record, "not UTF-8")
            return True
        if last is None or self._wrapped or not (last is self._only or last.recognises(data)):
            return self._without_shortcut(record, None)
        try:
            outcome = last.read(data, self._context)
        except Unreadable as error:
            return self._without_shortcut(record, str(error))
        self._keep(outcome, last, record, data)
        return True

    def _without_shortcut(self, record: Record, reason: str | None) -> bool:
        """As `take`, for what the format of the last record could not read, for `reason`."""
        if not record.whole and not is_value(record.data):
            return False
        likely = self._last  # what `_attempt` reads as
        found = unwrap_all(record.data, _is_known, self._attempt)
        self._wrapped = found is not None
        if found is None:
            self._one(record, record.data, reason)
            return True
        for place, (item, outcome) in enumerate(found.records, 1):
            if outcome is not None and likely is not None:
                self._keep(outcome, likely, record, item, place=place)
            else:
                self._one(record, item, None, place=place)
        for place, failed in enumerate(found.failed, 1):
            self._quarantine(record, f"{failed} (unreadable item {place})")
        self.parsed.by_envelope.update(found.kinds)
        self.parsed.records += found.noise
        self.parsed.noise += found.noise
        return True

    def _attempt(self, data: bytes) -> Outcome | None:
        """What the format of the last record reads of what was wrapped; None when it can't."""
        if self._last is None or not self._last.recognises(data):
            return None
        try:
            return self._last.read(data, self._context)
        except Unreadable:
            return None

    def _one(self, record: Record, data: bytes, reason: str | None, *, place: int | None = None) -> None:
        """Reads what is no envelope.

        Args:
            reason: why the format of the last record, which it looks like, has already refused it.
            place: among the records of its envelope, counted from 1.
        """
        last, refused = self._last, None
        for known in (self._only,) if self._only is not None else _likely(last):
            if known is last and reason is not None:
                refused = refused or f"not a {known.name} record: {reason}"
            elif self._only is not None or known.recognises(data):
                try:
                    self._keep(known.read(data, self._context), known, record, data, place=place)
                except Unreadable as error:
                    refused = refused or f"not a {known.name} record: {error}"
                else:
                    self._last = known
                    return
        unknown = "no known format" if place is None or is_value(data) else "text that no format knows"
        unknown += _COLUMNS if place is None and is_table(self._context.key) else ""
        unknown += _OF_A_LOG if self._only is None and _is_log(data) else ""
        self._quarantine(record, (refused or unknown) + _where(place))

    def run(self, ahead: Ahead) -> tuple[int, int]:
        """Accounts for lines, for as long as each is a record of the format that read the last one.

        Returns:
            How many of them were, and how many bytes they are.
        """
        last, length = self._last, 0
        times: list[datetime | None] = []
        if self._wrapped or not isinstance(last, JsonFormat):
            return 0, 0
        self._turn_to(last)
        recognises, read, context, known = last.recognises, last.read, self._context, last is self._only
        for line in ahead.lines:
            size = len(line)
            if size > RUNTIME_LIMIT or not (known or recognises(line)):
                break
            try:
                outcome = read(line, context)
            except Unreadable:
                break
            if outcome.rows or outcome.failed:
                if contradiction(line) is not None:
                    break
                self._add(outcome, last, ahead.number + len(times), ahead.offset + length)
            times.append(outcome.at)
            length += size
        self._count(times)
        return len(times), length

    def _keep(
        self, outcome: Outcome, format_: Format, record: Record, data: bytes, *, place: int | None = None
    ) -> None:
        """Takes in what was read of `data`: the record, or what is at a place in it, counted from 1."""
        if outcome.rows and data[:1] in b"{[" and (wrong := contradiction(data)) is not None:
            self._quarantine(record, f"not a {format_.name} record: {wrong}{_where(place)}")
            return
        self._turn_to(format_)
        self._add(outcome, format_, record.number, record.offset)
        self._count([outcome.at])

    def _turn_to(self, format_: Format) -> None:
        """Makes the records of a format those that are counted."""
        if format_ is not self._reading:
            self._tally()
            self._reading = format_

    def _add(self, outcome: Outcome, format_: Format, number: int, offset: int) -> None:
        """Takes in what a record gave."""
        for reason in outcome.failed:
            self._book(number, offset, f"{format_.name}: {reason}")
        for table, row in outcome.rows:
            row["evidence"], row["line"] = self._evidence, number
            self.parsed.rows.setdefault(table, []).append(row)
        self._kept += bool(outcome.rows)

    def _count(self, times: list[datetime | None]) -> None:
        """Counts records of one format, each with its time."""
        self.read += len(times)
        known = [at for at in times if at is not None]
        if not known:
            return
        first, last = min(known), max(known)
        if self._begins <= first and last < self._ends:
            self._spread(len(known), first, last)
            return
        for at in known:
            if not self._begins <= at < self._ends:
                self._enter(at)
            self._spread(1, at, at)

    def _spread(self, count: int, first: datetime, last: datetime) -> None:
        """Counts records in the hour that is being counted."""
        span = self._span
        span[0] += count
        span[1] = min(span[1], first)
        span[2] = max(span[2], last)

    def _quarantine(self, record: Record, reason: str) -> None:
        self._book(record.number, record.offset, reason)

    def _book(self, number: int, offset: int, reason: str) -> None:
        self.parsed.records += 1
        self.parsed.quarantined.append((number, offset, reason))

    def _enter(self, at: datetime) -> None:
        """Makes the hour of `at` the one that is being counted."""
        name = self._reading.name if self._reading is not None else ""
        self._begins = at.replace(minute=0, second=0, microsecond=0)
        self._ends = self._begins + _AN_HOUR if self._begins <= _LAST_HOUR else _NEVER
        self._span = self._hours.setdefault((name, self._begins), [0, at, at])

    def part(self) -> Parsed:
        """What was found since the last part."""
        self._tally()
        self.parsed.coverage.update((hour, (span[0], span[1], span[2])) for hour, span in self._hours.items())
        self._hours = {}
        part, self.parsed = self.parsed, Parsed()
        return part

    def _tally(self) -> None:
        """Books what was read as one format; the next hour is counted anew."""
        if self.read and self._reading is not None:
            self.parsed.by_format[self._reading.name] += self.read
        self.parsed.records += self.read
        self.parsed.noise += self.read - self._kept
        self.parsed.kept += self._kept
        self.read = self._kept = 0
        self._begins = self._ends = _NEVER


def _is_log(data: bytes) -> bool:
    """Whether it is a line of a program's log, as programs in Go write theirs."""
    return begins(data) or (b'"level"' in data and {"level", "msg"} <= names(data))


def _is_known(record: bytes) -> bool:
    found = (format_ for format_ in FORMATS.values() if format_.recognises(record))
    # that of audit events goes by bytes alone, and takes for one what holds one
    return any(format_ is not kubernetes_audit.FORMAT or "auditID" in names(record) for format_ in found)


def _likely(last: Format | None) -> Iterator[Format]:
    """All formats, each once, the one of the last record first."""
    if last is not None:
        yield last
    yield from (format_ for format_ in FORMATS.values() if format_ is not last)


def _where(place: int | None) -> str:
    return f" (item {place})" if place is not None else ""
