"""Messages of the real Alertmanager are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit.normalise.interface import Context
from audit.normalise.reader import parse


@pytest.mark.parametrize("format", ["auto", "alertmanager"])
def test_alertmanager_webhooks(data: Path, format: str) -> None:
    """One of one, pretty-printed, with one alert that still fires."""
    paths = sorted((data / "alertmanager").glob("*.json"))
    assert len(paths) == 1
    for path in paths:
        sent = json.loads(path.read_text(encoding="utf-8"))
        parsed = parse(path, Context("samples", path.name), format=format)
        assert (parsed.records, parsed.kept, parsed.quarantined) == (1, 1, [])
        rows = parsed.rows["alerts"]
        assert [row["fingerprint"] for row in rows] == [alert["fingerprint"] for alert in sent["alerts"]]
        assert [(row["alert"], row["severity"], row["status"], row["ends_at"]) for row in rows] == [
            ("HighValue", "high", "firing", None)
        ]
        assert [json.loads(row["labels"]) for row in rows] == [alert["labels"] for alert in sent["alerts"]]
