"""Hostile text in every field of a report's model: it is printed as text, stays on its page, and breaks no form of the report.

The model is walked field by field, by its types: a field that is added is hostile in this test from the first day on, unless it
is named here as one that this product fills from its own words.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import json
import re
import subprocess
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_report_forms import opened
from test_report_page_and_oscal import Parsed
from verified import report_of

from audit.evidence.store import Store
from audit.report import attached, forms, pdf, result
from audit.report.characters import printable
from audit.report.pieces import Theme
from audit.report.shapes import Report, RestatedRow, Restatement
from audit.verify import opened as opening
from audit.verify import pages

TEXTS = [
    "<script>alert(1)</script><img src='file:///etc/passwd'><b>",
    "{{ report.version }} {% for x in y %}",
    "\u202eright to left\u202c \u05e9\u05dc\u05d5\u05dd",
    "control \x07 \x1b[31m \x00 and \U0001f600 emoji",
    "W" * 10_000,
    "=HYPERLINK(1)",
    "| [a](http://example.org) `b` **c** |",
    "two\nlines\r\tand a tab",
    "https://example.org/" + "a" * 10_000,
    "\ud800 alone",
]

OURS = {
    # what this product fills from its own few words, numbers as text, and times
    "at", "checked_at", "classification_level", "closed_at", "collected_at", "conclusion", "conclusions", "confidence",
    "confidence_level", "covers_from", "covers_until", "days", "decided_at", "design", "dimension", "due", "ends", "expected_rate",
    "first", "form", "gone_by", "held", "held_since", "holder_kind", "id", "kind", "labels", "landed_at", "language", "last",
    "last_used", "made_at", "metric", "opened_at", "operation", "outcome", "previous", "previous_quarter", "production", "quarter",
    "removed_at", "resolved_at", "returned_at", "reviewed_at", "severity", "side", "standing", "started_at", "starts", "state",
    "status", "time_zone", "unit", "usage", "used_at", "as_of", "change", "look_at", "sample", "told_by", "system_kind", "what",
    # by which parts of the model refer to each other, or to files
    "control", "controls", "exception_id", "sha256", "name_of_table", "target", "population", "method",
}  # fmt: skip


MATCHED = ("series", "reconciled_counts", "counts")
"""Lists whose rows are those of another list."""


@dataclasses.dataclass
class Filled:
    """Hostile texts that were put in, by a mark that each begins with."""

    texts: dict[str, str] = dataclasses.field(default_factory=dict)
    fields: dict[str, str] = dataclasses.field(default_factory=dict)
    _next: Iterator[int] = dataclasses.field(default_factory=itertools.count)

    def text(self, field: str) -> str:
        number = next(self._next)
        mark, hostile = f"Zq{number:04}", TEXTS[number % len(TEXTS)]
        # formulas must come first to be formulas: then the mark follows
        self.texts[mark] = f"{hostile} {mark}" if hostile.startswith("=") else f"{mark} {hostile}"
        self.fields[mark] = field
        return self.texts[mark]

    def value(self, hint: Any, value: Any, field: str) -> Any:
        """The value with every text in it hostile; of a list no more than two."""
        name = field.rpartition(".")[2]
        if dataclasses.is_dataclass(value):
            hints = typing.get_type_hints(type(value))
            said = {
                each.name: self.value(
                    hints[each.name], getattr(value, each.name), f"{type(value).__name__}.{each.name}"
                )
                for each in dataclasses.fields(value)
            }
            return type(value)(**said)
        if isinstance(value, Theme) or value is None or isinstance(value, int | float):
            return value
        if isinstance(value, list):
            (inner,) = typing.get_args(hint)
            if inner in (int, float, float | None) or (name in OURS and inner is str):
                return value
            longest = 3 if inner is str or name in MATCHED else 2
            filled = [self.value(inner, one, field) for one in value[:longest]]
            return filled or ([self.text(field)] if inner is str else [])
        assert isinstance(value, str), field
        return value if name in OURS else self.text(field)


@pytest.fixture(scope="module")
def filled(chain: Store) -> tuple[Report, Filled]:
    plain, put = report_of(chain, 4), Filled()
    restates = Restatement(
        1, plain.as_of, plain.as_of, [RestatedRow("landings", "a", "changed", "b", "c", "d", ["e"])], []
    )
    return put.value(Report, dataclasses.replace(plain, restates=restates), "Report"), put


@pytest.fixture(scope="module")
def path(filled: tuple[Report, Filled], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "report.pdf"
    pdf.render(filled[0], path)
    return path


def ran(*command: str) -> str:
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def test_every_text_field_that_others_fill_is_hostile_here(filled: tuple[Report, Filled]) -> None:
    fields = set(filled[1].fields.values())
    assert len(fields) > 120
    for field in (
        "LandingRow.subject", "ExceptionRow.found", "WaiverRow.reason", "Response.text", "RightRow.right", "QueryRow.query",
        "Parameter.value", "RestatedRow.before", "QuarantineRow.key", "UnresolvedRow.name", "Report.organisation",
    ):  # fmt: skip
        assert field in fields or not any(
            type(row).__name__ == field.partition(".")[0] for row in _rows(filled[0])
        ), field


def _rows(value: Any) -> Iterator[Any]:
    if dataclasses.is_dataclass(value):
        yield value
        for each in dataclasses.fields(value):
            yield from _rows(getattr(value, each.name))
    elif isinstance(value, list):
        for one in value:
            yield from _rows(one)


def test_every_word_stands_within_the_margins_of_its_page(path: Path) -> None:
    seen, sheet = 0, (0.0, 0.0)
    for line in ran("pdftotext", "-bbox", str(path), "-").splitlines():
        page = re.search(r'<page width="([\d.]+)" height="([\d.]+)"', line)
        if page:
            sheet, number = (float(page[1]), float(page[2])), seen
        word = re.search(
            r'<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">(.*)</word>', line
        )
        if word:
            seen += 1
            left, top, right, bottom = map(float, word.groups()[:4])
            side = 36 if number else 0  # 18 mm are 51 points; the cover's colour goes to the edge
            assert side <= left <= right <= sheet[0] - side, line
            assert 0 <= top <= bottom <= sheet[1], line
    assert seen > 5_000


def test_what_is_printed_is_the_text_and_all_of_it(path: Path, filled: tuple[Report, Filled]) -> None:
    """Up to where a page cuts it and says so: read cell by cell, so that long words are whole again."""
    found = pages.printed(opening.open_pdf(path.name, path.read_bytes()).reader)
    said = [cell for table in found.tables.values() for row in (table.head, *table.rows) for cell in row]
    said += found.paragraphs
    whole = "\n".join(said)
    printed = [mark for mark in filled[1].texts if mark in whole]
    assert len(printed) > 150
    joined = 0
    for mark in printed:
        shown = pages.squeezed(str(printable(filled[1].texts[mark])))
        after = shown[shown.index(mark) :]
        spots = [cell[cell.index(mark) :] for cell in said if mark in cell]
        agree = max(len(_common(after, spot)) for spot in spots)
        joined += agree > 400
        assert agree >= min(len(after), 10), (filled[1].fields[mark], after[:60], spots[0][:60])
    assert joined > 8  # ten thousand characters in one word, as far as a page takes them


def _common(one: str, other: str) -> str:
    return "".join(
        a for a, _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    )


def test_only_our_own_fonts_draw_it(path: Path) -> None:
    lines = ran("pdffonts", str(path)).splitlines()[2:]
    names = {line.split()[0].partition("+")[2] or line.split()[0] for line in lines}
    assert names <= {"Plex-Mono", "Plex-Sans", "Plex-Sans-Italic", "Plex-Sans-Semi-Bold"}
    assert len(names) > 2
    assert all(re.search(r"\byes\s+yes\s+yes\b", line) for line in lines), lines


def test_nothing_is_lost_and_no_form_takes_it_for_more_than_text(filled: tuple[Report, Filled]) -> None:
    report, put = filled
    content = result.to_json(report)
    said = json.loads(content)
    back, _ = result.from_json(content)
    assert back == report
    texts = json.dumps(said)
    assert [mark for mark in put.texts if mark not in texts] == []
    for name, data in attached.populations(report).items():
        if name.endswith(".csv"):
            for row in csv.reader(io.StringIO(data.decode())):
                assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row), row
    for sheet in opened(forms.FORMS["xlsx"][1](said)):
        for row in sheet.iter_rows():
            assert not any(
                cell.data_type == "f" or (cell.hyperlink and cell.hyperlink.target) for cell in row
            )
    html = forms.FORMS["html"][1](said)
    page = Parsed(html)
    assert not {tag for tag, _ in page.tags} & {"script", "img", "iframe", "object", "form"}
    assert b"&gt;&lt;b&gt;" in html
    assert b"&gt;<b>" not in html
    assert "<script>alert(1)</script>" in page.text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e\ud800-\udfff]", page.text)
    written = forms.FORMS["markdown"][1](said).decode()
    assert not re.search(r"(?<!\\)<(script|img|b)\b", written)
    assert not re.search(r"(?<!\\)\]\(http", written)
    json.loads(forms.FORMS["oscal"][1](said))
