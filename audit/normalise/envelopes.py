"""What wraps records on their way: arrays, lists of Kubernetes objects, pages of GitHub's, log subscriptions,
files that CloudTrail delivers.

A wrapped record shares the number of the value that it came in; each counts as a record of its own.
"""

from __future__ import annotations

import msgspec

_MAX_DEPTH = 4
_ABSENT = msgspec.Raw()


class _LogEvent(msgspec.Struct):
    """One event of a CloudWatch Logs subscription."""

    message: str


class _Envelope(msgspec.Struct):
    """The keys that envelopes are known by; every other key is left alone."""

    kind: msgspec.Raw = _ABSENT
    apiVersion: str | None = None
    items: list[msgspec.Raw] | None = None
    check_runs: list[msgspec.Raw] | None = None
    workflow_runs: list[msgspec.Raw] | None = None
    environments: list[msgspec.Raw] | None = None
    total_count: msgspec.Raw = _ABSENT
    messageType: str | None = None
    logEvents: list[msgspec.Raw] | None = None
    Records: list[msgspec.Raw] | None = None
    trainings: list[msgspec.Raw] | None = None
    access_reviews: list[msgspec.Raw] | None = None


class Unwrapped(msgspec.Struct):
    """What was in an envelope.

    Attributes:
        records: bytes of each record.
        noise: records that by rule say nothing: a subscription's control messages.
        failed: reason for each record that could not be taken out.
    """

    records: list[bytes]
    noise: int = 0
    failed: list[str] = msgspec.field(default_factory=list)


_array = msgspec.json.Decoder(list[msgspec.Raw])
_envelope = msgspec.json.Decoder(_Envelope)
_log_event = msgspec.json.Decoder(_LogEvent)


def unwrap(value: bytes) -> Unwrapped | None:
    """The records in the JSON `value`; None when it is no envelope."""
    try:
        if value.lstrip()[:1] == b"[":
            return Unwrapped([bytes(item) for item in _array.decode(value)])
        return _opened(_envelope.decode(value))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _opened(envelope: _Envelope) -> Unwrapped | None:
    if envelope.messageType == "CONTROL_MESSAGE":
        return Unwrapped([], noise=1)
    if envelope.messageType == "DATA_MESSAGE" and envelope.logEvents is not None:
        return _messages(envelope.logEvents)
    if envelope.items is not None and bytes(envelope.kind).endswith(b'List"'):
        return Unwrapped([_typed(bytes(item), envelope) for item in envelope.items])
    if bytes(envelope.total_count):
        for page in (envelope.check_runs, envelope.workflow_runs, envelope.environments):
            if page is not None:
                return Unwrapped([bytes(item) for item in page])
    for listed in (envelope.Records, envelope.trainings, envelope.access_reviews):
        if listed is not None:
            return Unwrapped([bytes(item) for item in listed])
    return None


def _typed(item: bytes, envelope: _Envelope) -> bytes:
    """An item of a list with the kind that the list's own kind names, where the item, as the API gives it, has none."""
    kind = bytes(envelope.kind).removesuffix(b'List"')
    if (
        kind == b'"'
        or b'"kind"' in item
        or item[:1] != b"{"
        or item.strip() == b"{}"
        or not envelope.apiVersion
    ):
        return item
    version = msgspec.json.encode(envelope.apiVersion)
    return b'{"kind":' + kind + b'","apiVersion":' + version + b"," + item[1:]


def _messages(events: list[msgspec.Raw]) -> Unwrapped:
    """The messages of a subscription's events, each one record."""
    result = Unwrapped([])
    for event in events:
        try:
            result.records.append(_log_event.decode(event).message.encode())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            result.failed.append(f"not a log event: {error}")
    return result


def unwrap_all(value: bytes) -> Unwrapped | None:
    """As `unwrap`, through envelopes in envelopes down to a fixed depth; None when `value` is no envelope."""
    outer = unwrap(value)
    if outer is None:
        return None
    for _ in range(_MAX_DEPTH - 1):
        inner = [(record, unwrap(record)) for record in outer.records]
        if all(found is None for _, found in inner):
            break
        outer = _flatten(outer, inner)
    return outer


def _flatten(outer: Unwrapped, inner: list[tuple[bytes, Unwrapped | None]]) -> Unwrapped:
    flat = Unwrapped([], noise=outer.noise, failed=list(outer.failed))
    for record, found in inner:
        flat.records.extend([record] if found is None else found.records)
        if found is not None:
            flat.noise += found.noise
            flat.failed.extend(found.failed)
    return flat
