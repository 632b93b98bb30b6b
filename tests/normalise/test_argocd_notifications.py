"""What Argo CD notified whom of: lines of the controller's log, and the note on an Application."""

from __future__ import annotations

import json
from typing import Any

import pytest
from evidence_records import VALID, lines, parse_bytes
from operator_records import NOTIFICATION

from audit.normalise.argocd_notifications import NOTE

LABELS = {"name": "web", "namespace": "argocd", "recipient": "deploys", "service": "slack"}
(APPLICATION, *_) = VALID["argocd-application"]
NAME = APPLICATION["metadata"]["namespace"], APPLICATION["metadata"]["name"]


def said(msg: str, **changes: Any) -> dict[str, Any]:
    return NOTIFICATION | {"msg": msg} | changes


def alerts(data: bytes) -> list[dict[str, Any]]:
    parsed = parse_bytes(data)
    assert parsed.quarantined == []
    return parsed.rows.get("alerts", [])


@pytest.mark.parametrize("field", ["resource", "app"])
@pytest.mark.parametrize("ending", ["", " using the configuration in namespace argocd"])
def test_a_notification_that_was_sent_is_an_alert_by_its_trigger(field: str, ending: str) -> None:
    """Times with an offset, and lines of older versions, too."""
    record = {name: value for name, value in NOTIFICATION.items() if name != "resource"}
    text = "Sending notification about condition 'on-sync-failed.[0].yJx2Kq-8' to '{slack deploys}'" + ending
    (row,) = alerts(lines(record | {field: "argocd/web", "msg": text}))
    assert (row["origin"], row["alert"], row["status"], row["cluster"]) == (
        "argocd",
        "on-sync-failed",
        "firing",
        "prod",
    )
    assert (row["receiver"], json.loads(row["labels"])) == ("slack:deploys", LABELS)
    assert row["at"].isoformat() == row["starts_at"].isoformat() == "2026-07-01T09:00:00+00:00"


def test_logfmt_says_the_same() -> None:
    text = f'time="{NOTIFICATION["time"]}" level=info msg="{NOTIFICATION["msg"]}" resource=argocd/web\n'
    (there,), (here,) = alerts(lines(NOTIFICATION)), alerts(text.encode())
    assert {**there, "evidence": ""} == {**here, "evidence": ""}


@pytest.mark.parametrize("what", ["resource", "app"])
def test_a_sending_that_failed_says_of_whom_and_nothing_of_why(what: str) -> None:
    """Errors may hold addresses with tokens in them."""
    text = f"Failed to notify recipient {{slack deploys}} defined in {what} argocd/web: Post https://hooks.example/pretend-token"
    (row,) = alerts(lines(said(text, level="error")))
    assert (row["status"], json.loads(row["labels"])) == ("error", LABELS)
    assert "pretend-token" not in str(row)


@pytest.mark.parametrize(
    "text",
    [
        "Start processing",
        "Trigger on-sync-failed result: [{[0].x [app-sync-failed] true}]",
        "Notification about condition 'on-sync-failed.[0].x' already sent to '{slack deploys}'",
        "Processing completed",
    ],
)
def test_what_sends_nothing_is_noise(text: str) -> None:
    parsed = parse_bytes(lines(said(text)))
    assert (parsed.noise, parsed.formats) == (1, {"argocd-notifications"})


def test_a_notification_about_nothing_is_refused() -> None:
    (refused,) = parse_bytes(
        lines(said(NOTIFICATION["msg"], resource="")), format="argocd-notifications"
    ).quarantined
    assert "neither resource nor app" in refused[2]


def _noted(note: str) -> dict[str, Any]:
    metadata = APPLICATION["metadata"] | {"annotations": {NOTE: note}}
    return APPLICATION | {"metadata": metadata}


def test_what_is_noted_on_an_application_was_sent() -> None:
    """With what it is told once for, and without."""
    note = {
        "3b7a1c:on-deployed:[0].y7b5:slack:deploys": 1782900000,
        "on-sync-failed:[0].yJx2:email:ops@netbpf.com": 1782900060,
        "argocd:3b7a1c:on-deployed:[1].y7b5:webhook:": 1782900120,
    }
    rows = sorted(alerts(lines(_noted(json.dumps(note)))), key=lambda row: row["at"])
    assert [(row["alert"], row["receiver"]) for row in rows] == [
        ("on-deployed", "slack:deploys"), ("on-sync-failed", "email:ops@netbpf.com"), ("on-deployed", "webhook:")
    ]  # fmt: skip
    assert rows[0]["at"].isoformat() == "2026-07-01T10:00:00+00:00"
    assert {(json.loads(row["labels"])["namespace"], json.loads(row["labels"])["name"]) for row in rows} == {
        NAME
    }


@pytest.mark.parametrize(
    ("note", "sent", "why"),
    [
        ("{", 0, "annotation"),
        ('{"a": "b"}', 0, "annotation"),
        ('{"a:b": 1, "t:[0].x:s:r": 1782900000}', 1, "does not name trigger"),
        ('{"t:[0].x:s:r": 1e300}', 0, "not a time"),
    ],
)
def test_a_note_that_can_not_be_read_costs_nothing_else(note: str, sent: int, why: str) -> None:
    parsed = parse_bytes(lines(_noted(note)))
    assert len(parsed.rows.get("alerts", [])) == sent
    assert (len(parsed.rows["applications"]), len(parsed.quarantined)) == (1, 1)
    assert why in parsed.quarantined[0][2]
    assert parsed.records == parsed.kept + parsed.noise + 1
