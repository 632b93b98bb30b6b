"""`audit demo`: an organisation acts, a real S3 server serves its evidence, and the report is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit.cli import main


def test_the_demonstration_ends_well_and_its_second_run_pulls_nothing(
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
    report = Path(first["files"]["report.pdf"])
    before = report.read_bytes()
    manifests = sorted(report.parents[2].joinpath("manifests").iterdir())
    assert main(arguments) == 0
    second = json.loads(capfd.readouterr().out)
    assert first == second
    assert report.read_bytes() == before
    assert sorted(report.parents[2].joinpath("manifests").iterdir()) == manifests
    assert first["exit_code"] == 1


def test_s3_and_folders_give_the_same_findings(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The USB stick and the bucket: the evidence is the same, so the findings are."""
    assert (
        main(
            [
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
        )
        == 0
    )
    served = json.loads(capfd.readouterr().out)
    organisation = Path(served["folder"]).parents[2]
    text = (organisation / "audit.toml").read_text(encoding="utf-8")
    assert "s3://" in text
    (organisation / "stick.toml").write_text(
        text.replace("s3://audit/", "file:evidence/").replace("audit-store", "stick-store"), encoding="utf-8"
    )
    assert "file:evidence/" in (organisation / "stick.toml").read_text(encoding="utf-8")
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
    assert code == 1
    stick = json.loads(capfd.readouterr().out)
    assert stick["conclusions"] == served["conclusions"]
    assert stick["most_important"] == served["most_important"]
