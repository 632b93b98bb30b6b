"""The HTML page loads nothing and its links resolve; OSCAL has the structure that NIST documents; hostile text stays text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from oscal_bindings.v1 import models
from pydantic import ValidationError
from test_report_forms import HOSTILE, results

from audit.report import pdf, result
from audit.report.forms import oscal, page, workbook

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Parsed(HTMLParser):
    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(data.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    return results()


def test_the_page_loads_nothing_and_every_link_resolves(said: dict[str, Any]) -> None:
    data = page.make(said)
    tags = Parsed(data).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [str(attributes["href"]) for _, attributes in tags if "href" in attributes]
    assert len(links) > len(workbook.SHEETS)
    assert {link.removeprefix("#") for link in links} <= set(ids)
    assert all(link.startswith("#") for link in links)
    assert not {tag for tag, _ in tags} & {"script", "link", "img", "iframe", "object", "form"}
    assert not any("src" in attributes for _, attributes in tags)
    assert {each[:5] for each in re.findall(rb"url\((.{5})", data)} == {b"data:"}
    assert b"@import" not in data
    assert ("html", {"lang": "en"}) in tags
    assert b"font-src data:" in data
    assert {"header", "nav", "main"} <= {tag for tag, _ in tags}
    assert all(attributes.get("scope") in ("row", "col") for tag, attributes in tags if tag == "th")


def test_the_page_has_every_row_of_every_list(said: dict[str, Any]) -> None:
    _, _, lists = page.make(said).partition(b'<div class="lists"')
    tags = Parsed(lists).tags
    rows = sum(len(list(workbook.rows(said, key))) for key, _ in workbook.SHEETS.values())
    assert sum(attributes.get("scope") == "row" for _, attributes in tags) == rows


def test_the_page_has_the_sections_of_the_pdf_in_its_language_and_look(said: dict[str, Any]) -> None:
    data = page.make(said).decode()
    whole = pdf.html(result.of_plain(said))
    assert whole.partition("<body>")[2].partition("</body>")[0] in data
    ids = {attributes.get("id") for _, attributes in Parsed(page.make(said)).tags}
    assert {
        "trends",
        "matrix",
        "reconciliation",
        "completeness",
        "annex-d",
        "annex-f",
        "annex-g",
        "sign-off",
    } <= ids
    german = page.make(said | {"language": "de"}).decode()
    assert '<html lang="de">' in german
    assert "Kontrollmatrix" in german


def hostile(said: dict[str, Any], texts: list[str]) -> dict[str, Any]:
    """Results with texts in what a change, a control and the organisation are named, one after the other."""
    names = [texts[number % len(texts)] for number in range(len(said["controls"]))]
    return said | {
        "organisation": texts[0],
        "landings": [{**said["landings"][0], "subject": text} for text in texts],
        "controls": [
            {**control, "title": name, "remedy": name}
            for control, name in zip(said["controls"], names, strict=True)
        ],
    }


def test_hostile_text_stays_text_on_the_page(said: dict[str, Any]) -> None:
    made, other = (Parsed(page.make(hostile(said, texts))) for texts in (HOSTILE, ["plain"] * len(HOSTILE)))
    kinds = [{(tag, *sorted(attributes)) for tag, attributes in each.tags} for each in (made, other)]
    assert kinds[0] - kinds[1] <= {("wbr",), ("span", "class")}
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202a-\u202e\ud800-\udfff]", made.text)
    assert "<b>bold</b> | [x]" in made.text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_oscal(said: dict[str, Any], text: str) -> None:
    made = json.loads(oscal.make(hostile(said, [text])))["assessment-results"]
    for title in (made["metadata"]["title"], made["results"][0]["title"]):
        assert title.isprintable()
        assert not re.search(r"(?<!\\)[<>|`\[\]@]", title)


def test_oscal_has_the_structure_that_nist_documents(said: dict[str, Any]) -> None:
    """Required properties and value sets of the assessment results model's JSON reference, version 1.1.3."""
    made = json.loads(oscal.make(said))["assessment-results"]
    assert {"uuid", "metadata", "import-ap", "results"} <= made.keys()
    assert {"title", "last-modified", "version", "oscal-version"} <= made["metadata"].keys()
    assert made["import-ap"]["href"] == "#" + made["back-matter"]["resources"][0]["uuid"]
    (result,) = made["results"]
    assert {"uuid", "title", "description", "start", "reviewed-controls"} <= result.keys()
    listed = result["reviewed-controls"]["control-selections"][0]["include-controls"]
    assert [each["control-id"] for each in listed] == [control["id"] for control in said["controls"]]
    observations = {each["uuid"]: each for each in result["observations"]}
    assert len(observations) == len(result["observations"])
    for each in observations.values():
        assert {"uuid", "description", "methods", "collected"} <= each.keys()
        assert set(each["methods"]) <= {"EXAMINE", "INTERVIEW", "TEST", "UNKNOWN"}
        assert each.get("relevant-evidence") != []
    for finding in result["findings"]:
        assert {"uuid", "title", "description", "target"} <= finding.keys()
        assert finding["target"]["type"] == "objective-id"
        related = [each["observation-uuid"] for each in finding["related-observations"]]
        assert set(related) <= observations.keys()
    every = [made["uuid"], result["uuid"], *observations, *(each["uuid"] for each in result["findings"])]
    assert all(_UUID.fullmatch(each) for each in every)
    assert len(every) == len(set(every))


def test_oscal_holds_by_the_schema_that_nist_publishes(said: dict[str, Any]) -> None:
    """As types made from it, which refuse what it does not name, and check every pattern."""
    made = json.loads(oscal.make(said))
    read = models.AssessmentResults.model_validate(made["assessment-results"])
    assert len(read.results[0].findings) == len(made["assessment-results"]["results"][0]["findings"])
    for wrong in ({"uuid": "none"}, {"unknown": 1}, {"results": []}):
        with pytest.raises(ValidationError):
            models.AssessmentResults.model_validate(made["assessment-results"] | wrong)


def test_oscal_says_what_each_control_came_to_and_never_passes_what_was_not_tested(
    said: dict[str, Any],
) -> None:
    conclusions = ["effective", "exceptions", "not tested", "not applicable"]
    controls = [
        {
            **said["controls"][0],
            "id": f"X-{place}",
            "conclusion": conclusion,
            "exceptions": [],
            "gaps": ["no log"],
        }
        for place, conclusion in enumerate(conclusions)
    ]
    (result,) = json.loads(oscal.make(said | {"controls": controls}))["assessment-results"]["results"]
    states = {each["target"]["target-id"]: each["target"]["status"] for each in result["findings"]}
    assert {name: (status["state"], status["reason"]) for name, status in states.items()} == {
        "X-0": ("satisfied", "pass"),
        "X-1": ("not-satisfied", "fail"),
        "X-2": ("not-satisfied", "other"),
    }
    assert states["X-2"]["remarks"] == "Missing: no log"


def test_oscal_has_an_observation_for_every_exception_with_its_evidence(said: dict[str, Any]) -> None:
    (result,) = json.loads(oscal.make(said))["assessment-results"]["results"]
    found = [each for each in result["observations"] if each["types"] == ["finding"]]
    rows = [row for control in said["controls"] for row in control["exceptions"]]
    assert len(found) == len(rows) > 0
    assert [len(each.get("relevant-evidence", [])) for each in found] == [
        len(row["evidence"]) for row in rows
    ]
