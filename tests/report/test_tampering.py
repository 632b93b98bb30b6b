"""Every way to change a report that we could think of, against one report: each is found, and what could not be is said.

Signed, a change is found by the signature, whatever else agrees. Unsigned, it is found because the file is laid out anew; only a
whole report made anew is not, and the command says so. A preparer who holds the key can sign what was changed: then the pages
and attachments have to be found at fault by themselves.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import multiprocessing
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pypdf
import pytest
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    StreamObject,
    TextStringObject,
)
from verified import Wrong, embedded, figure_changed, preparers, put, report_of, rewritten

from audit.errors import IntegrityError, UsageError
from audit.evidence.store import Store
from audit.reperform import _other_store
from audit.report import attached, charts, result, signed
from audit.report.pieces import Theme
from audit.report.shapes import Report
from audit.report.wording import ENGLISH
from audit.verify import Verdict, again, charted, opened, recounted, signatures, whole
from audit.verify.against import Against
from audit.verify.pages import Printed
from audit.verify.whole import LayOut

Change = Callable[[pypdf.PdfWriter], None]


@pytest.fixture(scope="module")
def roots(keys: Path) -> list[Any]:
    return signed.read_certificates("root", keys / "root.pem")


@pytest.fixture
def found(tmp_path: Path, wrong: Wrong) -> Callable[..., list[tuple[str, str]]]:
    """What verifying these bytes finds, as (part, text)."""

    def look(data: bytes, roots: Any = ()) -> list[tuple[str, str]]:
        path = tmp_path / "forged.pdf"
        path.write_bytes(data)
        return wrong(path, *roots)

    return look


def parts(texts: list[tuple[str, str]]) -> set[str]:
    return {part for part, _ in texts}


def appended(data: bytes, change: Change) -> bytes:
    """The file with a revision behind it, everything before it as it was."""
    writer = pypdf.PdfWriter(io.BytesIO(data), incremental=True)
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    assert out.getvalue().startswith(data)
    return out.getvalue()


def places(data: bytes, unsigned: int) -> Iterator[int]:
    """Of every kind of place in a signed file, some: not by chance, so that what fails once fails again."""
    yield from (0, 5, 9, 14)  # header
    for mark in (
        b"/Type /Metadata",
        b"/StructTreeRoot",
        b"/EmbeddedFile",
        b"/ObjStm",
        b"/XRef",
        b"/FontFile",
    ):
        at = data.find(mark)
        if at >= 0:
            yield from (at + 1, at + len(mark) + 60)
    yield from range(unsigned // 20, unsigned, unsigned // 20)  # streams: pages, fonts, attachments
    yield from range(unsigned - 40, unsigned, 7)  # startxref, %%EOF
    contents = data.index(b"/Contents <", unsigned)
    begin, end = contents + len(b"/Contents <"), data.index(b">", contents)
    used = len(data[begin:end].rstrip(b"0"))
    yield from (contents + 1, begin - 1, begin, begin + 1)
    yield from range(begin, begin + used, used // 16)  # the signature itself
    yield from (begin + used + 9, (begin + used + end) // 2, end - 1, end)  # the room behind it
    for mark in (b"/ByteRange", b"/SubFilter", b"/DocMDP", b"/TransformParams", b"/Producer", b"startxref"):
        yield data.rindex(mark) + 2
    yield from range(len(data) - 9, len(data), 2)


@pytest.mark.parametrize("bit", [0x01, 0x20])
def test_a_byte_that_changes_anywhere_in_a_signed_file_is_found_by_the_signature(
    bit: int, signed_report: bytes, unsigned: bytes, roots: list[Any]
) -> None:
    """Also where a signature does not reach: its own digits, and the room behind them."""
    tried = sorted(set(places(signed_report, len(unsigned))))
    assert len(tried) > 60
    for at in tried:
        changed = bytearray(signed_report)
        changed[at] ^= bit
        told = signatures.checks(bytes(changed), roots)
        assert {one.verdict for one in told} & {Verdict.DIFFERS, Verdict.UNPROVED}, (at, bit, told)


def test_bytes_that_are_added_or_taken_away_are_found(signed_report: bytes, roots: list[Any]) -> None:
    for changed in (
        signed_report + b"\n",
        signed_report + b"%",
        signed_report[:-1],
        b"\n" + signed_report,
        signed_report.replace(b"%%EOF\n", b"%%EOF\r\n"),
    ):
        told = signatures.checks(changed, roots)
        assert {one.verdict for one in told} & {Verdict.DIFFERS, Verdict.UNPROVED}, told
    assert "1 bytes follow the last signature" in signatures.checks(signed_report + b"\n", [])[-1].text


def test_a_byte_that_changes_anywhere_in_an_unsigned_file_is_found_by_its_bytes(
    unsigned: bytes, signed_report: bytes, again: LayOut
) -> None:
    """As `verify` holds it against the file that its own results give."""
    tried = sorted({at for at in places(signed_report, len(unsigned)) if at < len(unsigned)})
    refused = 0
    for at in tried:
        changed = bytearray(unsigned)
        changed[at] ^= 1
        try:
            opening = opened.open_pdf("report.pdf", bytes(changed))
            report, plain = result.from_json(opening.attachments[attached.RESULTS])
        except IntegrityError:
            refused += 1
            continue
        (told,) = whole._bytes(opening, report, plain["made_with"], again, vouched=False)
        assert told.verdict is Verdict.DIFFERS, at
    assert refused < len(tried) - 10


def test_what_an_unsigned_report_proves_and_what_it_does_not_is_said(
    unsigned: bytes, signed_report: bytes, roots: list[Any], found: Any, tmp_path: Path, again: LayOut
) -> None:
    """A signature that was taken off leaves an unsigned report: whoever expects one is told."""
    (tmp_path / "report.pdf").write_bytes(unsigned)
    done = whole.verify(tmp_path / "report.pdf", lay_out=again)
    note = done.checks[0]
    assert (note.part, note.verdict) == ("signature", Verdict.NOTE)
    assert "that the file agrees with itself, to the last byte; neither who made it" in note.text
    assert "not another one made anew: hold its sha256 against one that you had otherwise" in note.text
    stripped = signed_report[: len(unsigned)]
    assert found(stripped, roots) == [("signature", note.text)]

    def take_off(writer: pypdf.PdfWriter) -> None:
        for name in ("/AcroForm", "/Perms"):
            del writer.root_object[NameObject(name)]

    told = found(rewritten(signed_report, take_off), roots)
    assert ("signature", note.text) in told
    assert "bytes" in parts(told)


def test_another_key_that_signs_under_the_same_name_does_not_lead_to_the_root(
    unsigned: bytes, keys: Path, roots: list[Any], found: Any
) -> None:
    other = signed.sign(unsigned, preparers(keys, certificate="stranger.pem", key_file="stranger.key"))
    ((part, text),) = found(other, roots)
    assert part == "signature"
    assert "example preparer: its certificate does not lead to a named root" in text
    told = signatures.checks(other, [])
    assert [one.verdict for one in told] == [Verdict.NOTE]
    assert "name the root it must lead to with --certificate" in told[0].text


def test_a_revision_behind_the_signature_that_changes_a_figure_is_found(
    signed_report: bytes, roots: list[Any], found: Any
) -> None:
    """What a reader sees is the last revision, and the signature still holds for the one before."""
    shadow = appended(signed_report, figure_changed)
    for given in (roots, []):
        told = found(shadow, given)
        assert (
            "figures",
            "control matrix, CHG-02: Population is printed as 2, by what is attached it is 203",
        ) in told
        assert any(part == "signature" and "was changed after it" in text for part, text in told)


def test_a_revision_is_no_signature_because_there_is_one_beside_it(
    unsigned: bytes, keys: Path, found: Any
) -> None:
    """Nobody named a root: whoever likes may sign, but not change what the report shows."""

    def turn(writer: pypdf.PdfWriter) -> None:
        writer.pages[1].rotate(90)
        writer.root_object[NameObject("/AcroForm")] = DictionaryObject({NameObject("/Fields"): ArrayObject()})

    def shift(writer: pypdf.PdfWriter) -> None:
        content = writer.pages[1]["/Contents"].get_object()
        content.set_data(b"1 0 0 1 0 9 cm\n" + content.get_data())

    by_stranger = preparers(keys, certificate="stranger.pem", key_file="stranger.key")
    for forged in (appended(unsigned, turn), signed.sign(appended(unsigned, shift), by_stranger)):
        told = found(forged)
        assert parts(told) == {"bytes"}
        assert "and are more than signatures: it changes object" in told[0][1]


def test_metadata_that_change_are_found_signed_or_not(
    signed_report: bytes, unsigned: bytes, roots: list[Any], found: Any
) -> None:
    def info(writer: pypdf.PdfWriter) -> None:
        writer.add_metadata({"/Title": "Another title"})

    def xmp(writer: pypdf.PdfWriter) -> None:
        stream = writer.root_object["/Metadata"].get_object()
        changed = stream.get_data().replace(b"Example Organisation", b"Another Organisation")
        assert changed != stream.get_data()
        if isinstance(stream, StreamObject):
            stream.set_data(changed)

    for change in (info, xmp):
        assert parts(found(rewritten(unsigned, change))) == {"bytes"}
        assert "signature" in parts(found(appended(signed_report, change), roots))


def _turned(writer: pypdf.PdfWriter, change: Callable[[list[Any]], None]) -> None:
    tree = writer.root_object["/Pages"]
    kids = list(tree["/Kids"])
    change(kids)
    tree[NameObject("/Kids")] = ArrayObject(kids)
    tree[NameObject("/Count")] = NumberObject(len(kids))


def test_pages_that_change_places_or_are_gone_are_named(unsigned: bytes, found: Any) -> None:
    def swap(kids: list[Any]) -> None:
        kids[3], kids[7] = kids[7], kids[3]

    told = found(rewritten(unsigned, lambda writer: _turned(writer, swap)))
    assert ("pages", "page 5 stands before others that come first by the tags") in told
    assert "bytes" in parts(told)
    told = found(rewritten(unsigned, lambda writer: _turned(writer, lambda kids: kids.pop(3))))
    assert ("pages", "tags speak of 1 pages that are not there") in told
    assert "bytes" in parts(told)


def test_a_page_that_no_tag_speaks_of_is_named(unsigned: bytes, found: Any) -> None:
    def add(writer: pypdf.PdfWriter) -> None:
        page = writer.add_blank_page(595, 842)
        stream = DecodedStreamObject()
        stream.set_data(b"BT /F1 12 Tf (All controls are effective) Tj ET")
        page[NameObject("/Contents")] = writer._add_object(stream)

    told = found(rewritten(unsigned, add))
    assert any(part == "pages" and "has text, and no tag speaks of it" in text for part, text in told)


def _hidden(writer: pypdf.PdfWriter) -> None:
    """The true text stays for whoever reads tags; seen is another."""
    content = writer.pages[3]["/Contents"].get_object()
    data = re.sub(rb"\bBT\b", b"BT 3 Tr", content.get_data())
    content.set_data(data + b"\n/Artifact BMC BT /F1 9 Tf 60 700 Td <0041> Tj ET EMC")


def _note(writer: pypdf.PdfWriter, kind: str, **more: Any) -> None:
    box = ArrayObject(FloatObject(edge) for edge in (60, 500, 300, 560))
    note = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Annot"),
            NameObject("/Subtype"): NameObject(kind),
            NameObject("/Rect"): box,
        }
    )
    for name, value in more.items():
        note[NameObject(f"/{name}")] = value
    page = writer.pages[1]
    page[NameObject("/Annots")] = ArrayObject([*page.get("/Annots", []), writer._add_object(note)])


def _picture(writer: pypdf.PdfWriter) -> None:
    stream = DecodedStreamObject()
    stream.set_data(b"\xff\xff\xff")
    for name, value in (("/Type", "/XObject"), ("/Subtype", "/Image"), ("/ColorSpace", "/DeviceRGB")):
        stream[NameObject(name)] = NameObject(value)
    for name, number in (("/Width", 1), ("/Height", 1), ("/BitsPerComponent", 8)):
        stream[NameObject(name)] = NumberObject(number)
    page = writer.pages[1]
    page["/Resources"]["/XObject"][NameObject("/White")] = writer._add_object(stream)
    content = page["/Contents"].get_object()
    content.set_data(content.get_data() + b"\nq 200 0 0 60 60 500 cm /White Do Q")


def _script(writer: pypdf.PdfWriter) -> None:
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(
        {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
    )


def _cover(writer: pypdf.PdfWriter) -> None:
    _note(writer, "/FreeText", Contents=TextStringObject("0 exceptions"))


def _frame(writer: pypdf.PdfWriter) -> None:
    _note(writer, "/Widget", FT=NameObject("/Sig"))


COVERED = [
    (_hidden, "page 4 has text that is not shown"),
    (_cover, "page 2 has a note laid over it (FreeText)"),
    (_frame, "page 2 has a signature's frame laid over it, which only the last page may have"),
    (_picture, "page 1 has a picture"),
    (_script, "the file has /OpenAction, which this program never writes"),
]


@pytest.mark.parametrize(("change", "text"), COVERED)
def test_what_hides_or_covers_a_figure_is_named_also_when_the_preparer_signed_it(
    change: Change, text: str, unsigned: bytes, signed_report: bytes, keys: Path, roots: list[Any], found: Any
) -> None:
    """Where bytes can't be compared, the key alone does not make it right."""

    def by_others(writer: pypdf.PdfWriter) -> None:
        change(writer)
        results = json.loads(embedded(writer, attached.RESULTS).get_data())
        results["made_with"]["weasyprint"] = "1.0"
        put(writer, attached.RESULTS, f"{json.dumps(results, sort_keys=True, indent=1)}\n".encode())

    forged = rewritten(unsigned, by_others)
    told = found(forged)
    assert ("pages", text) in told
    assert any(part == "bytes" and "it was made with weasyprint 1.0" in one for part, one in told)
    assert ("pages", text) in found(signed.sign(forged, preparers(keys)), roots)


