"""What Argo CD's notifications controller sent, to `alerts`: lines of its log, and what it notes on each Application.

The payload of a notification is the user's own template; which trigger was sent to whom, of which Application, the controller says in
its own words. Of a sending that failed it says so in the next line about that recipient. The note
(`notified.notifications.argoproj.io`) names what was sent and is not over: with `oncePer` the last hundred, else only conditions that
still hold.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from audit.normalise.interface import Context, Outcome, Row, Rows, Unreadable
from audit.normalise.jsonformat import JsonFormat, cluster_of, names
from audit.normalise.logfmt import begins, to_json
from audit.normalise.times import Time, parse, utc

NOTE = "notified.notifications.argoproj.io"
UNSENT = "notification"
"""Stands for the alert's name where the log does not say which trigger could not be sent."""

_SENDING = re.compile(
    r"Sending notification about condition '(?P<trigger>.+)\.\[\d+\]\.[^']*' to '\{(?P<service>\S+) (?P<recipient>.*?)\}'.*",
    re.DOTALL,
)
_FAILED = re.compile(
    r"Failed to notify recipient \{(?P<service>\S+) (?P<recipient>.*?)\} defined in (?:resource|app) "
    r"(?P<namespace>[^/\s]+)/(?P<name>[^:\s]+): .*",
    re.DOTALL,
)
_NOTED = re.compile(
    r"(?:.*:)?(?P<trigger>[^:]+):\[\d+\]\.[^:]*:(?P<service>[^:]+):(?P<recipient>.*)", re.DOTALL
)
_SAYS = (
    "Start processing", "Processing completed", "Processing skipped", "Trigger ", "Sending notification", "Failed to notify",
    "Notification ", "Failed to execute condition",
)  # fmt: skip
"""How the messages of the controller begin that are about an Application."""
_note = msgspec.json.Decoder(dict[str, float])


class Line(msgspec.Struct):
    """A line of the controller's log; what is not needed is not decoded."""

    time: Time
    level: str
    msg: str = ""
    resource: str | None = None
    app: str | None = None


def _rows(line: Line, context: Context) -> Outcome:
    at = utc(line.time)
    namespace, _, name = (line.resource or line.app or "").partition("/")
    sent, failed = _SENDING.fullmatch(line.msg), _FAILED.fullmatch(line.msg)
    if sent is not None:
        if not name:
            raise Unreadable("a notification about nothing: neither resource nor app names an Application")
        about = {
            "namespace": namespace,
            "name": name,
            "service": sent["service"],
            "recipient": sent["recipient"],
        }
        return Outcome([("alerts", _row(context, about, sent["trigger"], "firing", at))], at)
    if failed is not None:
        return Outcome([("alerts", _row(context, failed.groupdict(), UNSENT, "error", at))], at)
    return Outcome([], at)


def noted(
    annotations: dict[str, str] | None, context: Context, namespace: str, name: str
) -> tuple[Rows, list[str]]:
    """Rows of `alerts` for what an Application's annotations say was sent, and why for each part that can't be read."""
    note = (annotations or {}).get(NOTE)
    if not note:
        return [], []
    try:
        entries = _note.decode(note)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return [], [f"annotation {NOTE}: {error}"]
    rows: Rows = []
    failed = []
    for key, seconds in sorted(entries.items()):
        found = _NOTED.fullmatch(key)
        try:
            if found is None:
                raise Unreadable("it does not name trigger, condition, service and recipient")
            about = {
                "namespace": namespace,
                "name": name,
                "service": found["service"],
                "recipient": found["recipient"],
            }
            rows.append(("alerts", _row(context, about, found["trigger"], "firing", parse(seconds))))
        except Unreadable as error:
            failed.append(f"annotation {NOTE}: {key[:80]!r}: {error}")
    return rows, failed


def _row(context: Context, about: dict[str, Any], trigger: str, status: str, at: Any) -> Row:
    labels = {label: about[label] for label in ("name", "namespace", "recipient", "service")}
    return {
        "cluster": cluster_of(context),
        "environment": None,
        "origin": "argocd",
        "receiver": f"{labels['service']}:{labels['recipient']}",
        "alert": trigger,
        "fingerprint": "",
        "status": status,
        "at": at,
        "starts_at": at,
        "ends_at": None,
        "severity": None,
        "silenced": None,
        "summary": None,
        "labels": json.dumps(labels, sort_keys=True, ensure_ascii=False),
        "withheld": 0,
    }


def _looks(record: bytes) -> bool:
    """A line about a resource in words of this controller. Others could be any program's: the source must name the format."""
    if b"resource" not in record and b"app" not in record:
        return False
    try:
        data = to_json(record) if begins(record) else record
        if not {"time", "level", "msg"} <= names(data):
            return False
        line = _line.decode(data)
    except (Unreadable, msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return "/" in (line.resource or line.app or "") and line.msg.startswith(_SAYS)


_line = msgspec.json.Decoder(Line)


class _Log(JsonFormat[Any]):
    """As any format of JSON, and of logfmt too."""

    def read(self, record: bytes, context: Context) -> Outcome:
        return super().read(to_json(record) if begins(record) else record, context)


FORMAT = _Log("argocd-notifications", 1, ("alerts",), Line, _rows, _looks)
