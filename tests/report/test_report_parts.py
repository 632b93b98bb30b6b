"""A report whose long tables are laid out apart is the same report: pages, numbers, links, tags, bytes; and says so when it can't be."""

from __future__ import annotations

import dataclasses
import io
import json
import re
from pathlib import Path

import pypdf
import pytest
from verified import report_of, store_at

from audit.report import finishing, lanes, layout, parts, pdf, remembered, templates, themes
from audit.report.drawing import Drawing
from audit.report.shapes import Report
from audit.verify import opened, pages
from audit.verify.pages import Printed, printed, squeezed
from tests.validating import found, require_valid

LONG = 60
"""Rows from which on a table is cut here: annex A has 110."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return report_of(store_at(tmp_path_factory.mktemp("store")), 110)


def rendered(report: Report, path: Path, long: int) -> Path:
    pdf.render(report, path, long=long)
    return path


@pytest.fixture(scope="module")
def apart(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rendered(report, tmp_path_factory.mktemp("apart") / "report.pdf", LONG)


@pytest.fixture(scope="module")
def whole(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rendered(report, tmp_path_factory.mktemp("whole") / "report.pdf", parts.LONG)


def read(path: Path) -> Printed:
    return printed(opened.open_pdf(path.name, path.read_bytes()).reader)


def test_its_tags_hold_the_same_tables_and_paragraphs(apart: Path, whole: Path) -> None:
    one, other = read(apart), read(whole)
    assert {head: table.rows for head, table in one.tables.items()} == {
        head: table.rows for head, table in other.tables.items()
    }
    numbers = re.compile(r"(?<=→)\d+|\d+$")  # those of pages, in references and contents
    assert [numbers.sub("", text) for text in one.paragraphs] == [
        numbers.sub("", text) for text in other.paragraphs
    ]


def test_every_page_is_numbered_and_the_contents_name_the_page_of_each_annex(apart: Path) -> None:
    pages = [page.extract_text() for page in pypdf.PdfReader(apart).pages]
    for number, text in enumerate(pages[1:], 2):
        assert f"Page {number} of {len(pages)}" in text
    contents = [text for text in read(apart).paragraphs if re.fullmatch(r"Annex[A-E]:\D+\d+", text)]
    assert len(contents) == 5
    for text in contents:
        title, number = re.fullmatch(r"(\D+)(\d+)", text).groups()
        first = next(n for n, page in enumerate(pages[1:], 2) if title in squeezed(page))
        assert int(number) == first, title


def test_bookmarks_and_links_lead_to_the_pages_they_name(apart: Path) -> None:
    reader = pypdf.PdfReader(apart)
    pages = [page.extract_text() for page in reader.pages]
    flat = [each for each in reader.outline if not isinstance(each, list)]
    for mark in flat[1:]:
        assert squeezed(str(mark.title)) in squeezed(pages[reader.get_destination_page_number(mark)])
    named = reader.named_destinations
    links = [
        (place, note.get_object())
        for place, page in enumerate(reader.pages)
        for note in page.get("/Annots", [])
        if note.get_object()["/Subtype"] == "/Link"
    ]
    assert {str(note["/Dest"]) for _, note in links} <= set(named)
    cut = [place for place, text in enumerate(pages) if "Annex A: " in text]
    assert [note for place, note in links if place in cut[1:]]  # those of rows that were laid out apart
    for name in ("CHG-01", "annex-b"):
        said = squeezed(pages[reader.get_destination_page_number(named[name])])
        assert ("CHG-01" if name == "CHG-01" else "AnnexB:") in said


def references(reader: pypdf.PdfReader) -> list[tuple[str, int]]:
    """The text of each link of the structure, without white space, and the number of the page that it leads to."""
    texts, named, found = pages._Texts(), reader.named_destinations, []
    todo = [reader.root_object["/StructTreeRoot"]["/K"]]
    while todo:
        item = todo.pop().get_object()
        kids = [kid for kid in pages.kids(item) if not isinstance(kid, int)]
        if isinstance(item, dict) and item.get("/S") == "/Link":
            notes = [kid["/Obj"] for kid in kids if kid.get("/Type") == "/OBJR"]
            said = squeezed("".join(pages._text(item, texts, None, 0)))
            found += [
                (said, reader.get_destination_page_number(named[str(note["/Dest"])]) + 1) for note in notes
            ]
        elif not isinstance(item, int):
            todo += kids
    return found


def test_the_number_beside_a_reference_is_that_of_the_page_on_which_its_target_stands(apart: Path) -> None:
    """By the file's own destinations; also of what comes after tables that were laid out apart."""
    reader = pypdf.PdfReader(apart)
    told = [
        (text, int(number[1]), page) for text, page in references(reader) if (number := _NUMBER.search(text))
    ]
    assert {text for text, number, page in told if number != page} == set()
    titles = {text.rpartition("→")[0] for text, _, _ in told}
    assert {"controlmatrix", "AnnexA", "AnnexC", "CHG-01"} <= titles
    after = [page for text, _, page in told if text.startswith("AnnexC")]
    annex = [place for place, page in enumerate(reader.pages, 1) if "Annex A: " in page.extract_text()]
    assert min(after) > max(annex) > min(annex[1:])  # the annex has more pages than one


_NUMBER = re.compile(r"→(\d+)$")


