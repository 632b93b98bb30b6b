"""What wraps records on their way: lists, pages, messages of log shippers, entries of log stores, text in text.

Each family is a module of openers, which know an envelope by its shape alone. What is inside is bytes again, which may
be another envelope, several values, or plain text; it is opened until nothing is an envelope any more, within bounds.
A wrapped record shares the number of the value that it came in; each counts as a record of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from audit.normalise import logfmt
from audit.normalise.envelopes import (
    agents,
    aws,
    bigquery,
    clouds,
    elastic,
    lines,
    lists,
    loki,
    otlp,
    platforms,
)
from audit.normalise.envelopes.shape import Contents, Opener, Top, agree, as_array, as_object, text_of
from audit.normalise.interface import Outcome
from audit.normalise.records import MAX_RECORD, Splitter
from audit.normalise.values import is_utf8, is_value

VERSION = 17
"""Raised whenever the same bytes would be split or opened otherwise, as a format's is: what is kept of earlier readings depends on it."""
MAX_DEPTH = 16
MAX_ITEMS = 1_000_000
CLOUDWATCH_LIMIT = 262_144
_CUT_WITHIN = 1024  # a message is cut a little below the limit: its time and a mark count too
_TEXTS = (
    *("message", "@message", "log", "value", "payload", "event", "_raw", "full_message", "short_message"),
    *("_entry", "eventJson", "eventjson"),
)
"""Members whose text may be a record: of anything that ships logs, Kafka, Splunk, Graylog, Promtail, CloudTrail Lake."""
_JSON = (b"{", b"[", b'"')
_SPACE = b" \t\r\n"
_OPENERS: tuple[Opener, ...] = (
    *lists.OPENERS,
    *aws.OPENERS,
    *agents.OPENERS,
    *elastic.OPENERS,
    *loki.OPENERS,
    *otlp.OPENERS,
    *clouds.OPENERS,
    *bigquery.OPENERS,
    *platforms.OPENERS,
)


@dataclass
class Unwrapped:
    """What was in an envelope, and in those inside it.

    Attributes:
        records: bytes of each record, with what it gave where it was read already.
        noise: records that by rule say nothing: control messages, actions of bulk requests, empty messages.
        failed: reason for each record that could not be taken out.
        kinds: how many envelopes of which kind were opened.
    """

    records: list[tuple[bytes, Outcome | None]] = field(default_factory=list)
    noise: int = 0
    failed: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)


def unwrap_all(
    value: bytes,
    known: Callable[[bytes], bool] = lambda _: False,
    attempt: Callable[[bytes], Outcome | None] = lambda _: None,
) -> Unwrapped | None:
    """What is in `value`, one JSON value or a line that begins with a time; None when it is no envelope.

    Args:
        known: whether a format knows a record: then it is not opened for the JSON text in one of its fields.
        attempt: reads what was inside as most likely it can be; None when it can't. What can be read is not looked at
            any closer, which saves most of the time.
    """
    found = _opened(value, known) or lines.named(value)
    if found is None:
        return None
    opening = _Opening(known, attempt)
    opening.take_out(*found, depth=1)
    return opening.result


def _opened(
    value: bytes, known: Callable[[bytes], bool], *, closed: bool = False
) -> tuple[str, Contents] | None:
    """The name of the envelope that `value` is, and what is in it; nothing is looked for in its message where that is closed."""
    first = value.lstrip(_SPACE)[:1]
    if first == b"{":
        top = as_object(value)
        if top is not None and closed:
            top.pop("message", None)
        return agents.parts(value) if top is None else _opened_object(value, top, known)
    if first == b"[":
        items = as_array(value)
        return lines.opened(value) if items is None else lists.array(items)
    if first == b'"':
        text = text_of(value)
        return ("json-text", Contents([text])) if text.lstrip(_SPACE).startswith(_JSON) else None
    return lines.opened(value)


