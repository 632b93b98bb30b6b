"""What the file claims (PDF/A-3a, PDF/UA-1), as far as its objects show it: declarations, tags, fonts, attachments.

This is no validator: it holds the claims that can be read off the objects, those most easily lost among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest
import report_tables as made

from audit.report import attached, model, pdf


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> pypdf.PdfReader:
    path: Path = tmp_path_factory.mktemp("report") / "report.pdf"
    report = model.build(
        made.quarter(12, 4), made.settings(), made.PERIOD, as_of=made.AS_OF, version="0.1.0", catalogue=made.CATALOGUE
    )  # fmt: skip
    pdf.render(report, path)
    return pypdf.PdfReader(path)


def elements(element: Any) -> Iterator[Any]:
    """Every element of the structure, the outer one first."""
    element = element.get_object()
    if isinstance(element, pypdf.generic.ArrayObject):
        for each in element:
            yield from elements(each)
    elif isinstance(element, pypdf.generic.DictionaryObject):
        if "/S" in element:
            yield element
        if "/K" in element:
            yield from elements(element.raw_get("/K"))


def test_it_declares_what_it_is_and_its_language_title_and_colours(reader: pypdf.PdfReader) -> None:
    root = reader.root_object
    metadata = root["/Metadata"].get_data()
    for declared in (b'pdfaid:part="3"', b'pdfaid:conformance="A"', b"<pdfuaid:part>1</pdfuaid:part>"):
        assert declared in metadata
    assert metadata.count(b"<rdf:RDF") == 1
    assert root["/MarkInfo"]["/Marked"] is not False
    assert root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    (intent,) = root["/OutputIntents"]
    assert intent.get_object()["/S"] == "/GTS_PDFA1"
    assert len(intent.get_object()["/DestOutputProfile"].get_data()) > 100
    assert "/Encrypt" not in reader.trailer
    assert not {"/JavaScript"} & set(root["/Names"])


def test_every_header_cell_says_what_it_heads_and_every_picture_what_it_shows(
    reader: pypdf.PdfReader,
) -> None:
    found = list(elements(reader.root_object["/StructTreeRoot"]))
    heads = [one for one in found if one["/S"] == "/TH"]
    assert len(heads) > 100
    assert {one["/A"]["/Scope"] for one in heads} == {"/Column", "/Row"}
    pictures = [one for one in found if one["/S"] == "/Figure"]
    assert pictures
    assert [one for one in pictures if not one.get("/Alt")] == []
    assert {"/Document", "/H1", "/H2", "/Table", "/THead", "/TBody", "/L", "/Link"} <= {
        one["/S"] for one in found
    }


def test_every_page_takes_its_tab_order_from_the_tags(reader: pypdf.PdfReader) -> None:
    assert {page["/Tabs"] for page in reader.pages} == {"/S"}
    assert all("/StructParents" in page for page in reader.pages)


def test_every_font_is_embedded_and_every_character_on_a_page_has_a_glyph_of_it(
    reader: pypdf.PdfReader,
) -> None:
    seen = set()
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            (descendant,) = font.get_object()["/DescendantFonts"]
            descriptor = descendant.get_object()["/FontDescriptor"].get_object()
            assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)
            assert "/ToUnicode" in font.get_object()
            seen.add(font.get_object()["/BaseFont"])
        content = page.get_contents().get_data()
        assert b"<0000>" not in content  # glyph 0: .notdef
    assert len(seen) >= 3


def test_each_attachment_is_associated_once_described_and_dated(reader: pypdf.PdfReader) -> None:
    names = reader.root_object["/Names"]["/EmbeddedFiles"]["/Names"]
    described = {str(names[at]): names[at + 1].get_object() for at in range(0, len(names), 2)}
    assert list(described) == sorted(described)
    assert {"changes.csv", "controls.parquet", "exceptions.csv", "results.json"} <= set(described)
    associated = [each.idnum for each in reader.root_object["/AF"]]
    assert sorted(associated) == sorted({names[at].idnum for at in range(1, len(names), 2)})
    for name, one in described.items():
        assert one["/AFRelationship"] == "/Data"
        assert one["/Desc"] == attached.DESCRIPTIONS[name]
        assert one["/UF"] == name
        assert one["/EF"]["/F"]["/Params"]["/ModDate"].startswith("D:20261005")
