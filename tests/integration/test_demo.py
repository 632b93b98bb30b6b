"""`audit demo`: an organisation acts, a real S3 server serves its evidence, and the report is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit.cli import main
from tests.integration.conftest import PRISTINE, Ran


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_demonstration_ends_well_and_pulls_nothing_twice_and_a_stick_gives_the_same(
    pristine: Path, ran: Ran, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made = [f"--{name.replace('_', '-')}={value}" for name, value in PRISTINE.items()]
    arguments = ["demo", "--output", str(tmp_path), *made, "--json"]
    assert main(arguments) == 0
    first = json.loads(capfd.readouterr().out)
    assert first["exit_code"] == 1
    report = Path(first["files"]["report.pdf"])
    store = report.parents[2]
    before, manifests = report.read_bytes(), sorted((store / "manifests").iterdir())

    assert first["report"].pop("new")
    assert main(arguments) == 0
    second = json.loads(capfd.readouterr().out)
    assert not second["report"].pop("new")
    assert second == first
    assert report.read_bytes() == before
    assert sorted((store / "manifests").iterdir()) == manifests

    # The same evidence as an export on a USB stick.
    assert _files(store.parent / "evidence") == _files(pristine / "evidence")
    assert "s3://audit/" in (store.parent / "audit.toml").read_text(encoding="utf-8")
    assert "file:evidence/" in (ran.folder / "audit.toml").read_text(encoding="utf-8")
    on_a_stick, in_a_bucket = (
        {each["control"]: each for each in printed["conclusions"]} for printed in (ran.printed, first)
    )
    there, here = on_a_stick.pop("EVD-04"), in_a_bucket.pop("EVD-04")
    assert on_a_stick == in_a_bucket
    assert (
        there["exceptions"] == here["exceptions"]
    )  # but a folder can't prove that nothing was replaced in it
    assert "have no version" in there["gaps"]
    assert "have no version" not in here["gaps"]
    assert ran.printed["most_important"] == first["most_important"]