def test_every_piece_of_marked_content_is_held_by_one_element_and_margins_are_artifacts(apart: Path) -> None:
    reader = pypdf.PdfReader(apart)
    root = reader.root_object["/StructTreeRoot"]
    nums = root["/ParentTree"]["/Nums"]
    parents = dict(zip(nums[::2], nums[1::2], strict=True))
    assert sorted(parents) == list(range(len(parents)))
    for page in reader.pages:
        owners = parents[page["/StructParents"]].get_object()
        content = page.get_contents().get_data()
        marks = [int(each) for each in re.findall(rb"/MCID (\d+)", content)]
        assert sorted(marks) == list(range(len(owners)))
        for mark in marks:
            owner = owners[mark]
            assert mark in owner["/K"]
            while owner["/S"] != "/Document":  # up to the top, over pages that are there
                assert owner.get("/Pg") is None or owner["/Pg"].indirect_reference == page.indirect_reference
                owner = owner["/P"]
        for note in page.get("/Annots", []):
            assert parents[note.get_object()["/StructParent"]].get_object()["/S"] == "/Link"
    ids = [
        font.get_object()["/BaseFont"]
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()
    ]
    assert {name.split("+")[1] for name in ids} <= {
        "Plex-Sans",
        "Plex-Sans-Semi-Bold",
        "Plex-Sans-Italic",
        "Plex-Mono",
    }


def test_a_validator_finds_it_to_be_what_it_declares(apart: Path) -> None:
    """PDF/A-3a and PDF/UA-1, by veraPDF."""
    require_valid(apart)


def test_a_validator_tells_what_does_not_hold(apart: Path, tmp_path: Path) -> None:
    writer = pypdf.PdfWriter(clone_from=apart)
    del writer.root_object["/StructTreeRoot"]
    writer.write(tmp_path / "untagged.pdf")
    told = found(tmp_path / "untagged.pdf")
    assert [told[name][0] for name in told] == [False, False]
    assert "structure" in told["ua1"][2].lower()


def test_no_row_is_lost_or_changes_its_place_by_cutting(report: Report) -> None:
    page = pdf.html(report)
    cut = parts.cut(page, LONG)
    assert 110 - parts.FIRST in [len(lane.rows) for lane in cut.lanes]
    joined = cut.pieces[0] + "".join(
        f"{''.join(lane.rows)}{piece}" for lane, piece in zip(cut.lanes, cut.pieces[1:], strict=True)
    )
    row = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
    assert list(dict.fromkeys(row.findall(joined))) == list(dict.fromkeys(row.findall(page)))
    assert parts.cut(page, 10_000).pieces == [page]


def test_rows_that_ask_for_the_number_of_a_page_elsewhere_are_laid_out_with_the_rest(tmp_path: Path) -> None:
    """It is not known where they are laid out apart, so that nothing wrong is printed."""
    shown = tmp_path / "assets"
    shown.mkdir()
    (shown / "report.css").write_text("td a::after { content: target-counter(attr(href), page) }", "utf-8")
    lane = {
        "assets": str(shown),
        "before": '<html lang="en"><head><title>x</title></head><body><table><tbody>',
        "rows": ['<tr><td><a href="#there">there</a></td></tr>'],
        "after": "</tbody></table></body></html>",
        "names": ["there"],
    }
    (tmp_path / "lane-0.json").write_text(json.dumps(lane), "utf-8")
    lanes.main(tmp_path, 0)
    assert json.loads((tmp_path / "lane-0.pages.json").read_text("utf-8")) == []


def test_a_table_in_the_midst_of_a_section_keeps_its_last_rows_with_what_follows() -> None:
    rows = "".join(f"<tr><td>{number}</td></tr>" for number in range(1500))
    page = (
        '<html><head></head><body><section class="page"><article id="a"><h2>x</h2>'
        f"<table><thead><tr><th>h</th></tr></thead><tbody>{rows}</tbody></table><p>after</p></article></section></body></html>"
    )
    cut = parts.cut(page, 200)
    assert [len(lane.rows) for lane in cut.lanes] == [724, 724]
    assert cut.lanes[0].before.endswith(
        '<body><section class="page"><article id="a"><table><thead><tr><th>h</th></tr></thead><tbody>'
    )
    assert cut.lanes[0].after == "</tbody></table></article></section></body></html>"
    shown = "".join(cut.pieces)
    assert [int(each) for each in re.findall(r"<td>(\d+)", shown)] == [*range(40), *range(1488, 1500)]
    assert shown.count("<thead>") == 2
    blank = cut.blank([[["n"], []], [[]]])
    assert [f'id="{parts.PLACE}{number}"' in blank for number in range(4)] == [True, True, True, False]
    assert 'id="n"' not in blank  # no link leads there


def test_what_is_remembered_while_a_report_is_laid_out_changes_no_byte_of_it(
    report: Report, tmp_path: Path
) -> None:
    """With cross-references, a chart, margins, tags and an identifier: as WeasyPrint and pydyf have it by themselves."""
    (tmp_path / "theme.toml").write_text('sections = ["cover", "summary", "trends", "waivers"]\n', "utf-8")
    page = pdf.html(dataclasses.replace(report, theme=themes.read(tmp_path)))

    def laid_out() -> bytes:
        document = Drawing(templates.folder()).render(page, layout.VARIANT)
        written: bytes = document.write_pdf(
            uncompressed_pdf=True, pdf_variant=layout.VARIANT, finisher=lambda _, file: finishing.tag(file)
        )
        return written

    remembered.remember(False)
    try:
        plain = laid_out()
    finally:
        remembered.remember()
    assert laid_out() == plain
    assert len(pypdf.PdfReader(io.BytesIO(plain)).pages) == 4