def test_a_note_laid_over_a_signed_report_is_found(signed_report: bytes, roots: list[Any]) -> None:
    told = signatures.checks(appended(signed_report, _cover), roots)
    assert told[0].verdict is Verdict.DIFFERS
    assert "was changed after it, in what it does not permit" in told[0].text


def test_a_figure_that_the_preparer_changed_and_signed_is_named(
    unsigned: bytes, keys: Path, roots: list[Any], found: Any
) -> None:
    told = found(signed.sign(rewritten(unsigned, figure_changed), preparers(keys)), roots)
    assert (
        "figures",
        "control matrix, CHG-02: Population is printed as 2, by what is attached it is 203",
    ) in told
    assert "signature" not in parts(told)


def test_a_chart_that_says_or_draws_other_values_is_named(
    unsigned: bytes, whole_report: Report, found: Any
) -> None:
    def reword(writer: pypdf.PdfWriter) -> None:
        words = [one for one in writer._objects if isinstance(one, DictionaryObject) and "/Alt" in one]
        chart = next(one for one in words if str(one["/Alt"]).startswith("Production deployments."))
        chart[NameObject("/Alt")] = TextStringObject(str(chart["/Alt"]).replace("64", "46"))

    told = found(rewritten(unsigned, reword))
    assert (
        "figures", "trends, Production deployments: the chart on the page says other than results.json",
    ) in told  # fmt: skip
    against = Against(
        Printed({}, [], [charts.describe(one).replace(" ", "") for one in whole_report.trends]),
        recounted.read(opened.open_pdf("report.pdf", unsigned).attachments),
        dataclasses.replace(
            whole_report,
            trends=[
                dataclasses.replace(one, series=[dataclasses.replace(s, values=[9.0 for _ in s.values]) for s in one.series])
                for one in whole_report.trends
                if one.id in ("change_volume", "exceptions")
            ],
        ),
        ENGLISH,
    )  # fmt: skip
    texts = list(charted.trends(against))
    assert "trends, Changes landed merge: 9.0 is drawn of 2026Q3, 7.0 is attached" in texts
    assert "trends, Changes landed merge: 9.0 is drawn of 2026Q2, 54.0 is attached" in texts
    assert "trends, CLU-01: 9.0 exceptions are drawn, counted anew 7.0" in texts


