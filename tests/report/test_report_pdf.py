"""What the PDF promises: the right numbers, nothing lost, nothing foreign, the same bytes anywhere."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pypdf
import pytest
import report_tables as made

from audit import tables as t
from audit.errors import UsageError
from audit.report import attached, model, pdf, result
from audit.report.drawing import OwnAssets
from audit.report.pieces import Theme
from audit.report.shapes import Report
from audit.report.templates import folder

FORBIDDEN = re.compile(r"\bnan\b|\bNaN\b|\bNone\b|<NA>|\bNaT\b|\b0 of 0\b|Undefined|\{\{|\{%")


def build(tables: dict, *, as_of=made.AS_OF, **values) -> Report:
    return model.build(
        tables, made.settings(**values), made.PERIOD, as_of=as_of, version="0.1.0", catalogue=made.CATALOGUE
    )


def few(report: Report, *sections: str) -> Report:
    """The report with these sections alone: laying out the others costs more than what is tested."""
    empty: dict[str, Any] = {name: {} for name in ("colours", "templates", "catalogues", "texts")}
    theme = Theme(sections=list(sections), own=[], css="", logo="", **empty)
    return dataclasses.replace(report, theme=theme)


def pages(path: Path) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(path).pages]


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.fixture(scope="module")
def report() -> Report:
    return build(made.quarter())


@pytest.fixture(scope="module")
def path(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.pdf"
    pdf.render(report, path)
    return path


@pytest.fixture(scope="module")
def reader(path: Path) -> pypdf.PdfReader:
    return pypdf.PdfReader(path)


@pytest.fixture(scope="module")
def text(reader: pypdf.PdfReader) -> list[str]:
    return [page.extract_text() for page in reader.pages]


def chapter(text: list[str], title: str) -> str:
    """The pages whose running header names the chapter (the cover's list of contents names them too)."""
    return "\n".join(page for page in text[1:] if title in page)


def test_the_summary_is_one_page_and_its_counts_are_those_of_the_annexes(
    report: Report, text: list[str]
) -> None:
    summary, after = text[1], text[2]
    assert "What to act on first" in summary
    assert "What could not be tested" in summary
    assert "Trends" in after
    assert f"{len(report.landings):,} changes landed" in summary.replace("\n", " ")
    direct = sum(row.kind == "direct" for row in report.landings)
    assert f"{direct} with no pull request on record" in summary.replace("\n", " ")
    exceptions = sum(len(control.exceptions) for control in report.controls)
    assert f"{exceptions} exceptions were found" in summary.replace("\n", " ")
    assert sum(item.count for item in report.summary.counts) == len(made.CATALOGUE)


def test_a_summary_with_much_to_say_still_fits_its_page(tmp_path: Path) -> None:
    names = [entry.id for entry in made.CATALOGUE]
    failed = dict.fromkeys(names[:5], 8)
    gaps = {
        name.replace("-", "_"): f"{'a gap that takes many words to tell ' * 9}{name}" for name in names[5:]
    }
    person = "a person whose name is as long as names of people get to be in any system"
    rows = [
        made.exception(name, f"{number}", number, person=f"{person} {number}", cluster=f"{person} {number}")
        for name in names[:5]
        for number in range(8)
    ]
    tables = made.quarter(30, 3)
    tables["exceptions"] = t.conform(t.Exceptions, t.frame(t.Exceptions, rows))
    tables["conclusions"] = made.conclusions(failed, **gaps)
    pdf.render(few(build(tables), "cover", "summary", "trends", "matrix"), tmp_path / "report.pdf")
    text = pages(tmp_path / "report.pdf")
    assert "Page 2 of" in text[1]
    assert re.search(r"\d+ more gaps: see the control matrix", text[1].replace("\n", " "))
    assert text[2].count("Trends") > 1


def test_every_landing_of_the_quarter_stands_in_annex_a(report: Report, text: list[str]) -> None:
    annex = chapter(text, "Annex A: changes that landed")
    assert len(report.landings) == 203
    assert [row.head_sha[:12] for row in report.landings if row.head_sha[:12] not in annex] == []
    assert "203 changes in the order of landing" in annex.replace("\n", " ")


def test_every_exception_is_printed(report: Report, text: list[str]) -> None:
    whole = squeezed("".join(text))
    ids = [row.exception_id for control in report.controls for row in control.exceptions]
    assert len(ids) == len(made.quarter()["exceptions"]) > 30
    assert [one for one in ids if one not in whole] == []


def test_controls_not_tested_say_why(text: list[str]) -> None:
    for page in (text[1], chapter(text, "Control matrix")):
        assert "names no check: say in audit.toml" in page.replace("\n", " ")
    assert "Not tested" in chapter(text, "Control matrix")


def test_the_last_manifest_is_printed_whole(tmp_path: Path) -> None:
    """Whoever kept the report can tell whether the store still ends in it."""
    digest = "0123456789abcdef" * 4
    report = model.build(
        made.quarter(3, 2), made.settings(), made.PERIOD, as_of=made.AS_OF, version="0.1.0", catalogue=made.CATALOGUE,
        manifest=(7, digest),
    )  # fmt: skip
    assert (report.manifests, report.last_manifest) == (7, digest)
    pdf.render(few(report, "cover", "evidence"), tmp_path / "report.pdf")
    text = squeezed("".join(pages(tmp_path / "report.pdf")))
    assert "in7manifests" in text
    assert digest in text
    assert f'"last_manifest": "{digest}"' in result.to_json(report).decode()


def test_no_page_prints_what_is_missing_as_a_value(text: list[str]) -> None:
    assert [FORBIDDEN.findall(page) for page in text if FORBIDDEN.search(page)] == []


def test_every_page_is_numbered(text: list[str]) -> None:
    assert all(f"Page {number} of {len(text)}" in page for number, page in enumerate(text, 1) if number > 1)


def test_only_our_own_fonts_are_embedded(reader: pypdf.PdfReader) -> None:
    names = set()
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            names.add(font.get_object()["/BaseFont"].split("+")[1])
    assert names <= {"Plex-Sans", "Plex-Sans-Semi-Bold", "Plex-Sans-Italic", "Plex-Mono"}


def test_the_file_is_tagged_titled_and_has_bookmarks(reader: pypdf.PdfReader) -> None:
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert reader.metadata.title == "Example Organisation – GitOps audit report 2026Q3"
    assert reader.metadata.author == "Example Organisation"
    outline = [item.title for item in reader.outline if not isinstance(item, list)]
    assert outline[1:4] == ["Summary", "Trends", "Control matrix"]
    metadata = root["/Metadata"].get_data()
    assert b"pdfuaid:part" in metadata
    assert b'pdfaid:part="3"' in metadata


def test_results_and_populations_are_attached(reader: pypdf.PdfReader, report: Report) -> None:
    found = reader.attachments
    assert sorted(found) == sorted([*attached.populations(report), attached.OSCAL, attached.RESULTS])
    assert found["results.json"] == [result.to_json(report)]
    rows = found["exceptions.csv"][0].decode().splitlines()
    assert len(rows) == 1 + sum(len(control.exceptions) for control in report.controls)


def test_links_lead_somewhere(reader: pypdf.PdfReader) -> None:
    named = reader.named_destinations
    wanted = {
        str(note.get_object()["/A"].get("/D", ""))
        if "/A" in note.get_object()
        else str(note.get_object()["/Dest"])
        for page in reader.pages
        for note in page.get("/Annots", [])
        if note.get_object()["/Subtype"] == "/Link"
    }
    assert {"summary", "matrix", "CHG-01"} <= wanted <= set(named)


RENDER = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
import report_tables as made
from audit.report import model, pdf
report = model.build(made.quarter(60, 4), made.settings(), made.PERIOD, as_of=made.AS_OF, version="0.1.0", catalogue=made.CATALOGUE)
pdf.render(report, Path({path!r}), long=50)  # annex A is laid out apart
"""


def test_the_same_report_gives_the_same_bytes_in_any_process_folder_and_time_zone_with_or_without_system_fonts(
    tmp_path: Path,
) -> None:
    bare = tmp_path / "fonts.conf"
    bare.write_text("<?xml version='1.0'?><fontconfig></fontconfig>")
    worlds: list[dict[str, str]] = [
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"},
        {"PYTHONHASHSEED": "2", "TZ": "America/Lima", "FONTCONFIG_FILE": str(bare)},
    ]
    digests = set()
    for number, world in enumerate(worlds):
        path = tmp_path / f"folder-{number}" / "a report.pdf"
        code = RENDER.format(here=str(Path(__file__).parent), path=str(path))
        subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env={**os.environ, **world})
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
        assert sorted(item.name for item in path.parent.iterdir()) == [f".{path.name}.made-from", path.name]
    assert len(digests) == 1


def test_a_report_is_laid_out_again_only_when_something_changed(
    report: Report, path: Path, tmp_path: Path
) -> None:
    for name in (path.name, f".{path.name}.made-from"):
        shutil.copy2(path.with_name(name), tmp_path / name)
    copy = tmp_path / path.name
    before = copy.read_bytes(), copy.stat().st_ino
    pdf.render(report, copy)
    assert (copy.read_bytes(), copy.stat().st_ino) == before
    other = few(build(made.quarter(3, 4)), "cover", "summary")
    pdf.render(other, copy)
    laid_out = copy.read_bytes()
    assert laid_out != before[0]
    copy.write_bytes(laid_out[:-1])
    pdf.render(other, copy)
    assert copy.read_bytes().endswith(b"%%EOF\n")


def test_a_quarter_without_anything_is_told_in_words(tmp_path: Path) -> None:
    tables = made.empty() | {"conclusions": made.conclusions(CHG_01="no repository is set")}
    bare = build(tables, sources=[], clusters=[], repositories=[])
    pdf.render(bare, tmp_path / "report.pdf")
    text = pages(tmp_path / "report.pdf")
    whole = " ".join(text).replace("\n", " ")
    for told in (
        "no change landed on a default branch",
        "No control has exceptions.",
        "No repository was read.",
        "No row was parsed.",
        "Nothing was quarantined",
        "Everybody whom the quarter’s evidence names is known",
        "No source speaks of a cluster.",
        "The settings name no source",
        "no repository is set",
    ):
        assert told in whole
    assert not FORBIDDEN.search(whole)


def test_a_quarter_that_is_not_over_is_a_draft(tmp_path: Path) -> None:
    early = build(made.quarter(40, 5), as_of=made.PERIOD.start + timedelta(days=30))
    assert early.status == "draft"
    assert 0 < len(early.landings) < 40
    assert len(early.coverage[0].days) == 30
    pdf.render(few(early, "cover", "summary", "matrix", "sign-off"), tmp_path / "report.pdf")
    text = pages(tmp_path / "report.pdf")
    assert "Draft" in text[0]
    assert all("Draft" in page for page in text)


HOSTILE = [
    "<script>alert(1)</script><img src='file:///etc/passwd'>",
    "{{ report.version }} {% for x in y %}",
    "right to left \u202eoverride and \u05e9\u05dc\u05d5\u05dd",
    "control \x07 \x1b[31m and emoji \U0001f600 and \x00",
    "W" * 10_000,
    "=HYPERLINK(1)",
    "two\nlines\tand a tab",
]


def test_hostile_text_is_printed_as_text(tmp_path: Path) -> None:
    tables = made.quarter(len(HOSTILE), 3)
    landings = tables["landings"].sort_values("position").assign(subject=HOSTILE)
    rows = [
        made.exception(
            "CHG-02",
            f"{hostile}#1",
            index,
            found=hostile,
            person=hostile,
            app=hostile,
            evidence=hostile or "x",
        )
        for index, hostile in enumerate(HOSTILE)
    ]
    tables |= {
        "landings": t.conform(t.Landings, landings),
        "exceptions": t.conform(t.Exceptions, t.frame(t.Exceptions, rows)),
        "conclusions": made.conclusions({"CHG-02": len(rows)}, CHG_01="<b>bold</b> gap"),
    }
    report = few(build(tables), "cover", "summary", "matrix", "controls", "changes")
    pdf.render(report, tmp_path / "report.pdf")
    text = pages(tmp_path / "report.pdf")
    whole = squeezed("".join(text))
    for told in (
        "<script>alert(1)</script><imgsrc='file:///etc/passwd'>",
        "{{report.version}}{%forxiny%}",
        "[U+202E]override",
        "[U+05E9][U+05DC]",
        "control[U+0007][U+001B][31mandemoji[U+1F600]and[U+0000]",
        "W" * 400 + "…[9,600morecharactersinresults.json]",
        "twolinesandatab",
        "<b>bold</b>gap",
    ):
        assert told in whole
    rows_out = json.loads(result.to_json(report))["controls"][1]["exceptions"]
    assert sorted(row["found"] for row in rows_out) == sorted(HOSTILE)
    assert b"'=HYPERLINK(1)" in attached.populations(report)["exceptions.csv"]


def test_nothing_but_our_own_files_is_fetched() -> None:
    fetcher = OwnAssets(folder())
    assert fetcher.fetch((folder() / "report.css").resolve().as_uri()).read().startswith(b"@font-face")
    for url in (
        "file:///etc/passwd",
        "http://example.org/",
        "data:text/plain,x",
        f"{folder().resolve().as_uri()}/../../pyproject.toml",
        f"{folder().resolve().as_uri()}/%2e%2e/%2e%2e/pyproject.toml",
    ):
        with pytest.raises(ValueError, match="not one of the report's own files"):
            fetcher.fetch(url)


def test_laying_out_ends_when_it_takes_too_long(report: Report, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not laid out in 1 s"):
        pdf.render(report, tmp_path / "report.pdf", seconds=1)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_ends_while_laying_out_leaves_no_report_of_other_results(
    report: Report, tmp_path: Path
) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(b"of other results")
    with pytest.raises(UsageError, match="was not laid out in 1 s"):
        pdf.render(report, path, seconds=1)
    assert list(tmp_path.iterdir()) == []


def test_names_behind_which_nobody_is_known_are_printed_with_what_rests_on_them() -> None:
    seen = {"first_seen": made.AS_OF, "last_seen": made.AS_OF, "mailmap": None}
    strangers = [
        {
            "system": "git",
            "name": "<b>@x",
            "times": 2,
            "matters": "wrote changes",
            **seen,
            "mailmap": "ada@x",
        },
        {"system": "iam", "name": "arn:aws:x", "times": 1234, "matters": "entered clusters", **seen},
    ]
    rows = t.frame(t.UnresolvedIdentities, strangers)
    report = build(made.quarter(2, 1) | {"unresolved_identities": rows})
    page = pdf.html(report)
    assert "2 names of the quarter belong to nobody in the roster" in page
    assert "&lt;b" in page
    assert "<b>@" not in page
    assert page.index("1,234") < page.index("wrote changes; .mailmap:")
    told = json.loads(result.to_json(report))["unresolved"]
    assert [(one["name"], one["times"], one["mailmap"]) for one in told] == [
        ("arn:aws:x", 1234, ""),
        ("<b>@x", 2, "ada@x"),
    ]


def test_a_value_that_is_missing_can_not_be_printed_by_mistake() -> None:
    from audit.report.words import printable

    for value in (None, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="say what is missing"):
            printable(value)


def test_results_are_the_same_bytes_and_whole(report: Report, tmp_path: Path) -> None:
    result.write(report, tmp_path / "deep" / "results.json")
    first = (tmp_path / "deep" / "results.json").read_bytes()
    result.write(report, tmp_path / "deep" / "results.json")
    assert (tmp_path / "deep" / "results.json").read_bytes() == first
    read = json.load(io.BytesIO(first))
    assert list(read) == sorted(read)
    assert len(read["landings"]) == 203


def test_an_emergency_whose_steps_are_not_in_evidence_is_not_passed(report: Report) -> None:
    whole, bare = report.emergencies
    assert (whole.ticket, whole.wanting, whole.actions) == ("INC-1", [], 2)
    assert (bare.ticket, bare.wanting, bare.actions) == ("INC-2", ["not tested"], None)
