"""Webhooks of Alertmanager, and of Grafana in the same shape, and alerts of Alertmanager's API, to `alerts`.

While an alert fires it has no end: webhooks then say `0001-01-01`, and the API the time at which it would end were it
not heard of again. A webhook without alerts is noise.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from audit.normalise.interface import Context, Outcome, Row, Unreadable
from audit.normalise.jsonformat import JsonFormat, names
from audit.normalise.times import Time, utc

_SAID = ("summary", "description", "message")


class _State(msgspec.Struct):
    """Status of an alert of the API."""

    state: Literal["active", "suppressed", "unprocessed"]


class _Receiver(msgspec.Struct):
    name: str


class _Alert(msgspec.Struct):
    """One alert of a webhook."""

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    startsAt: Time
    annotations: dict[str, str] | None = None
    endsAt: Time | None = None
    fingerprint: str | None = None


class Message(msgspec.Struct):
    """A webhook's message, or an alert of the API; which one, `alerts` tells."""

    alerts: list[_Alert] | None = None
    receiver: str | None = None
    orgId: int | None = None
    truncatedAlerts: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] | None = None

    status: str | _State | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    startsAt: Time | None = None
    fingerprint: str | None = None
    receivers: list[_Receiver] | None = None


def _rows(message: Message, context: Context) -> Outcome:
    if message.alerts is not None:
        return _webhook(message, message.alerts, context)
    if not isinstance(message.status, _State) or message.labels is None or message.startsAt is None:
        raise Unreadable("neither a webhook with alerts nor an alert with status.state, labels and startsAt")
    at = utc(message.startsAt)
    row = row_of(
        context,
        "alertmanager",
        message.labels,
        message.annotations,
        receiver=",".join(sorted(receiver.name for receiver in message.receivers or ())) or None,
        fingerprint=message.fingerprint or "",
        status="firing",
        at=at,
        starts_at=at,
        silenced=message.status.state == "suppressed",
    )
    return Outcome([("alerts", row)], at)


def _webhook(message: Message, alerts: list[_Alert], context: Context) -> Outcome:
    rows: list[Row] = []
    for alert in alerts:
        starts, ends = utc(alert.startsAt), _end(alert)
        row = row_of(
            context,
            "grafana" if message.orgId is not None else "alertmanager",
            alert.labels,
            alert.annotations,
            receiver=message.receiver or None,
            fingerprint=alert.fingerprint or "",
            status=alert.status,
            at=ends or starts,
            starts_at=starts,
            ends_at=ends,
            withheld=message.truncatedAlerts or 0,
        )
        rows.append(row)
    return Outcome([("alerts", row) for row in rows], max((row["at"] for row in rows), default=None))


def _end(alert: _Alert) -> datetime | None:
    """When it was resolved; None while it fires."""
    if alert.status == "firing":
        return None
    if alert.endsAt is None or alert.endsAt.year == 1:
        raise Unreadable("a resolved alert without an end")
    return utc(alert.endsAt)


def row_of(
    context: Context,
    origin: str,
    labels: dict[str, str],
    annotations: dict[str, str] | None,
    *,
    status: str,
    at: datetime,
    fingerprint: str,
    alert: str | None = None,
    receiver: str | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    silenced: bool | None = None,
    withheld: int = 0,
) -> Row:
    """A row of `alerts`.

    Args:
        alert: its name; by default the label `alertname`.

    Raises:
        Unreadable: nothing names the alert.
    """
    name = alert or labels.get("alertname")
    if not name:
        raise Unreadable("an alert without a name")
    said = annotations or {}
    return {
        "cluster": labels.get("cluster") or context.cluster,
        "environment": labels.get("env") or labels.get("environment") or None,
        "origin": origin,
        "receiver": receiver,
        "alert": name,
        "fingerprint": fingerprint,
        "status": status,
        "at": at,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "severity": labels.get("severity") or None,
        "silenced": silenced,
        "summary": next((said[name] for name in _SAID if said.get(name)), None),
        "labels": json.dumps(labels, sort_keys=True, ensure_ascii=False),
        "withheld": withheld,
    }


def _looks(record: bytes) -> bool:
    if b'"startsAt"' not in record and b'"alerts"' not in record:
        return False
    found = names(record)
    return {"alerts", "receiver", "groupLabels"} <= found or {"startsAt", "labels", "status"} <= found


FORMAT = JsonFormat("alertmanager", 1, ("alerts",), Message, _rows, _looks)
