"""What evidence says is shown on the terminal, and never obeyed, by whatever command."""

from __future__ import annotations

import io
import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import audit
from audit import narrate, screen
from audit.errors import EvidenceMissing, ExitCode
from audit.parse import Found
from audit.terminal import Terminal, harmless_json, tell
from audit.trace import Trace
from audit.trace.shapes import Item, Raw

HOSTILE = "a\x1b[31mred \x1b]52;c;aGk=\x07 \u202eltr\u2066 \x9b2J \x7f [bold]b[/bold] :skull: \U000e0041\nMissing: nothing"
SHOWN = (
    r"a\u001b[31mred \u001b]52;c;aGk=\u0007 \u202eltr\u2066 \u009b2J \u007f [bold]b[/bold] :skull: \U000e0041"
)
"""The same, as it is shown up to the end of its line."""


def terminal() -> tuple[Terminal, io.StringIO]:
    """A terminal without colours, wide enough for every line."""
    file = io.StringIO()
    return Terminal(file=file, force_terminal=True, color_system=None, width=4000), file


def require_harmless(text: str, times: int) -> None:
    """Every hostile text is there, and nothing that steers."""
    assert text.count(SHOWN) >= times
    assert all(each.isprintable() or each == "\n" for each in text)
    assert not re.search(r"^Missing: nothing", text, re.MULTILINE)


def test_a_run_shows_subjects_findings_gaps_and_problems_as_they_are() -> None:
    out, file = terminal()
    conclusion = {
        "control": "CHG-01", "title_text": HOSTILE, "population": 3, "exceptions": 1, "waived": 0,
        "conclusion": "exceptions", "gaps": HOSTILE,
    }  # fmt: skip
    exception = {
        "control": "CHG-01",
        "severity": "high",
        "subject": HOSTILE,
        "found": HOSTILE,
        "waiver": None,
    }
    tables = {"conclusions": pd.DataFrame([conclusion]), "exceptions": pd.DataFrame([exception])}
    run: Any = SimpleNamespace(
        tables=tables,
        period=SimpleNamespace(label="2026Q3"),
        folder=Path("here"),
        problems=[EvidenceMissing(HOSTILE.replace("\n", " "), remedy="look")],
        published=None,
        as_of=datetime(2026, 10, 5, tzinfo=UTC),
        exit_code=ExitCode.FINDINGS,
    )
    screen.show_run(out, run, as_json=False, every=True)
    require_harmless(file.getvalue(), 4)
    assert "Statement" in file.getvalue()


def test_a_run_tells_in_few_lines_what_matters_and_where_the_rest_is() -> None:
    out, file = terminal()
    many = [("exceptions", 12), ("not tested", 20), ("effective", 9)]
    conclusions = pd.DataFrame(
        {
            "control": [f"{kind[:3].upper()}-{n:02}" for kind, count in many for n in range(count)],
            "title_text": "A statement",
            "population": 3,
            "exceptions": 1,
            "waived": 0,
            "conclusion": [kind for kind, count in many for _ in range(count)],
            "gaps": "a gap",
        }
    )
    conclusions.loc[len(conclusions) - 1, ["control", "population"]] = ["EVD-04", 1_512]
    exceptions = pd.DataFrame(
        {
            "control": [f"EXC-{n:02}" for n in range(12)],
            "severity": "high",
            "subject": "x",
            "found": "y",
            "waiver": ["W-1"] + [None] * 11,
        }
    )
    counts = {
        "listed": 5_293,
        "collected": 5_113,
        "unread": 180,
        "stored": 5_113,
        "read": 1_510,
        "out_of_period": 3_600,
        "quarantined": 3,
    }
    run: Any = SimpleNamespace(
        tables={
            "conclusions": conclusions,
            "exceptions": exceptions,
            "evidence_objects": pd.DataFrame({"sha256": ["0", "1", "1"]}),
            "source_counts": pd.DataFrame([{"source_name": "logs", "complete": True, "ties": True, **counts}]),
        },
        period=SimpleNamespace(label="2026Q3"),
        folder=Path("here"),
        problems=[EvidenceMissing(f"source {n}", remedy="look") for n in range(30)],
        published=None,
        as_of=datetime(2026, 10, 5, tzinfo=UTC),
        exit_code=ExitCode.FINDINGS,
    )  # fmt: skip
    screen.show_run(out, run, as_json=False)
    lines = file.getvalue().splitlines()
    assert len(lines) < 30
    assert lines[:2] == [
        "Controls, 2026Q3: 41",
        f"  ✗ 12 exceptions (12 exceptions, 1 of them waived): {', '.join(exceptions['control'])}",
    ]
    begins = lines.index("Objects of evidence: 5,293 listed = 5,113 collected + 180 that could not be had")
    assert lines[begins + 1 : begins + 3] == [
        "  5,113 in the store, of 2 different contents = 1,510 that concern 2026Q3 + 3,600 of other times alone + 3 of which nothing "
        "could be read",
        "  1,512 are tested by EVD-04: those of the quarter, and what befell the places where they lie",
    ]
    assert "Missing: 25 more, which --all names" in lines
    assert (
        f"Each control, and all that it lacks: {Path('here/tables/conclusions.parquet')}, or on the terminal with --all"
        in lines
    )