def _opened_object(value: bytes, top: Top, known: Callable[[bytes], bool]) -> tuple[str, Contents] | None:
    keys = top.keys()
    for opener in _OPENERS:
        if opener.needs <= keys and (contents := opener.open(top)) is not None:
            if opener.beside and not keys <= agents.SHIPPERS and not _is_line(top, contents):
                rest = {name: of for name, of in top.items() if name not in agents.SHIPPERS}
                if known(value) or known(msgspec.json.encode(rest)):
                    return None
            return opener.name, contents
    for name in _TEXTS:
        text = text_of(top.get(name, b""))
        if _is_record(text.lstrip(_SPACE)) and not known(value):
            return "json-in-field", Contents([text])
    return None


def _is_record(text: bytes) -> bool:
    """Whether a text is a JSON object, or a line of logfmt."""
    return (
        is_value(text) if text.startswith(b"{") else logfmt.begins(text) and lines.members(text) is not None
    )


def _is_line(top: Top, contents: Contents) -> bool:
    """Whether what was taken out is the line of the record that stands parsed around it, and not a text in that record, which
    anybody may have written who could have an event written.
    """
    line = lines.members(contents.items[0]) if len(contents.items) == 1 else None
    return line is not None and agree(top, line, agents.SHIPPERS)


class _Opening:
    """The opening of one outermost envelope; what it may take is bounded over all that are inside."""

    def __init__(self, known: Callable[[bytes], bool], attempt: Callable[[bytes], Outcome | None]) -> None:
        self.result = Unwrapped()
        self._attempt = attempt
        self._known = known
        self._items, self._bytes = MAX_ITEMS, MAX_RECORD

    def take_out(self, name: str, contents: Contents, *, depth: int) -> None:
        """Takes out what is in an envelope, and opens what is an envelope itself."""
        self.result.kinds[name] += 1
        self.result.noise += contents.noise
        self.result.failed.extend(contents.failed)
        self._bytes -= contents.grown
        if self._bytes < 0:
            self.result.failed.append(f"what is compressed inside it is longer than {MAX_RECORD >> 20} MiB")
            return
        for place, item in enumerate(contents.items):
            if self._items <= 0:
                left = len(contents.items) - place
                self.result.failed.append(f"more than {MAX_ITEMS:,} records in one: {left:,} are not read")
                return
            self._items -= 1
            self._inside(item, depth, closed=contents.closed)

    def _inside(self, item: bytes, depth: int, *, closed: bool) -> None:
        """What was in an envelope: nothing, one value, several, or text."""
        content = item.strip(_SPACE)
        if not content:
            self.result.noise += 1
        elif not is_utf8(content):
            self.result.failed.append("not UTF-8")
        elif content[:1] == b"{" and (outcome := self._attempt(content)) is not None:
            self.result.records.append((content, outcome))
        elif (content.startswith(_JSON) and not is_value(content)) or (
            b"\n" in content and (lines.stamped(content) or logfmt.begins(content))
        ):
            self._several(content, depth, closed=closed)
        else:
            self._value(content, depth, closed=closed)

    def _several(self, content: bytes, depth: int, *, closed: bool) -> None:
        """Values and lines one after the other."""
        for record in Splitter(iter([content])):
            if self._items <= 0:
                self.result.failed.append(f"more than {MAX_ITEMS:,} records in one: the rest is not read")
                return
            self._items -= 1
            if record.reason is None:
                self._value(record.data, depth, closed=closed)
            else:
                self.result.failed.append(_why(record.reason, content))

    def _value(self, value: bytes, depth: int, *, closed: bool) -> None:
        found = _opened(value, self._known, closed=closed)
        if found is None:
            self.result.records.append((value, None))
        elif depth >= MAX_DEPTH:
            self.result.failed.append(f"wrapped more than {MAX_DEPTH} deep")
        else:
            self.take_out(*found, depth=depth + 1)


def _why(reason: str, content: bytes) -> str:
    """Why something inside is no JSON, named where CloudWatch Logs cut it."""
    if CLOUDWATCH_LIMIT - _CUT_WITHIN <= len(content) <= CLOUDWATCH_LIMIT:
        return f"cut off at {CLOUDWATCH_LIMIT:,} bytes, the limit of CloudWatch Logs"
    return reason
