"""`audit sample`: from a checked quarter to packets, and from a filled sheet to a limit."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from audit import pipeline, sampling
from audit.cli import main
from audit.errors import ExitCode, UsageError
from audit.pipeline import Run
from audit.sampling.packets import as_markdown
from audit.settings import Settings, load
from audit.trace.shapes import Item
from tests.integration.conftest import Ran


@pytest.fixture(scope="module")
def settings(ran: Ran) -> Settings:
    return load(ran.folder / "audit.toml")


@pytest.fixture(scope="module")
def checked(settings: Settings) -> Run:
    return pipeline.checked(settings, settings.quarter("2026Q3"))


def _draw(ran: Ran, folder: Path, *more: str) -> int:
    where = ["--settings", str(ran.folder / "audit.toml"), "--output", str(folder)]
    return main(["sample", "--quarter", "2026Q3", "--tolerable", "0.2", *where, *more])


@pytest.fixture(scope="module")
def drawn(ran: Ran, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample of changes; tests that fill it in take a copy."""
    folder = tmp_path_factory.mktemp("drawn") / "sample"
    assert _draw(ran, folder, "--seed", "7") == ExitCode.CLEAN
    return folder


def _sheet(folder: Path) -> list[dict[str, str]]:
    with (folder / "sample.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _fill(folder: Path, results: list[str]) -> Path:
    rows = _sheet(folder)
    with (folder / "filled.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | {"result": result} for row, result in zip(rows, results, strict=True))
    return folder / "filled.csv"


def _said(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return dict(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("population", sampling.POPULATIONS)
def test_every_population_is_numbered_and_its_rows_may_lie_as_they_like(
    checked: Run, settings: Settings, population: str
) -> None:
    """Every item has its own name and number, and what it is called leads to evidence."""
    shuffled = {name: rows.sample(frac=1, random_state=1) for name, rows in checked.tables.items()}
    found = sampling.numbered(population, checked.tables, settings, checked.period, checked.as_of)
    assert found.equals(sampling.numbered(population, shuffled, settings, checked.period, checked.as_of))
    assert found["number"].tolist() == list(range(1, len(found) + 1))
    assert found["subject"].is_unique
    assert len(found) > 0


def test_changes_and_exceptions_are_all_there(checked: Run, settings: Settings) -> None:
    landings = checked.tables["landings"]
    inside = landings[checked.period.holds(landings["landed_at"])]
    changes = sampling.numbered("changes", checked.tables, settings, checked.period, checked.as_of)
    assert set(changes["subject"]) == set(inside["repo"] + "@" + inside["head_sha"])
    exceptions = sampling.numbered("exceptions", checked.tables, settings, checked.period, checked.as_of)
    assert set(exceptions["subject"]) == set(checked.tables["exceptions"]["exception_id"])


def test_the_same_seed_writes_the_same_bytes_and_another_does_not(
    ran: Ran, drawn: Path, tmp_path: Path
) -> None:
    assert _draw(ran, tmp_path / "again", "--seed", "7") == ExitCode.CLEAN
    assert _draw(ran, tmp_path / "other", "--seed", "8") == ExitCode.CLEAN
    files = {path.relative_to(drawn): path.read_bytes() for path in drawn.rglob("*") if path.is_file()}
    again = {one: (tmp_path / "again" / one).read_bytes() for one in files}
    assert again == files
    assert _sheet(tmp_path / "other") != _sheet(drawn)


def test_each_item_has_a_packet_with_all_that_the_evidence_says(drawn: Path, checked: Run) -> None:
    """Its landing, its pull request with reviews and checks, where the evidence lies, and columns to tick."""
    plan = json.loads((drawn / "plan.json").read_text(encoding="utf-8"))
    rows = _sheet(drawn)
    assert len(rows) == plan["size"]
    assert {row["result"] for row in rows} == {""}
    roles = set()
    changes = checked.tables["changes"].set_index(["repo", "head_sha"])
    for row in rows:
        packet = json.loads((drawn / row["packet"]).with_suffix(".json").read_text(encoding="utf-8"))
        assert packet["item"]["subject"] == row["subject"]
        own = {item["role"] for item in packet["evidence"]}
        assert "landing" in own
        repo, sha = row["subject"].split("@")
        assert ("pull request" in own) == ((repo, sha) in changes.index)
        assert all(
            item["pointers"] for item in packet["evidence"] if item["role"] in ("landing", "review", "check")
        )
        assert {item["tick"] for item in packet["evidence"]} == {""}
        assert len(packet["attributes"]) == 4
        text = (drawn / row["packet"]).read_text(encoding="utf-8")
        assert all(
            item["pointers"][0].split(":")[0][:60] in text
            for item in packet["evidence"]
            if item["role"] == "review"
        )
        roles |= own
    assert {"pull request", "review", "check", "deployment"} <= roles


@pytest.mark.parametrize("population", ["deployments", "writes", "exceptions"])
@pytest.mark.parametrize("method", ["environment", "targets"])
def test_packets_of_every_population_hold_evidence(
    ran: Ran, tmp_path: Path, population: str, method: str
) -> None:
    code = _draw(ran, tmp_path / "sample", "--population", population, "--method", method)
    assert code == ExitCode.CLEAN
    packets = [json.loads(path.read_bytes()) for path in (tmp_path / "sample" / "packets").glob("*.json")]
    assert packets
    assert all(packet["evidence"] for packet in packets)


def test_a_sample_without_deviations_meets_what_it_was_made_for(
    drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(drawn, tmp_path / "sample")
    rows = _sheet(drawn)
    filled = _fill(tmp_path / "sample", ["Pass "] * len(rows))
    assert main(["sample", "--evaluate", str(filled), "--json"]) == ExitCode.CLEAN
    said = _said(capsys)
    assert (said["examined"], said["deviations"], said["met"]) == (len(rows), 0, True)
    assert said["rate"] < 0.2
    cells = list(csv.reader(filled.read_text(encoding="utf-8").splitlines()))
    with filled.open(
        "w", encoding="utf-8-sig", newline=""
    ) as file:  # as a spreadsheet of another country writes it
        csv.writer(file, delimiter=";").writerows([*cells, [""] * len(cells[0])])
    assert main(["sample", "--evaluate", str(filled)]) == ExitCode.CLEAN
    assert "less than is tolerated" in capsys.readouterr().out


def test_what_could_not_be_determined_counts_as_a_deviation(
    drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(drawn, tmp_path / "sample")
    results = ["deviation", "not determined"] + ["pass"] * (len(_sheet(drawn)) - 2)
    assert (
        main(["sample", "--evaluate", str(_fill(tmp_path / "sample", results)), "--json"])
        == ExitCode.FINDINGS
    )
    said = _said(capsys)
    assert (said["deviations"], said["undetermined"], said["met"]) == (2, 1, False)


@pytest.mark.parametrize(
    "what", ["left empty", "left out", "moved", "renamed", "hits", "columns", "cells", "binary"]
)
def test_a_sheet_that_is_not_the_one_drawn_is_refused(
    drawn: Path, tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the file, and the line where there is one; nobody's work is evaluated by half."""
    shutil.copytree(drawn, tmp_path / "sample")
    count = len(_sheet(drawn))
    filled = _fill(tmp_path / "sample", ["pass"] * count)
    lines = filled.read_bytes().splitlines(keepends=True)
    cells = lines[1].split(b",")
    broken = {
        "left empty": [*lines[:1], lines[1].replace(b"pass", b""), *lines[2:]],
        "left out": lines[:-1],
        "moved": [lines[0], lines[2], lines[1], *lines[3:]],
        "renamed": [lines[0], lines[1].replace(cells[1], b"netbpf/other@0"), *lines[2:]],
        "hits": [lines[0], lines[1].replace(b",1,packets", b",2,packets"), *lines[2:]],
        "columns": [lines[0].replace(b"hits", b"strikes"), *lines[1:]],
        "cells": [lines[0], lines[1].replace(b"pass", b"pass,pass"), *lines[2:]],
        "binary": [b"\xff\xfe", *lines],
    }
    filled.write_bytes(b"".join(broken[what]))
    assert main(["sample", "--evaluate", str(filled)]) == ExitCode.USAGE
    error = capsys.readouterr().err
    assert "filled.csv" in error
    assert "Remedy:" in error


@pytest.mark.parametrize("content", [b"[" * 100_000, b"{}", b"\xff", b"[]"])
def test_a_plan_that_is_none_is_refused(drawn: Path, tmp_path: Path, content: bytes) -> None:
    shutil.copytree(drawn, tmp_path / "sample")
    filled = _fill(tmp_path / "sample", ["pass"] * len(_sheet(drawn)))
    (tmp_path / "sample" / "plan.json").write_bytes(content)
    with pytest.raises(UsageError, match=r"plan\.json: is no plan"):
        sampling.evaluate(filled)


@pytest.mark.parametrize(
    "arguments",
    [["--method", "hunch"], ["--population", "people"], ["--confidence", "95"], ["--expected", "0.3"]],
)
def test_what_can_not_be_drawn_makes_nothing(ran: Ran, tmp_path: Path, arguments: list[str]) -> None:
    assert _draw(ran, tmp_path / "sample", *arguments) == ExitCode.USAGE
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(ran: Ran, drawn: Path) -> None:
    before = sorted(path.name for path in drawn.iterdir())
    assert _draw(ran, drawn) == ExitCode.USAGE
    assert sorted(path.name for path in drawn.iterdir()) == before


def test_no_text_of_the_evidence_becomes_markup() -> None:
    """Links, tables and lines of its own stay text, and control characters are shown."""
    row = {"number": 1, "subject": "a", "at": "", "environment": "", "targets": 0, "says": "x"}
    nasty = Item("review", "![a](b)", "", "one | two\n# three <b>\x1b[2J\u202egnp", ("c:1",))
    text = as_markdown(row, [nasty], "changes").decode()
    (line,) = (line for line in text.splitlines() if "review" in line and "c:1" in line)
    assert line == r"| | review | \!\[a\](b) |  | one \| two\\n\# three \<b\>\\x1b\[2J\\u202egnp | c:1 |"
