"""What Google's and Azure's logging wrap records in.

An entry of Cloud Audit Logs (`protoPayload`) is no envelope but a record of its own.
"""

from __future__ import annotations

import msgspec

from audit.normalise.envelopes.shape import (
    Contents,
    Opener,
    Top,
    as_array,
    as_object,
    as_text,
    content,
    each,
    joined,
    keys,
    listed,
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


def _message(top: Top) -> Contents | None:
    """A message of Pub/Sub by itself, as its subscriptions write it to BigQuery or to files: bytes, or what they say."""
    text = as_text(top["data"])
    if text is None or text.lstrip()[:1] in ("{", "["):
        return Contents([content(top["data"])])
    return unpacked(top["data"])


def _entries(top: Top) -> Contents | None:
    """A page of Cloud Logging's API."""
    entries = as_array(top["entries"])
    first = as_object(entries[0]) if entries else None
    return (
        each(entries) if entries and first is not None and {"logName", "insertId"} <= first.keys() else None
    )


def _tables(top: Top) -> Contents | None:
    """An answer of Log Analytics' API: names of columns, and rows of their values."""
    tables = [as_object(table) for table in as_array(top["tables"]) or ()]
    if not tables or not all(table is not None and {"columns", "rows"} <= table.keys() for table in tables):
        return None
    found = joined(_cells(table) for table in tables if table is not None)
    if "error" in top:
        found.failed.append("an answer of Log Analytics that says of an error: not all rows are in it")
    return found


def _cells(table: Top) -> Contents:
    columns, rows = as_array(table["columns"]), as_array(table["rows"])
    names = [as_text((as_object(column) or {}).get("name", b"")) for column in columns or ()]
    if rows is None or not names or None in names:
        return Contents(failed=["not a table of Log Analytics: no names of columns, or no rows"])
    found = Contents()
    for row in rows:
        cells = as_array(row)
        if cells is None or len(cells) != len(names):
            found.failed.append("not a row of Log Analytics: it has other columns than its table")
        else:
            found.items.append(msgspec.json.encode(dict(zip(names, cells, strict=True))))
    return found


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
    Opener("pubsub", keys("receivedMessages"), listed("receivedMessages")),
    Opener("pubsub", keys("data", "messageId", "attributes"), _message),
    Opener("pubsub", keys("data", "message_id", "publish_time"), _message),
    Opener("cloud-logging-page", keys("entries"), _entries),
    Opener("azure-diagnostic", keys("category", "properties"), _diagnostic),
    Opener("azure-diagnostic", keys("Category", "log_s"), member("log_s")),
    Opener("azure-container", keys("LogMessage", "ContainerName"), member("LogMessage")),
    Opener("azure-container", keys("LogEntry", "LogEntrySource"), member("LogEntry")),
    Opener("azure-diagnostic", keys("category", "log_s"), member("log_s")),
    Opener("azure-table", keys("tables"), _tables),
    Opener("azure-row", keys("AuditId", "RequestUri", "Stage", "Verb"), _row),
)