def test_what_was_read_mined_and_collected_is_shown_as_it_is() -> None:
    out, file = terminal()
    bad = {
        "source_name": "forge",
        "key": HOSTILE,
        "line": 1,
        "offset": 2,
        "reason": HOSTILE,
        "evidence": "0f",
    }
    built: Any = SimpleNamespace(tables={"quarantine": pd.DataFrame([bad])}, sizes=lambda: {"commits": 1})
    screen.show_built(out, built, as_json=False)
    screen.show_quarantine(out, pd.DataFrame([bad]), as_json=False)
    mined = {"repo": HOSTILE, "commits": 2, "mainline": 1, "branch": HOSTILE, "tip": "0f"}
    screen.show_repositories(out, pd.DataFrame([mined]), as_json=False)
    source = SimpleNamespace(name="forge", listed=1, pulled=1, kept=0, bytes=3, remarks=[HOSTILE])
    screen.show_collected(out, SimpleNamespace(sources=[source], problems=[]), as_json=False)  # type: ignore[arg-type]
    require_harmless(file.getvalue(), 8)


def test_errors_and_logs_are_shown_as_they_are(capfd: pytest.CaptureFixture[str]) -> None:
    narrate.set_up_logging(verbose=False)
    said = HOSTILE.replace("\n", " ")
    narrate.tell_error(EvidenceMissing(said, remedy=said))
    logging.getLogger("audit").warning("%s", said)
    told = capfd.readouterr().err
    assert told.count(SHOWN) >= 2
    assert r"\u001b]52;c;aGk=" in told.split("WARNING")[1]
    assert all(each.isprintable() or each == "\n" for each in told)


def test_rows_as_json_say_the_same_without_what_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    screen.show_row("a.log", Found("commits", {"line": 1, "subject": HOSTILE}))
    line = capsys.readouterr().out.removesuffix("\n")
    assert line.isprintable()
    assert json.loads(line)["subject"] == HOSTILE
    assert json.loads(harmless_json(json.dumps(HOSTILE, ensure_ascii=False))) == HOSTILE


def test_lines_of_a_command_are_neither_marked_up_nor_wrapped() -> None:
    out, file = terminal()
    tell(out, "[red]:warning: 12 [/red]" + "w" * 5000)
    assert file.getvalue() == "[red]:warning: 12 [/red]" + "w" * 5000 + "\n"


def test_a_trace_says_truths_and_columns_in_words_and_shows_itself_in_a_notebook() -> None:
    out, file = terminal()
    item = Item("landing", "a/b@0f", "2026-07-01T10:00:00Z", f"by <b>{HOSTILE}", ("0f:1",))
    found = Trace("change", "a/b@0f", {"evil": "False", "value": "26.1", "unit": "hours"}, (item,), (), 1)
    screen.show_trace(out, found, as_json=False)
    assert "  content that the merge itself brought in: no\n" in file.getvalue()
    assert "evil" not in file.getvalue()
    assert repr(found) == "<Trace of change a/b@0f: 26.1 hours, 1 item, 0 of 1 raw records read>"
    page = found._repr_html_()
    assert "<td>content that the merge itself brought in</td><td>no</td>" in page
    assert "by &lt;b&gt;" in page
    assert "<b>\x1b" not in page


def test_every_command_prints_by_a_console_that_is_harmless() -> None:
    package = Path(audit.__file__).parent
    own = [
        path for path in package.rglob("*.py") if re.search(r"\bConsole\(", path.read_text(encoding="utf-8"))
    ]
    assert own == []


def test_a_huge_raw_line_is_cut_for_people_and_whole_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    out, file = terminal()
    texts = ("x" * 391_334, "y" * 2000)
    lines = tuple(Raw(f"{each[0]}:1", "here", f"{each}\n", "") for each in texts)
    found = Trace("evidence", "E1:1", {}, (), lines, 2)
    screen.show_trace(out, found, as_json=False)
    shown = file.getvalue()
    assert (shown.count("x"), shown.count("y")) == (2001, 2001)  # with that of its pointer
    assert "\n  … 389,334 characters more: --json prints it whole\n" in shown
    screen.show_trace(out, found, as_json=True)
    assert json.loads(capsys.readouterr().out)["raw"][0]["text"] == lines[0].text