def test_populations_that_were_changed_together_with_their_list_are_found(
    unsigned: bytes, whole_report: Report, found: Any
) -> None:
    """The sha256 of each is the one that is listed; results.json tells other rows."""
    better = dataclasses.replace(
        whole_report,
        controls=[
            dataclasses.replace(
                one, exceptions=[dataclasses.replace(row, person="somebody else") for row in one.exceptions]
            )
            for one in whole_report.controls
        ],
    )
    forged = attached.populations(better)

    def change(writer: pypdf.PdfWriter) -> None:
        results = json.loads(embedded(writer, attached.RESULTS).get_data())
        for each in results["attachments"]:
            if each["name"].startswith("exceptions."):
                data = forged[each["name"]]
                put(writer, each["name"], data)
                each |= {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        put(writer, attached.RESULTS, f"{json.dumps(results, sort_keys=True, indent=1)}\n".encode())

    told = found(rewritten(unsigned, change))
    assert ("attachments", "exceptions.csv: not what results.json gives") in told
    assert ("attachments", "exceptions.parquet: row 1 is not the one that results.json has") in told
    assert not any("its sha256 is" in text for _, text in told)


def test_a_store_whose_manifests_were_changed_or_cut_off_is_not_the_one_that_the_report_names(
    chain: Store, whole_report: Report, tmp_path: Path
) -> None:
    """Objects are held against their manifests, these against the report: nobody can swap both."""
    assert _other_store(chain.root, whole_report) == ""
    shutil.copytree(chain.root / "manifests", tmp_path / "manifests")
    last = tmp_path / "manifests" / f"{whole_report.manifests:06}.json"
    data = bytearray(last.read_bytes())
    data[len(data) // 2] ^= 1
    last.unlink()
    assert _other_store(tmp_path, whole_report).endswith("has no manifest 2, which the report names")
    last.write_bytes(bytes(data))
    assert _other_store(tmp_path, whole_report).endswith("is not the one that the report names")


def test_a_population_that_would_unpack_without_end_is_not_read(
    unsigned: bytes, found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.verify.recounted._MOST", 20)
    told = found(unsigned)
    assert any("changes.parquet: can't be read: 24 rows" in text for part, text in told if part == "figures")


def test_a_hostile_theme_takes_no_more_time_than_it_is_given(chain: Store) -> None:
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    theme = Theme(["cover"], [], {}, "", "", {"cover.html": loop}, {}, {})
    results = result.to_json(report_of(chain, 1, theme=theme))
    with pytest.raises(UsageError, match="it was not laid out anew within 4 s"):
        again.laid_out(results, None, 4)
    assert multiprocessing.active_children() == []
    broken = Theme(["cover"], [], {}, "", "", {"cover.html": "{{ 9 ** 99 }}"}, {}, {})
    with pytest.raises(UsageError, match=r"templates/cover.html:1: .* would make more than a page needs"):
        again.laid_out(result.to_json(report_of(chain, 1, theme=broken)), None)
