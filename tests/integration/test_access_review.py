"""A worksheet goes out, comes back filled in, and is the evidence by which the next quarter's access review is judged."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from audit import pipeline
from audit import tables as t
from audit.cli import main
from audit.controls import acc_03, runner
from audit.controls.examples import frames
from audit.export import worksheet as sheets
from audit.joins.rights import rights as rights_of
from audit.normalise import raw, roster
from audit.normalise.access_reviews import NAMES
from audit.normalise.interface import Context
from audit.normalise.reader import parse
from audit.period import Period
from audit.settings import load

SETTINGS = """
[organisation]
name = "NETBPF"
[people]
roster = "roster.yaml"
[access]
environments = { core = ["prod"] }
[[clusters]]
name = "prod"
environment = "prod"
"""
SOURCE = '[[sources]]\nname = "{name}"\nlocation = "file:{name}"\nexported_at = "{at}"\n{more}\n'
ROSTER = """people:
  - {id: ada, name: Ada, kind: person, team: core, role: lead, joined: 2020-01-01, identities: {kubernetes: [ada@x]}}
  - {id: grace, name: Grace, kind: person, team: core, role: lead, joined: 2020-01-01, identities: {git: [grace@x]}}
"""
HOSTILE = "=HYPERLINK(1)"


def bindings(*subjects: str) -> str:
    """A list of bindings to a role of each subject's own, as kubectl prints it."""
    api = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    items: list[dict[str, Any]] = [
        {
            **api,
            "kind": "ClusterRole",
            "metadata": {"name": "view"},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
        }
    ]
    for subject in subjects:
        items.append(
            {
                **api,
                "kind": "ClusterRoleBinding",
                "metadata": {"name": f"of {subject}", "creationTimestamp": "2026-01-05T00:00:00Z"},
                "roleRef": {"kind": "ClusterRole", "name": "view"},
                "subjects": [{"kind": "User", "name": subject}],
            }
        )
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def run(*arguments: str, folder: Path) -> int:
    return main([*arguments, "--settings", str(folder / "audit.toml")])


def stage(folder: Path, as_of: str, sources: str) -> None:
    """Collects and reads what the sources have."""
    (folder / "audit.toml").write_text(SETTINGS + sources, encoding="utf-8")
    assert run("collect", "--as-of", as_of, folder=folder) == 0
    assert run("mine", folder=folder) == 0
    assert run("build", folder=folder) == 0


def judged(folder: Path) -> tuple[pd.DataFrame, pd.Series]:
    """Decisions on rights by decision, and what ACC-03 comes to in 2026Q3: what `check` does, without all other controls."""
    settings, as_of = load(folder / "audit.toml"), datetime(2026, 10, 2, tzinfo=UTC)
    period = settings.quarter("2026Q3")
    tables = {name: t.empty(table) for name, table in t.TABLES.items()} | dict(
        pipeline.built(settings).tables
    )
    tables |= roster.read(folder / "roster.yaml")
    tables |= rights_of(tables, settings, period, as_of=as_of)
    made = runner.run(tables, settings, period, as_of=as_of, controls=(acc_03.CONTROL,))
    return tables["access_decisions"].set_index("decision"), made["conclusions"].iloc[0]


def fill_in(handed: Path, filled: Path, rows: list[dict[str, str]]) -> Path:
    """The workbook as a reviewer leaves it: days are days, and all else as it was handed out."""
    filled.parent.mkdir()
    book = openpyxl.load_workbook(handed)
    page = book["Rights"]
    for number, row in enumerate(rows, 2):
        for place, name in enumerate(sheets.COLUMNS, 1):
            if name in sheets.FILLED and row[name]:
                day = name in ("decided", "removed")
                page.cell(number, place, date.fromisoformat(row[name]) if day else row[name])
    book.save(filled)
    return filled


def reviewed(path: Path) -> list[dict[str, Any]]:
    """The rows that a filled worksheet gives, but for where they stand."""
    parsed = parse(path, Context("records", path.name))
    assert parsed.quarantined == []
    assert set(parsed.rows) == {"access_reviews"}
    return [
        {name: value for name, value in row.items() if name not in ("evidence", "line")}
        for row in parsed.rows["access_reviews"]
    ]


