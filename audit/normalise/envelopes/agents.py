"""What log shippers wrap records in: Fluent Bit, Fluentd, Docker's json-file, Vector, Filebeat, Logstash, OpenShift, journald."""

from __future__ import annotations

import msgspec

from audit.normalise.envelopes.shape import (
    Contents,
    Opener,
    Top,
    as_object,
    as_text,
    content,
    keys,
    member,
)
from audit.normalise.records import RUNTIME_LIMIT

_SHIPPED = frozenset({"stream", "kubernetes", "date", "time", "docker", "tag", "_p", "logtag"})
SHIPPERS = frozenset(
    {"@timestamp", "@metadata", "@version", "agent", "beat", "cloud", "container", "docker", "ecs", "error", "event", "event.original"}
    | {"fields", "file", "host", "input", "json", "kubernetes", "kubernetes.audit", "log", "message", "offset", "orchestrator", "path"}
    | {"port", "service", "source_type", "stream", "tag", "tags", "time", "timestamp", "timestamp_end"}
)  # fmt: skip
"""What shippers add to a line that they ship, or have changed in the record that they parsed of it."""
_ADDED = frozenset({"data_stream", "date", "elastic_agent"})
"""What else some shippers add."""
_OF_A_FILE = frozenset(
    {"file", "offset", "flags", "level", "logger", "original", "origin", "source", "syslog"}
)
_BEATS = frozenset({"agent", "ecs", "input", "@version", "beat", "event.original"})


def _log(top: Top) -> Contents | None:
    """A line below `log`, or the record that it was parsed to; lines longer than 16 KiB come in parts from Docker."""
    if not _SHIPPED & top.keys() or bytes(top["log"])[:1] not in b'"{':
        return None
    inner = as_object(top["log"])
    if inner is not None and inner.keys() <= _OF_A_FILE:
        return None  # Filebeat says there where the line stood, whose members it set beside it
    line = content(top["log"])
    if len(line) == RUNTIME_LIMIT and not line.endswith(b"\n"):
        return Contents(failed=["a part of a line that the container runtime cut at 16 KiB"])
    return Contents([line])


def parts(value: bytes) -> tuple[str, Contents] | None:
    """The lines that Docker made of one that was too long for it, put together again; None when it is something else."""
    tops = [as_object(line) for line in value.split(b"\n")]
    texts = [as_text(top["log"]) for top in tops if top is not None and "log" in top]
    if len(tops) < 2 or len(texts) < len(tops) or None in texts:
        return None
    return "log", Contents(["".join(text or "" for text in texts).encode(errors="replace")])


def _beats(top: Top) -> Contents | None:
    """An event of Filebeat or Logstash: what was parsed of the line where it was, else the line, else what was parsed elsewhere."""
    if not _BEATS & top.keys() or as_text(top["@timestamp"]) is None:
        return None
    inner = as_object(top["kubernetes"]) if "kubernetes" in top else None
    for holder, name in ((inner or {}, "audit"), (top, "kubernetes.audit"), (top, "json")):
        if name in holder and bytes(holder[name])[:1] == b"{":
            return Contents([bytes(holder[name])])
    event = (as_object(top["event"]) if "event" in top else None) or {}
    for holder, name in ((event, "original"), (top, "event.original"), (top, "message"), (top, "log")):
        if name in holder and as_text(holder[name]) is not None:
            return Contents([content(holder[name])])
    return _target(top)


def _target(top: Top) -> Contents | None:
    """What alone in an event no shipper adds: to its name settings have the line parsed. Where more stands beside it, the line is
    parsed to the event itself, and this a part of it that others may have written.
    """
    targets = [of for name, of in top.items() if name not in SHIPPERS | _ADDED]
    return Contents([bytes(targets[0])]) if len(targets) == 1 and bytes(targets[0])[:1] == b"{" else None


def _native(top: Top) -> Contents | None:
    """An event of Vector in its own coding (`native_json`): a log, and nothing beside it."""
    inner = as_object(top["log"]) if len(top) == 1 else None
    return Contents([content(inner["message"])]) if inner is not None and "message" in inner else None


def _structured(top: Top) -> Contents | None:
    """A record of OpenShift's collector, with the line as it was parsed."""
    return Contents([bytes(top["structured"])]) if bytes(top["structured"])[:1] == b"{" else None


def _journal(top: Top) -> Contents | None:
    """An entry of systemd's journal; a message with bytes that are no text is a list of their numbers."""
    if as_text(top["MESSAGE"]) is not None:
        return Contents([content(top["MESSAGE"])])
    try:
        return Contents([bytes(msgspec.json.decode(top["MESSAGE"], type=list[int]))])
    except (ValueError, RecursionError):
        return None


OPENERS = (
    Opener("openshift", keys("structured", "log_type"), _structured),
    Opener("journal", keys("__REALTIME_TIMESTAMP", "MESSAGE"), _journal),
    Opener("journal", keys("_HOSTNAME", "MESSAGE"), _journal),
    Opener("vector", keys("log"), _native),
    Opener("beats", keys("@timestamp"), _beats, beside=True),
    Opener("vector", keys("message", "source_type", "timestamp"), member("message"), beside=True),
    Opener("vector", keys("source_type", "timestamp"), _target, beside=True),
    Opener("fluent-bit", keys("date"), _target, beside=True),
    Opener("log", keys("log"), _log),
    Opener("log", keys("log_processed"), member("log_processed")),
    Opener("fluentd", keys("message", "tag", "time"), member("message"), beside=True),
)
