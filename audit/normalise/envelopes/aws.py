"""What AWS wraps records in: subscriptions and answers of CloudWatch Logs, Kinesis, Firehose, SNS and SQS.

A notification of S3 names an object and holds nothing of it: it is refused with that reason, for whoever keeps
notifications in place of objects has no evidence.
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
    member,
    unpacked,
)

_FIREHOSE = keys(
    "data", "recordId", "approximateArrivalTimestamp", "kinesisRecordMetadata", "result", "metadata"
)
_ASKED = keys("events", "searchedLogStreams", "nextToken", "nextForwardToken", "nextBackwardToken")
"""What an answer has, be there events or none."""


def _subscription(top: Top) -> Contents | None:
    """Messages of a subscription; its control messages only say that it is alive."""
    kind, events = as_text(top["messageType"]), as_array(top["logEvents"])
    if kind == "CONTROL_MESSAGE":
        return Contents(noise=1)
    if kind != "DATA_MESSAGE" or events is None:
        return None
    found = Contents()
    for event in events:
        of_event = as_object(event)
        if of_event is None or "message" not in of_event:
            why = "Object missing required field `message`" if of_event is not None else "not an object"
            found.failed.append(f"not a log event: {why}")
        elif as_text(of_event["message"]) is None:
            found.failed.append("not a log event: its message is no text")
        else:
            found.items.append(content(of_event["message"]))
    return found


def _lambda(top: Top) -> Contents | None:
    """The event by which a subscription calls a function: base64 of gzip."""
    inner = as_object(top["awslogs"])
    return None if inner is None else unpacked(inner.get("data"))


def _answer(top: Top) -> Contents | None:
    """An answer of FilterLogEvents or GetLogEvents: its events have messages."""
    events = as_array(top["events"])
    if events == [] and top.keys() <= _ASKED:
        return Contents()
    first = as_object(events[0]) if events else None
    return (
        each(events)
        if events and first is not None and {"message", "ingestionTime"} <= first.keys()
        else None
    )


def _queried(top: Top) -> Contents | None:
    """An answer of Logs Insights: rows of fields, of which one is the message."""
    rows = as_array(top["results"])
    if rows is None or not (rows or "statistics" in top) or any(as_array(row) is None for row in rows):
        return None
    found = joined(_message(row) for row in rows)
    status = as_text(top["status"])
    if status != "Complete":
        found.failed.append(
            f"a query that had not ended ({str(status)[:20]}): not all rows are in its answer"
        )
    return found


def _message(row: msgspec.Raw) -> Contents:
    for field in as_array(row) or ():
        of_field = as_object(field) or {}
        if as_text(of_field.get("field", b"")) == "@message" and "value" in of_field:
            return Contents([content(of_field["value"])])
    return Contents(failed=["not a row of Logs Insights with its @message"])


def _shown(top: Top) -> Contents | None:
    """A row of Logs Insights as its console saves it, where the message is JSON: parsed."""
    return Contents([bytes(top["@message"])]) if bytes(top["@message"])[:1] == b"{" else None


def _logged(top: Top) -> Contents | None:
    """An answer of GetLogRecord: fields, the message among them."""
    inner = as_object(top["logRecord"]) if len(top) == 1 else None
    return None if inner is None or "@message" not in inner else Contents([content(inner["@message"])])


def _looked_up(top: Top) -> Contents | None:
    """An answer of CloudTrail's LookupEvents."""
    events = as_array(top["Events"])
    if events is None or not top.keys() <= {"Events", "NextToken"}:
        return None
    return each(events) if all("CloudTrailEvent" in (as_object(event) or ()) for event in events) else None


def _of_lake(top: Top) -> Contents | None:
    """An answer of CloudTrail Lake: rows of columns, of which one is the event; the others are not all of it."""
    rows, status = as_array(top["QueryResultRows"]), as_text(top["QueryStatus"])
    if rows is None:
        return None
    found = joined(_event(row) for row in rows)
    if status != "FINISHED":
        found.failed.append(
            f"a query that had not ended ({str(status)[:20]}): not all rows are in its answer"
        )
    return found


def _event(row: msgspec.Raw) -> Contents:
    for column in as_array(row) or ():
        told = as_object(column) or {}
        if as_text(told.get("eventJson", b"")) is not None:
            return Contents([content(told["eventJson"])])
    return Contents(failed=["a row of CloudTrail Lake without its eventJson: select that column"])


def _kinesis(top: Top) -> Contents | None:
    inner = as_object(top["kinesis"])
    return None if inner is None else unpacked(inner.get("data"))


def _firehose(top: Top) -> Contents | None:
    """A record that Firehose gives to a function, or gets back; one that was dropped need not have data."""
    if not top.keys() <= _FIREHOSE:
        return None
    if "data" not in top:
        return Contents(noise=1) if {"recordId", "result"} <= top.keys() else None
    return unpacked(top["data"])


def _sns(top: Top) -> Contents | None:
    inner = as_object(top["Sns"])
    return None if inner is None or "Message" not in inner else Contents([content(inner["Message"])])


def _published(top: Top) -> Contents | None:
    return Contents([content(top["Message"])]) if as_text(top["Type"]) == "Notification" else None


def _notification(top: Top) -> Contents | None:
    if as_text(top["eventSource"]) not in {"aws:s3", "minio:s3"}:
        return None
    return Contents(failed=["a notification of S3: it names an object and holds nothing of it"])


def _delivered(_: Top) -> Contents:
    return Contents(failed=["a notification of CloudTrail: it names files and holds nothing of them"])


OPENERS = (
    Opener("cloudwatch-logs", keys("messageType", "logEvents"), _subscription),
    Opener("cloudwatch-answer", keys("results", "status"), _queried),
    Opener("cloudwatch-answer", keys("@message"), _shown, beside=True),
    Opener("cloudwatch-answer", keys("logRecord"), _logged),
    Opener("cloudtrail-answer", keys("Events"), _looked_up),
    Opener("cloudtrail-answer", keys("EventId", "EventName", "CloudTrailEvent"), member("CloudTrailEvent")),
    Opener("cloudtrail-answer", keys("QueryStatus", "QueryResultRows"), _of_lake),
    Opener("cloudwatch-lambda", keys("awslogs"), _lambda),
    Opener("cloudwatch-answer", keys("events"), _answer),
    Opener("cloudwatch-answer", keys("message", "timestamp", "ingestionTime"), member("message")),
    Opener("kinesis", keys("kinesis", "eventSource"), _kinesis),
    Opener("kinesis", keys("data", "sequenceNumber"), lambda top: unpacked(top["data"])),
    Opener("kinesis", keys("Data", "SequenceNumber"), lambda top: unpacked(top["Data"])),
    Opener("firehose", keys("data"), _firehose),
    Opener("firehose", keys("recordId", "result"), _firehose),
    Opener("firehose-failed", keys("rawData", "errorCode"), lambda top: unpacked(top["rawData"])),
    Opener("sns", keys("Sns", "EventSource"), _sns),
    Opener("sns", keys("Type", "MessageId", "TopicArn", "Message"), _published),
    Opener("sqs", keys("messageId", "receiptHandle", "body"), member("body")),
    Opener("cloudtrail-notification", keys("s3Bucket", "s3ObjectKey"), _delivered),
    Opener("s3-notification", keys("eventSource", "eventName", "s3"), _notification),
)
