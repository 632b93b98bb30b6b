"""Only texts of ours are worded: what evidence says is printed as it stands, whatever places or words of ours are in it."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from typing import Any

import pytest
from markupsafe import escape
from verified import report_of, store_at

from audit.report import pdf, words
from audit.report.attached import TIMES
from audit.report.shapes import Report, RightRow, RightsCount
from audit.report.wording import ENGLISH, Wording, shipped

HOSTILE = " {x} { {n} }"
OURS = {
    *TIMES,
    *("starts", "ends", "as_of", "made_at", "first", "last", "first_seen", "last_seen", "days"),
    *("time_zone", "language", "status", "quarter", "previous_quarter", "theme"),
    *("conclusion", "previous", "severity", "form", "unit", "side", "standing", "last_manifest"),
}  # fmt: skip
"""Fields that hold times and words of ours, by which pages are laid out."""


def with_places(value: Any, name: str = "") -> Any:
    """A model with places in every text of every row that is not ours."""
    if name in OURS or value is None:
        return value
    if isinstance(value, str):
        return value + HOSTILE if value else value
    if isinstance(value, list):
        return [with_places(each, name) for each in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {
            each.name: with_places(getattr(value, each.name), each.name) for each in dataclasses.fields(value)
        }
        return dataclasses.replace(value, **changed)
    return value


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return report_of(store_at(tmp_path_factory.mktemp("words")), 12, language="de")


def test_places_in_evidence_are_printed_as_they_stand(report: Report) -> None:
    page = pdf.html(with_places(report))
    for row in (*report.landings, *report.deployments, *report.waivers, *report.rights):
        for name in ("subject", "application", "reason"):
            if getattr(row, name, ""):
                assert f"{getattr(row, name)}{HOSTILE}" in re.sub(r"<[^>]+>", "", page)
    for control in report.controls:
        assert f"</span> {escape(control.title + HOSTILE)}</h2>" in page
    for started_by in {row.started_by for row in report.deployments}:
        assert f"<td>{started_by}{HOSTILE}</td>" in page


def test_nobody_is_worded_who_is_named_like_a_text_of_ours(report: Report) -> None:
    assert shipped("de").texts["Owner"] != "Owner"
    rows = [dataclasses.replace(report.deployments[0], started_by=name) for name in ("Owner", "the operator")]
    page = pdf.html(dataclasses.replace(report, deployments=rows))
    assert "<td>Owner</td>" in page
    assert f"<td>{shipped('de').texts['the operator']}</td>" in page


def test_a_title_that_is_cut_is_escaped_once(report: Report) -> None:
    title = "It's <b>&" + "w" * 100
    controls = [dataclasses.replace(one, title=title) for one in report.controls]
    summary = dataclasses.replace(report.summary, findings=controls[:2])
    page = pdf.html(dataclasses.replace(report, controls=controls, summary=summary))
    assert "It&#39;s &lt;b&gt;&amp;www" in page
    assert "&amp;#39;" not in page
    assert "&amp;lt;" not in page


def test_a_place_without_a_value_stays() -> None:
    german = Wording(texts={"{n} of {whole}": "{n} von {whole}"})
    assert ENGLISH.text("{x} and {n}", n=3) == "{x} and 3"
    assert str(ENGLISH.html("<{x}> and {n}", n="{x}")) == "&lt;{x}&gt; and {x}"
    assert german.text("{n} of {whole}", n=1) == "1 von {whole}"


def test_every_place_of_a_page_has_one_name_and_links_lead_to_it(report: Report) -> None:
    landings = [dataclasses.replace(row, controls=["CHG-01"]) for row in report.landings]
    deployments = [dataclasses.replace(row, controls=["DEP-02"]) for row in report.deployments]
    rights = [
        dataclasses.replace(shape(RightRow), number=number, held="yes", look_at=["dormant"])
        for number in range(1, 13)
    ]
    counts = [shape(RightsCount)]
    page = pdf.html(
        dataclasses.replace(
            report, landings=landings, deployments=deployments, rights=rights, rights_counts=counts
        )
    )
    names = Counter(re.findall(r'\bid="([^"]*)"', page))
    assert [name for name, count in names.items() if count > 1] == []
    assert set(re.findall(r'\bhref="#([^"]*)"', page)) - set(names) == set()
    sections = {
        found[1]: set(re.findall(r'\bid="([^"]*)"', found[2]))
        for found in re.finditer(r'<section\b[^>]*\bid="([^"]*)"[^>]*>(.*?)</section>', page, re.DOTALL)
    }
    assert {f"A{number}" for number in range(1, 13)} <= sections["annex-a"]
    assert {f"B{row.number}" for row in deployments} <= sections["annex-b"]
    assert {f"AR{number}" for number in range(1, 13)} <= sections["access"]


def shape(kind: type) -> Any:
    """A row whose fields are all empty."""
    empty = {"str": "", "int": 0, "bool": False, "list[str]": []}
    return kind(**{each.name: empty[str(each.type)] for each in dataclasses.fields(kind)})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b", "a b"),
        ("one two", "one two"),
        ("one two three", "one two …"),
        ("one two, three", "one two …"),
        ("onetwothree", "onetwot …"),
        ("a onetwothree", "a onetw …"),
    ],
)
def test_a_sentence_is_cut_between_words(text: str, shown: str) -> None:
    assert words.clip_short(text, 7 if "," not in text else 8) == shown