def test_a_worksheet_comes_back_as_evidence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "roster.yaml").write_text(ROSTER, encoding="utf-8")
    for name, held in (("june", ("ada@x", HOSTILE)), ("september", ("ada@x",))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rbac.json").write_text(bindings(*held), encoding="utf-8")
    june = SOURCE.format(name="june", at="2026-07-01T06:00:00Z", more='cluster = "prod"')
    stage(tmp_path, "2026-07-02T00:00:00Z", june)
    assert run("check", "--quarter", "2026Q2", folder=tmp_path) in (0, 1, 3)
    out = tmp_path / "out"
    asked = ("access-review", "--quarter", "2026Q2", "--output", str(out))
    capsys.readouterr()
    assert run(*asked, "--dry-run", "--json", folder=tmp_path) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rights"], told["systems"], told["files"]) == (2, {"prod": 2}, [])
    assert not out.exists()
    assert run(*asked, folder=tmp_path) == 0
    assert run(*asked, folder=tmp_path) == 2  # what is there is not written over
    rows = list(csv.DictReader(io.StringIO((out / "access-review.csv").read_text(encoding="utf-8"))))
    assert [row["subject"] for row in rows] == [f"'{HOSTILE}", "ada@x"]
    assert all(row[name] == "" for row in rows for name in sheets.FILLED)
    rows[0] |= {"decision": "revoke", "removed": "2026-07-12", "proof": "T-1"}
    rows[1] |= {"decision": "keep"}
    rows = [row | {"reviewer": "grace@x", "decided": "2026-07-10"} for row in rows]
    filled = fill_in(out / "access-review.xlsx", tmp_path / "records" / "filled.xlsx", rows)
    with (tmp_path / "filled.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    told = {path.suffix: reviewed(path) for path in (filled, tmp_path / "filled.csv")}
    assert told[".xlsx"] == told[".csv"]
    assert [row["subject"] for row in told[".xlsx"]] == [HOSTILE, "ada@x"]
    traced = raw.records(filled, filled.name, [3])[3]
    assert json.loads(bytes(traced))["right_id"] == rows[1]["right_id"]  # the row's own number leads to it
    later = SOURCE.format(name="september", at="2026-10-01T06:00:00Z", more='cluster = "prod"')
    later += SOURCE.format(name="records", at="2026-10-02T00:00:00Z", more="")
    stage(tmp_path, "2026-10-02T00:00:00Z", june + later)
    done, concluded = judged(tmp_path)
    assert done["right_id"].to_dict() == {row["decision"]: row["right_id"] for row in rows}
    assert done["outcome"].to_dict() == {"keep": "not asked", "revoke": "gone"}
    assert set(done["reviewer_person"]) == {"grace"}
    assert concluded[["conclusion", "population", "exceptions"]].tolist() == ["not tested", 5, 0]
    assert f":prod:{HOSTILE}:ClusterRole/view, so that the reviewer may be the same" in concluded["gaps"]
    assert "\n" not in concluded["gaps"]  # of the other right's holder somebody is known


def rights(**columns: object) -> pd.DataFrame:
    """One right of a list, with some columns of its own."""
    text = "access_rights\n| right_id | system_kind | system | holder | right | held | listed_at |\n"
    text += "| R-1 | cluster | prod | ada@x | ClusterRole/view | true | 2026-10-01 06:00 |\n"
    return frames(text)["access_rights"].assign(**columns)


def test_the_workbook_takes_no_formula_and_asks_for_known_decisions() -> None:
    tables = {"access_rights": rights(holder=HOSTILE), "people": t.empty(t.People)}
    sheet = sheets.worksheet(tables, Period.quarter("2026Q3"))
    made = sheets.as_workbook(sheet)
    assert made == sheets.as_workbook(sheet)
    with zipfile.ZipFile(io.BytesIO(made)) as book:
        page = book.read("xl/worksheets/sheet1.xml").decode()
        texts = book.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in page
    assert "HYPERLINK(1)" in texts
    assert '"keep,change,revoke"' in page
    assert 'state="frozen"' in page
    assert "<sheetProtection" in page


def test_without_lists_of_rights_there_is_nothing_to_review() -> None:
    tables = {"access_rights": rights(held=pd.array([pd.NA], dtype="boolean")), "people": t.empty(t.People)}
    with pytest.raises(Exception, match="no list of rights is in evidence"):
        sheets.worksheet(tables, Period.quarter("2026Q3"))


def test_no_column_of_the_worksheet_means_something_else_to_the_format_that_reads_it() -> None:
    for meaning, names in NAMES.items():
        assert len([name for name in names if name in sheets.COLUMNS]) == 1, meaning
