"""What Google's and Azure's logging wrap records in.

An entry of Cloud Audit Logs (`protoPayload`) is no envelope but a record of its own.
"""

from __future__ import annotations

from audit.normalise.envelopes.shape import (
    Contents,
    Opener,
    Top,
    as_object,
    content,
    keys,
    member,
    text_of,
    unpacked,
)


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
    inner = as_object(top["properties"]) or as_object(text_of(top["properties"]))
    return Contents([content(inner["log"])]) if inner is not None and "log" in inner else None


def _row(_: Top) -> Contents:
    """A row of the tables AKSAudit and AKSAuditAdmin, which have no column for the impersonated user."""
    return Contents(
        failed=["a row of Log Analytics, which leaves out who was impersonated: export the category itself"]
    )


OPENERS = (
    Opener("cloud-logging", keys("logName", "insertId"), _entry),
    Opener("pubsub", keys("message", "subscription"), _pushed),
    Opener("pubsub", keys("message", "ackId"), _pushed),
    Opener("azure-diagnostic", keys("category", "properties"), _diagnostic),
    Opener("azure-diagnostic", keys("Category", "log_s"), member("log_s")),
    Opener("azure-container", keys("LogMessage", "ContainerName"), member("LogMessage")),
    Opener("azure-container", keys("LogEntry", "LogEntrySource"), member("LogEntry")),
    Opener("azure-row", keys("AuditId", "RequestUri", "Stage", "Verb"), _row),
)
