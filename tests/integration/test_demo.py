"""`audit demo`: an organisation acts, a real S3 server serves its evidence, and the report is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit.cli import main


def test_the_demonstration_ends_well_and_pulls_nothing_twice_and_a_stick_gives_the_same(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "demo",
        "--output",
        str(tmp_path),
        "--seed",
        "4",
        "--changes",
        "60",
        "--log-events",
        "2000",
        "--json",
    ]
    assert main(arguments) == 0
    first = json.loads(capfd.readouterr().out)
    assert first["exit_code"] == 1
    report = Path(first["files"]["report.pdf"])
    store = report.parents[2]
    before, manifests = report.read_bytes(), sorted((store / "manifests").iterdir())

    assert main(arguments) == 0
    assert json.loads(capfd.readouterr().out) == first
    assert report.read_bytes() == before
    assert sorted((store / "manifests").iterdir()) == manifests

    # The same evidence as an export on a USB stick.
    organisation = store.parent
    text = (organisation / "audit.toml").read_text(encoding="utf-8")
    stick = text.replace("s3://audit/", "file:evidence/").replace("audit-store", "stick-store")
    assert stick != text
    (organisation / "stick.toml").write_text(stick, encoding="utf-8")
    code = main(
        [
            "run",
            "--quarter",
            "2026Q3",
            "--settings",
            str(organisation / "stick.toml"),
            "--as-of",
            "2026-10-05T06:00:00Z",
            "--json",
        ]
    )
    found = json.loads(capfd.readouterr().out)
    assert code == 1
    assert found["conclusions"] == first["conclusions"]
    assert found["most_important"] == first["most_important"]
