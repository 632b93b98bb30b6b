"""Workbook and Markdown say what the model says; hostile text stays text; two quarters are compared by what they say."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import re
import shutil
import typing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import report_tables
from markdown_it import MarkdownIt

from audit.cli import main
from audit.errors import UsageError
from audit.evidence import editions
from audit.evidence.store import Store
from audit.report import attached, forms, model, result
from audit.report.compared import compare
from audit.report.forms import markdown, page, workbook
from audit.report.shapes import Report

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@SUM(A1)",
    "<b>bold</b> | [x](http://example.org) `code`",
    "line\nbreak\r\tand \x00\x07\x1b control",
    "\u202eright to left\u202c \U0001f4a5",
    "w" * 40_000,
    "http://example.org/" + "a" * 3_000,
    "lone \ud800 surrogate",
    "2026-07-01",
    "007",
    "2026-02-31T00:00:00Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
]


def results(landings: int = 40, **changes: Any) -> dict[str, Any]:
    tables = report_tables.quarter(landings=landings)
    made = model.build(
        tables,
        report_tables.settings(),
        report_tables.PERIOD,
        as_of=report_tables.AS_OF,
        version="0.0.0",
        catalogue=report_tables.CATALOGUE,
    )
    return json.loads(result.to_json(made)) | changes


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    return results()


def opened(data: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data))


def test_every_sheet_holds_every_row_with_typed_cells(said: dict[str, Any]) -> None:
    book = opened(workbook.make(said))
    assert book.sheetnames == ["Summary", *workbook.SHEETS]
    for name, (key, _) in workbook.SHEETS.items():
        rows = list(workbook.rows(said, key))
        assert book[name].max_row == max(1, len(rows) + 1), name
        assert book[name].freeze_panes == "A2"
        assert book[name].auto_filter.ref is not None
    changes = book["Changes"]
    head = [cell.value for cell in changes[1]]
    place = head.index("Landed at (Europe/Berlin)")
    first = said["landings"][0]["landed_at"]
    local = datetime.fromisoformat(first).astimezone(ZoneInfo("Europe/Berlin"))
    found = changes.cell(2, place + 1).value
    assert isinstance(found, datetime)
    assert abs(found - local.replace(tzinfo=None)).total_seconds() < 1
    assert changes.cell(2, head.index("Files") + 1).value == said["landings"][0]["files"]
    assert changes.cell(2, head.index("Subject") + 1).value == said["landings"][0]["subject"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_every_form(said: dict[str, Any], text: str) -> None:
    rows = [{**row, "subject": text} for row in said["landings"][:1]]
    hostile = said | {"landings": rows, "organisation": text[:200]}
    sheet = opened(workbook.make(hostile))["Changes"]
    head = [cell.value for cell in sheet[1]]
    cell = sheet.cell(2, head.index("Subject") + 1)
    assert cell.data_type == "s"
    assert cell.hyperlink is None
    assert len(cell.value) <= workbook.LONGEST
    if len(text) > workbook.LONGEST:
        assert cell.value.endswith("cut: 40,000 characters, whole in results.json")
    written = forms.FORMS["markdown"][1](hostile).decode()
    heading = written.splitlines()[0]
    assert heading.startswith("# ")
    assert not re.search(r"(?<!\\)[<>|`\[\]@]", heading.removesuffix(heading[heading.rindex(" (") :]))


def test_the_same_results_give_the_same_bytes(said: dict[str, Any]) -> None:
    for _, make in forms.FORMS.values():
        assert make(said) == make(json.loads(json.dumps(said)))


def test_the_markdown_lists_every_control_with_its_counts(said: dict[str, Any]) -> None:
    text = forms.FORMS["markdown"][1](said).decode()
    matrix = text[text.index("## Controls") :].splitlines()
    for control in said["controls"]:
        (row,) = [line for line in matrix if line.startswith(f"| {control['id']} | ")]
        cells = [cell.strip() for cell in row.split(" | ")]
        assert cells[3] == f"{control['exception_count']:,}"
        assert cells[5].rstrip(" |").endswith(control["conclusion"])
    assert text.count(" exceptions |") == sum(c["conclusion"] == "exceptions" for c in said["controls"])


def test_the_markdown_says_who_must_act_by_when_and_what_got_worse(said: dict[str, Any]) -> None:
    first = said["controls"][0] | {"conclusion": "exceptions", "previous": "effective", "previous_open": 0}
    finding = said["summary"]["findings"][0] | {"owner": "platform | team", "due": "2026-11-15"}
    changed = said | {
        "classification": "Strictly *confidential*",
        "controls": [first, *said["controls"][1:]],
        "summary": said["summary"] | {"findings": [finding]},
    }
    text = forms.FORMS["markdown"][1](changed).decode()
    assert "\nClassification: Strictly \\*confidential\\*\n" in text
    (row,) = [
        line for line in text.splitlines() if line.startswith(f"| {finding['id']} | {finding['severity']} |")
    ]
    assert row.endswith("| platform \\| team | 2026-11-15 |")
    worse = text[text.index("## What got worse since 2026Q2") : text.index("## Controls")]
    assert f"- {first['id']} " in worse
    assert "effective (0 open) → exceptions (" in worse
    whole = {figure["title"]: figure for figure in said["figures"] if figure["dimension"] == "all"}
    fell = whole["Changes approved before merge"]
    assert (fell["value"] < fell["previous"]) == ("- Changes approved before merge: " in worse)


def test_the_markdown_mentions_refers_and_links_to_nobody(said: dict[str, Any]) -> None:
    """Also where a reader takes bare text for it: behind a backslash, GitHub still mentions."""
    hostile = "see www.evil.example, WWW.evil.example, @octocat, mail@evil.example and evil/repo#12"
    controls = [{**control, "title": hostile, "remedy": hostile} for control in said["controls"]]
    summary = said["summary"] | {"findings": controls[:1], "sentences": [hostile]}
    text = forms.FORMS["markdown"][1](
        said | {"organisation": hostile, "controls": controls, "summary": summary}
    ).decode()
    assert text.count("octocat") > 3
    assert not re.search(r"www\\?\.|@[\w-]|#\d", text, re.IGNORECASE)


def test_only_columns_of_times_hold_times(said: dict[str, Any]) -> None:
    """A pull request whose title is a time stays one with that title."""
    title = "2026-07-01T10:00:00Z"
    rows = [{**row, "subject": title} for row in said["landings"][:2]]
    sheet = opened(workbook.make(said | {"landings": rows}))["Changes"]
    head = [cell.value for cell in sheet[1]]
    assert sheet.cell(2, head.index("Subject") + 1).value == title
    assert isinstance(sheet.cell(2, head.index("Landed at (Europe/Berlin)") + 1).value, datetime)
    shown = page.make(said | {"landings": rows}).decode()
    assert f"<td>{title}</td>" in shown
    shapes = [shape for shape, _ in attached.rows(result.of_plain(said)).values()]
    texts = {field.name for shape in shapes for field in dataclasses.fields(shape)} - workbook.TIMES
    assert {"subject", "due", "title", "reason"} <= texts


def test_every_list_of_the_report_has_a_sheet_or_a_reason_why_not() -> None:
    lists = {name for name, hint in typing.get_type_hints(Report).items() if typing.get_origin(hint) is list}
    shown = {key for key, _ in workbook.SHEETS.values()}
    assert lists - shown == set(workbook.LEFT_OUT)
    assert shown - lists == {"exceptions", "findings", "drawn", "restated", "causes"}  # parts of the others
    assert len(lists) > 20


def test_what_is_nested_in_the_results_is_whole_in_its_sheets(said: dict[str, Any]) -> None:
    assert len(said["trends"]) > 3
    values = [
        (row["title"], row["series"], row["label"], row["value"]) for row in workbook.rows(said, "trends")
    ]
    assert values == [
        (trend["title"], series["name"], label, value)
        for trend in said["trends"]
        for series in trend["series"]
        for label, value in zip(trend["labels"], series["values"], strict=True)
    ]
    covered = list(workbook.rows(said, "coverage"))
    assert [row["hours"] for row in covered] == [sum(row["hours"]) for row in said["coverage"]]
    (short,) = [row["short_days"] for row in covered if row["hours"] < row["expected"]]
    assert len(short) > 1
    row = {
        "table": "landings", "subject": "s", "what": "changed", "column": "kind", "before": "a", "after": "b", "evidence": [],
    }  # fmt: skip
    cause = {"kind": "roster", "text": "somebody came", "objects": []}
    restates = {
        "number": 1,
        "as_of": said["as_of"],
        "made_at": said["as_of"],
        "rows": [row],
        "causes": [cause],
    }
    book = opened(workbook.make(said | {"restates": restates}))
    assert [cell.value for cell in book["Restated"][2]][:4] == ["landings", "s", "changed", "kind"]
    assert [cell.value for cell in book["Causes"][2]][:2] == ["roster", "somebody came"]


def test_all_forms_name_the_same_first_finding_its_owner_and_its_day(said: dict[str, Any]) -> None:
    control = next(one for one in said["controls"] if one["exceptions"])
    must = {"owner": "platform team", "due": "2026-11-15"}
    row = control["exceptions"][0] | must
    first = control | must | {"exceptions": [row, *control["exceptions"][1:]]}
    changed = said | {
        "controls": [first if one is control else one for one in said["controls"]],
        "summary": said["summary"] | {"findings": [first]},
    }
    book = opened(workbook.make(changed))
    for sheet, name in (("Findings", first["id"]), ("Exceptions", row["exception_id"])):
        head = [cell.value for cell in book[sheet][1]]
        (cells,) = [line for line in book[sheet].iter_rows(min_row=2, values_only=True) if name in line]
        told = dict(zip(head, cells, strict=True))
        assert (told["Owner"], told["Due"]) == ("platform team", "2026-11-15")
    lines = [cell.value for cell in book["Summary"]["B"]]
    assert f"{first['title']}. → {first['remedy']} (owner: platform team; due: 2026-11-15)" in lines
    shown = page.make(changed).decode()
    for name in (first["id"], row["exception_id"]):
        (line,) = [
            found
            for found in re.findall(r"<tr>(?:(?!</tr>).)*</tr>", shown, re.DOTALL)
            if f'<th scope="row">{name}</th>' in found
        ]
        assert "<td>platform team</td>" in line
        assert "<td>2026-11-15</td>" in line
    text = forms.FORMS["markdown"][1](changed).decode()
    start = f"| {first['id']} | {first['severity']}"
    (line,) = [each for each in text.splitlines() if each.startswith(start)]
    assert line.endswith("| platform team | 2026-11-15 |")


def test_what_is_no_results_is_named(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    with pytest.raises(UsageError, match=r"audit check --quarter 2026Q2, then audit report --quarter 2026Q2"):
        forms.load(path, "2026Q2")
    path.write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match="is not JSON"):
        forms.load(path, "2026Q2")
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(UsageError, match="no results of a report"):
        forms.load(path, "2026Q2")


def _tiny(quarter: str, conclusion: str, ids: list[str], value: float | None, source: str) -> dict[str, Any]:
    return {
        "quarter": quarter,
        "edition": 1 if value else 0,
        "as_of": "2026-10-05T06:00:00Z",
        "controls": [
            {
                "id": "CHG-01",
                "conclusion": conclusion,
                "design": "set",
                "operation": conclusion,
                "population": 7 if value else None,
                "exception_count": len(ids),
                "waived_count": 0,
                "gaps": [] if value else ["one", "two"],
                "exceptions": [{"exception_id": i} for i in ids],
            }
        ],
        "figures": [
            {"metric": "lead", "title": "Lead time", "unit": "h", "dimension": "all", "value": value}
        ],
        "sources": [{"name": source}],
    }


def test_two_quarters_are_compared_by_what_they_say() -> None:
    found = compare(
        _tiny("2026Q2", "effective", ["a", "b"], None, "old"),
        _tiny("2026Q3", "exceptions", ["b", "c"], 2.0, "new"),
    )
    assert found.conclusions == [("CHG-01", "effective", "exceptions")]
    assert found.before_is == "draft, up to 2026-10-05T06:00:00Z"
    assert found.after_is == "edition 1, up to 2026-10-05T06:00:00Z"
    assert found.aspects == [
        ("CHG-01", "operation", "effective", "exceptions"),
        ("CHG-01", "population", None, 7),
        ("CHG-01", "gaps", 2, 0),
    ]
    assert (found.new, found.gone, found.repeated) == (["c"], ["a"], ["b"])
    assert found.figures == [("lead", "Lead time", "h", None, 2.0)]
    assert found.sources == [("new", "came"), ("old", "went")]
    same = compare(_tiny("q", "effective", ["a"], 1, "s"), _tiny("q", "effective", ["a"], 1, "s"))
    assert (same.conclusions, same.aspects, same.new, same.gone, same.figures, same.sources) == ([],) * 6


def test_commands_convert_and_compare_reported_quarters(
    tmp_path: Path, said: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "audit.toml").write_text('[organisation]\nname = "ACME"\n', encoding="utf-8")
    for label in ("2026Q2", "2026Q3"):
        folder = tmp_path / "audit-store" / "quarters" / label
        folder.mkdir(parents=True)
        (folder / "results.json").write_text(json.dumps(said | {"quarter": label}), encoding="utf-8")
    at = ["-s", str(tmp_path / "audit.toml")]
    assert main(["convert", "-q", "2026Q3", "--to", "xlsx", "--to", "markdown", *at, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert Path(made["xlsx"]).read_bytes() == workbook.make(said | {"quarter": "2026Q3"})
    assert Path(made["markdown"]).name == "summary.md"
    assert (
        main(
            ["convert", "-q", "2026Q3", "--to", "csv", "--to", "parquet", *at, "-o", str(tmp_path / "tables")]
        )
        == 0
    )
    assert capsys.readouterr().out.split() == [str(tmp_path / "tables" / kind) for kind in ("csv", "parquet")]
    written = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "tables").glob("*/*")
    }
    assert written == {each["name"]: each["sha256"] for each in said["attachments"]}
    assert sorted(path.name for path in Path(made["xlsx"]).parent.iterdir()) == [
        "report.xlsx",
        "results.json",
        "summary.md",
    ]
    assert main(["diff", "2026Q2", "2026Q3", *at]) == 0
    assert re.match(r"2026Q2 \((draft|edition \d), up to .*\) → 2026Q3 \(", capsys.readouterr().out)
    assert main(["diff", "2026Q1", "2026Q3", *at]) == 2


def test_a_frozen_edition_is_compared_and_not_what_was_rendered_after_it(
    tmp_path: Path, said: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "audit.toml").write_text('[organisation]\nname = "ACME"\n', encoding="utf-8")
    store = Store(tmp_path / "audit-store")
    made = tmp_path / "made"
    (made / "tables").mkdir(parents=True)
    (made / "report.pdf").write_bytes(b"%PDF")
    (made / "results.json").write_text(json.dumps(said | {"edition": 1}), encoding="utf-8")
    moment = datetime(2026, 10, 5, tzinfo=UTC)
    editions.freeze(store, made, said["quarter"], editions.Facts(moment, moment, "1", "0" * 64, {}))
    later = store.root / "quarters" / said["quarter"]
    later.mkdir(parents=True)
    (later / "results.json").write_text(json.dumps(said | {"edition": 0, "controls": []}), encoding="utf-8")
    at = ["-s", str(tmp_path / "audit.toml"), "--json"]
    assert main(["diff", said["quarter"], said["quarter"], *at]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["before_is"] == found["after_is"] == f"edition 1, up to {said['as_of']}"
    assert found["conclusions"] == []
    shutil.rmtree(later)
    assert main(["diff", said["quarter"], said["quarter"], *at]) == 0


def test_a_comparison_prints_figures_as_the_report_does_and_json_has_them_raw(
    tmp_path: Path, said: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "audit.toml").write_text('[organisation]\nname = "ACME"\n', encoding="utf-8")
    figure = next(row for row in said["figures"] if row["dimension"] == "all")
    units = {"hours": (26.0, 50.5), "share": (0.5, 0.975), "changes": (12345.0, 678.0)}
    for number, label in enumerate(("2026Q2", "2026Q3")):
        figures = [
            figure | {"metric": unit, "title": f"In {unit}", "unit": unit, "value": values[number]}
            for unit, values in units.items()
        ]
        folder = tmp_path / "audit-store" / "quarters" / label
        folder.mkdir(parents=True)
        (folder / "results.json").write_text(
            json.dumps(said | {"quarter": label, "figures": figures}), encoding="utf-8"
        )
    at = ["diff", "2026Q2", "2026Q3", "-s", str(tmp_path / "audit.toml")]
    assert main(at) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in lines if line.startswith("  In ")] == [
        "In changes: 12,345 → 678",
        "In hours: 26 h → 2 d 2 h",
        "In share: 50.0% → 97.5%",
    ]
    assert main([*at, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["figures"] == [
        [unit, f"In {unit}", unit, *units[unit]] for unit in sorted(units)
    ]


PLAIN = [
    "CHG-03: every change is approved (by 2 others); see a_b, v1.2.3 - and 95% of 12:30",
    "3 of 4 controls failed! 2026Q3 + {x} = y, R&D",
]
MARKUP = [
    "- a list", "+ a list", "1. a list", "12) a list", "123456789) a list", "12345. a list", "# a heading", "> a quotation", "--- a rule", "=== a heading", "* a list",
    "_so_ and __so__", "a *b* c", "~~gone~~", "`code`", "[a](b)", "![a](b)", "<b>a</b>", "&lt; and &#60;", "a\\*b", "a | b",
    "http://example.org", ":skull:", "mailto:a", "_", "foo_(bar)_", "***", "___",
]  # fmt: skip


def test_only_what_markdown_takes_for_markup_is_escaped_and_all_of_it_is() -> None:
    """A parser of Markdown says what it takes for markup, with tables and struck out text."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for text in PLAIN:
        assert "\\" not in markdown.escape(text), markdown.escape(text)
    for text in [*PLAIN, *MARKUP]:
        for lead in ("", "- "):
            read = parser.parse(lead + markdown.escape(text))
            inline = [one for one in read if one.type == "inline"]
            kinds = {child.type for one in inline for child in one.children or []}
            assert kinds <= {"text", "text_special"}, (text, kinds)
            assert "".join(child.content for one in inline for child in one.children or []) == text
            assert len(read) == (7 if lead else 3), text
    for text in ("http://example.org", ":skull:", "mailto:a"):  # where GitHub sees more than Markdown does
        assert markdown.escape(text) == text.replace(":", "\\:", 1)
