"""What Google's and Azure's logging wrap records in.

An entry of Cloud Audit Logs (`protoPayload`) is no envelope but a record of its own.
"""

from __future__ import annotations

from audit.normalise.envelopes.shape import Contents, Opener, Top, as_object, content, keys, unpacked


def _entry(top: Top) -> Contents | None:
    """An entry of Cloud Logging with a payload of JSON or text."""
    for name in ("jsonPayload", "textPayload"):
        if name in top and "protoPayload" not in top:
            return Contents([content(top[name])])
    return None


def _pushed(top: Top) -> Contents | None:
    """A message of Pub/Sub, which sinks of Cloud Logging write to."""
    inner = as_object(top["message"])
    return None if inner is None else unpacked(inner.get("data"))


def _diagnostic(top: Top) -> Contents | None:
    """A record of Azure's diagnostic settings: AKS puts the line below `log`, as text or parsed."""
    inner = as_object(top["properties"])
    return Contents([content(inner["log"])]) if inner is not None and "log" in inner else None


OPENERS = (
    Opener("cloud-logging", keys("logName", "insertId"), _entry),
    Opener("pubsub", keys("message", "subscription"), _pushed),
    Opener("pubsub", keys("message", "ackId"), _pushed),
    Opener("azure-diagnostic", keys("category", "properties"), _diagnostic),
)
