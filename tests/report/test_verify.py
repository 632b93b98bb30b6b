"""What `audit verify` promises: a report as it was made is verified, and each kind of tampering is found and named."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import random
import re
import zlib
from pathlib import Path

import pypdf
import pytest
from pypdf.generic import create_string_object
from verified import CONTROLS, Wrong, embedded, figure_changed, put, report_of, rewritten

from audit.cli import main
from audit.errors import ExitCode, IntegrityError, UsageError
from audit.evidence.store import Store
from audit.report import attached, pdf, result
from audit.report.publish import last_manifest
from audit.report.shapes import Report
from audit.verify import Verdict, signatures, texts, verify
from audit.verify import opened as opening
from audit.verify.pages import printed


@pytest.fixture(scope="module")
def report(whole_report: Report) -> Report:
    return whole_report


@pytest.fixture(scope="module")
def path(whole_path: Path) -> Path:
    return whole_path


def forged(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "forged.pdf"
    path.write_bytes(data)
    return path


def test_a_report_as_it_was_made_is_verified_from_the_file_alone(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = forged(tmp_path, path.read_bytes())
    assert main(["verify", str(copy), "--json"]) == ExitCode.CLEAN
    done = json.loads(capsys.readouterr().out)
    assert done["verified"] is True
    assert {one["part"] for one in done["checks"]} >= {"attachments", "figures", "bytes"}
    assert {one["verdict"] for one in done["checks"]} <= {"agrees", "note"}
    assert "same file, byte for byte" in done["checks"][-1]["text"]


def test_a_figure_on_a_page_that_the_populations_do_not_give_is_named(
    wrong: Wrong, path: Path, tmp_path: Path
) -> None:
    found = wrong(forged(tmp_path, rewritten(path.read_bytes(), figure_changed)))
    assert [text for part, text in found if part == "figures"] == [
        "control matrix, CHG-02: Population is printed as 2, by what is attached it is 203"
    ]


def test_an_attachment_that_was_changed_is_named(
    wrong: Wrong, path: Path, report: Report, tmp_path: Path
) -> None:
    fewer = dataclasses.replace(report, landings=report.landings[1:])
    for name in ("changes.csv", "changes.parquet"):
        other = attached.populations(fewer)[name]
        found = wrong(
            forged(tmp_path, rewritten(path.read_bytes(), lambda writer, n=name, o=other: put(writer, n, o)))
        )
        assert any(
            part == "attachments" and text.startswith(f"{name}: its sha256 is") for part, text in found
        )
        if name.endswith("parquet"):
            assert ("figures", "annex A: 24 rows are printed, 23 are attached") in found
            assert any("summary: not on the pages, as counted anew" in text for _, text in found)


def test_an_attachment_that_is_missing_or_too_much_is_named(wrong: Wrong, path: Path, tmp_path: Path) -> None:
    def drop(writer: pypdf.PdfWriter) -> None:
        names = writer.root_object["/Names"]["/EmbeddedFiles"]["/Names"]
        at = list(names).index("exceptions.csv")
        del names[at : at + 2]

    def rename(writer: pypdf.PdfWriter) -> None:
        names = writer.root_object["/Names"]["/EmbeddedFiles"]["/Names"]
        names[list(names).index("exceptions.csv")] = create_string_object("exceptions-2.csv")

    found = wrong(forged(tmp_path, rewritten(path.read_bytes(), drop)))
    assert ("attachments", "exceptions.csv: results.json lists it, and it is not attached") in found
    found = wrong(forged(tmp_path, rewritten(path.read_bytes(), rename)))
    assert ("attachments", "exceptions-2.csv: is attached, and not listed") in found


def test_assessment_results_that_say_other_than_results_are_named(
    wrong: Wrong, path: Path, tmp_path: Path
) -> None:
    def change(writer: pypdf.PdfWriter) -> None:
        said = embedded(writer, attached.OSCAL).get_data()
        assert b"not-satisfied" in said
        put(writer, attached.OSCAL, said.replace(b"not-satisfied", b"satisfied"))

    found = wrong(forged(tmp_path, rewritten(path.read_bytes(), change)))
    assert ("attachments", "assessment-results.json: not what results.json gives") in found


def test_a_manifest_that_is_another_or_missing_is_named(
    wrong: Wrong, path: Path, chain: Store, tmp_path: Path
) -> None:
    first = (chain.root / "manifests" / "000001.json").read_bytes()
    found = wrong(
        forged(tmp_path, rewritten(path.read_bytes(), lambda writer: put(writer, "manifest.json", first)))
    )
    assert ("attachments", "manifest.json: is number 1, the report names 2") in found
    assert any(text.startswith("manifest.json: its sha256 is") for _, text in found)
    bad = bytearray(last_manifest(chain) or b"")
    bad[40] ^= 1
    found = wrong(
        forged(
            tmp_path, rewritten(path.read_bytes(), lambda writer: put(writer, "manifest.json", bytes(bad)))
        )
    )
    assert any(text.startswith("manifest.json: its sha256 is") for _, text in found)


def test_results_that_were_changed_are_found_by_what_they_list_and_by_the_bytes(
    wrong: Wrong, path: Path, report: Report, tmp_path: Path
) -> None:
    better = dataclasses.replace(
        report, controls=[dataclasses.replace(c, exceptions=[]) for c in report.controls]
    )
    other = result.to_json(better)
    found = wrong(
        forged(tmp_path, rewritten(path.read_bytes(), lambda writer: put(writer, "results.json", other)))
    )
    assert any(text.startswith("exceptions.csv: its sha256 is") for _, text in found)
    assert any(part == "bytes" for part, _ in found)


def test_a_byte_that_changes_anywhere_is_found(wrong: Wrong, path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    for share in (0.02, 0.35, 0.999):
        changed = bytearray(data)
        changed[int(len(data) * share)] ^= 1
        copy = forged(tmp_path, bytes(changed))
        try:
            found = wrong(copy)
        except IntegrityError:
            continue
        assert found


def test_a_reader_that_stumbles_over_broken_bytes_says_so_and_never_breaks_down(path: Path) -> None:
    """Anywhere in the file, its cross-reference stream included, which each reader unpacks by itself."""
    data = path.read_bytes()
    start = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
    dice = random.Random(7)
    places = [dice.randrange(len(data)) for _ in range(15)]
    places += [dice.randrange(start, len(data)) for _ in range(15)]
    refused = 0
    for place in places:
        broken = bytearray(data)
        broken[place] ^= 1 << dice.randrange(8)
        told = signatures.checks(bytes(broken), [])
        assert [one.part for one in told] == ["signature"]
        refused += told[0].verdict is Verdict.DIFFERS
        with contextlib.suppress(IntegrityError):
            printed(opening.open_pdf("report.pdf", bytes(broken)).reader)
    assert refused > 5


def test_what_is_appended_is_found(wrong: Wrong, path: Path, tmp_path: Path) -> None:
    writer = pypdf.PdfWriter(io.BytesIO(path.read_bytes()), incremental=True)
    writer.pages[1].rotate(90)
    out = io.BytesIO()
    writer.write(out)
    assert out.getvalue().startswith(path.read_bytes())
    found = wrong(forged(tmp_path, out.getvalue()))
    assert [part for part, _ in found] == ["bytes"]
    assert "bytes follow the report that results.json gives" in found[0][1]


def test_a_report_that_was_made_anew_with_everything_in_it_says_so_itself_and_no_more(
    chain: Store, tmp_path: Path
) -> None:
    """The limit of what a file can prove of itself: without a signature, a whole other report is a report."""
    path = tmp_path / "other.pdf"
    pdf.render(report_of(chain, 7), path, manifest=last_manifest(chain))
    done = verify(path, lay_out=lambda _results, _manifest: path.read_bytes())
    assert {one.verdict for one in done.checks} == {Verdict.AGREES, Verdict.NOTE}
    assert "not another one made anew" in done.checks[0].text


def test_every_word_of_the_pages_is_held_against_the_results(unsigned: bytes, whole_report: Report) -> None:
    """Whatever versions laid them out: cover, completeness, settings, every column of the annexes."""
    pages = printed(opening.open_pdf("report.pdf", unsigned).reader)
    code = result.code()
    assert [one.verdict for one in texts.checks(pages, whole_report, code)] == [Verdict.AGREES]
    (other,) = texts.checks(pages, whole_report, "another")
    assert other.verdict is Verdict.NOTE
    (first, *rest), (source, *others) = whole_report.landings, whole_report.sources
    for forged, told in (
        ({"organisation": "Another Organisation"}, "AnotherOrganisation"),
        ({"landings": [dataclasses.replace(first, approvers=["nobody"]), *rest]}, "| nobody |"),
        ({"sources": [dataclasses.replace(source, noise=77), *others]}, "| 77 |"),
        ({"parameters": []}, "samples[1].seed"),
        ({"classification": "Public"}, "facts: the results give Classification | Public"),
    ):
        found = texts.checks(pages, dataclasses.replace(whole_report, **forged), code)
        assert {one.verdict for one in found} == {Verdict.DIFFERS}
        assert any(told in one.text for one in found), [one.text for one in found]


def test_a_report_by_other_versions_is_not_proved(
    wrong: Wrong, path: Path, report: Report, tmp_path: Path
) -> None:
    old = result.made_with() | {"weasyprint": "1.0"}
    pdf.render(report, tmp_path / "old.pdf", made=old)
    found = wrong(tmp_path / "old.pdf")
    assert ("attachments", "manifest.json: the last manifest is not attached") in found
    assert next(text for part, text in found if part == "bytes").startswith(
        "its bytes can't be compared: it was made with weasyprint 1.0 (here "
    )


def test_what_is_no_report_is_told_with_its_reason(tmp_path: Path) -> None:
    bomb = b"%PDF-1.7\n1 0 obj\n<</Length 9/Filter/FlateDecode>>\nstream\n" + zlib.compress(
        bytes(1_100_000_000), 1
    )
    for data, told in (
        (b"text", "not a PDF"),
        (b"%PDF-1.7\nnothing", "can't be read as a PDF"),
        (b"%PDF-1.7\n<</Filter [/FlateDecode /FlateDecode]>>", "packed more than once"),
        (bomb, "unpacks to more than"),
    ):
        with pytest.raises(IntegrityError, match=told):
            verify(forged(tmp_path, data))
    with pytest.raises(UsageError, match="can't be read"):
        verify(tmp_path / "none.pdf")
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    writer.add_attachment("results.json", b"{}")
    writer.write(tmp_path / "blank.pdf")
    with pytest.raises(IntegrityError):
        verify(tmp_path / "blank.pdf")


@pytest.mark.parametrize("size", [opening._STEP - 1, opening._STEP, opening._STEP + 1, 2 * opening._STEP])
@pytest.mark.parametrize("behind", [b"", b"\nendstream", bytes(3 * opening._STEP)])
def test_a_stream_that_ends_where_a_step_of_unpacking_does_is_measured(size: int, behind: bytes) -> None:
    """What stands behind it may be left over by the step that reached its end, and is none of it."""
    for content in (bytes(size), random.Random(size).randbytes(size)):
        packed = memoryview(zlib.compress(content) + behind)
        assert opening._unpacked(packed, opening.LARGEST) == size


def test_pages_are_read_cell_by_cell(path: Path) -> None:
    found = printed(opening.open_pdf("report.pdf", path.read_bytes()).reader)
    matrix = found.table(
        "Control", "Statement tested", "Population", "Exceptions", "Waived", "Conclusion", "Since 2026Q2"
    )
    assert matrix is not None
    assert [len(row) for row in matrix.rows] == [7] * len(CONTROLS)
    assert "Summary" in found.paragraphs


def test_results_are_read_back_as_they_were_written(report: Report) -> None:
    content = result.to_json(report)
    back, plain = result.from_json(content)
    assert back == report
    assert result.to_json(back) == content
    assert [one["name"] for one in plain["attachments"]] == list(attached.populations(report))
    for bad in (b"", b"[]", b"{}", b"[" * 100_000):
        with pytest.raises(IntegrityError, match="not the results of a report"):
            result.from_json(bad)


def test_a_reconciliation_that_its_items_do_not_give_is_named(
    wrong: Wrong, path: Path, report: Report, tmp_path: Path
) -> None:
    rest = [row for row in report.reconciled if row.outcome != "by hand"]
    other = attached.populations(dataclasses.replace(report, reconciled=rest))["reconciliation.parquet"]
    found = wrong(
        forged(
            tmp_path,
            rewritten(path.read_bytes(), lambda writer: put(writer, "reconciliation.parquet", other)),
        )
    )
    texts = [text for part, text in found if part == "figures"]
    assert "reconciliation, By hand: Items is printed as 1, by what is attached it is 0" in texts
    assert any(text.startswith("reconciliation: 18 rows are printed, 17 are attached") for text in texts)
