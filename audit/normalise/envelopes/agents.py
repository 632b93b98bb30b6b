"""What log shippers wrap records in: Fluent Bit, Fluentd, Docker's json-file, Vector, Filebeat and Logstash."""

from __future__ import annotations

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
_BEATS = frozenset({"agent", "ecs", "input", "@version", "beat"})


def _log(top: Top) -> Contents | None:
    """A line below `log`, or the record that it was parsed to; lines longer than 16 KiB come in parts from Docker."""
    if not _SHIPPED & top.keys() or bytes(top["log"])[:1] not in b'"{':
        return None
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
    """An event of Filebeat or Logstash: what was parsed of the line where it was, else the line."""
    if not _BEATS & top.keys() or as_text(top["@timestamp"]) is None:
        return None
    inner = as_object(top["kubernetes"]) if "kubernetes" in top else None
    for holder, name in ((inner or {}, "audit"), (top, "kubernetes.audit"), (top, "json")):
        if name in holder and bytes(holder[name])[:1] == b"{":
            return Contents([bytes(holder[name])])
    for name in ("message", "log"):
        if name in top and as_text(top[name]) is not None:
            return Contents([content(top[name])])
    original = as_object(top["event"]) if "event" in top else None
    return Contents([content(original["original"])]) if original and "original" in original else None


OPENERS = (
    Opener("beats", keys("@timestamp"), _beats),
    Opener("vector", keys("message", "source_type", "timestamp"), member("message")),
    Opener("log", keys("log"), _log),
    Opener("log", keys("log_processed"), member("log_processed")),
    Opener("fluentd", keys("message", "tag", "time"), member("message")),
)
