"""The file that a run leaves for the auditor: a validator finds it to be what it declares, and raw bytes give what is attached."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest

from audit.cli import main
from audit.errors import ExitCode
from audit.narrate import STAGES
from audit.reperform import _UNPROVED, _differing, _otherwise, reperformed
from audit.report import result
from audit.settings import load
from audit.verify import Verdict
from tests.integration.conftest import Ran
from tests.validating import require_valid


def _report(ran: Ran) -> Path:
    return ran.store / "quarters" / "2026Q3" / "report.pdf"


def test_a_final_report_is_archival_and_accessible(ran: Ran) -> None:
    """PDF/A-3a and PDF/UA-1, by veraPDF."""
    require_valid(_report(ran))


def test_every_population_is_made_anew_from_raw_bytes(
    ran: Ran, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By a copy of the store that has lost all but its proofs; nothing in it changes."""
    report = _report(ran)
    copy = tmp_path / "organisation"
    shutil.copytree(ran.folder, copy, symlinks=True)
    for name in ("kept", "mined", "parsed", "tables", "quarters"):
        shutil.rmtree(copy / "audit-store" / name, ignore_errors=True)
    before = {str(path): path.stat().st_mtime_ns for path in copy.rglob("*") if path.is_file()}
    arguments = ["verify", str(report), "--settings", str(copy / "audit.toml"), "--json"]
    assert main(arguments) == ExitCode.CLEAN
    told = capsys.readouterr()
    for stage in ("hold", "mine", "build", "check", "again"):
        assert f"{STAGES[stage]}: " in told.err
    rows, whole, left = json.loads(told.out)["checks"][-3:]
    assert (rows["part"], rows["verdict"]) == (whole["part"], whole["verdict"]) == ("store", "agrees")
    assert "changes, controls, deployments, emergencies, evidence, exceptions, figures" in rows["text"]
    assert "trends, controls, waivers, gaps, sources, counts, ties, coverage, quarantine" in whole["text"]
    assert (left["verdict"], left["text"][:15]) == ("note", "not from raw by")
    assert {str(path): path.stat().st_mtime_ns for path in copy.rglob("*") if path.is_file()} == before
    objects = sorted((copy / "audit-store" / "objects").rglob("*"))
    victim = next(path for path in objects if path.is_file() and path.stat().st_size > 200)
    victim.chmod(0o600)
    victim.write_bytes(b"\0" + victim.read_bytes()[1:])
    (check,) = reperformed(report, load(copy / "audit.toml"))
    assert check.verdict is Verdict.UNPROVED
    assert "nothing could be made anew from it" in check.text


def test_a_row_that_raw_bytes_do_not_give_is_told(ran: Ran) -> None:
    attachments = {name: found[0] for name, found in pypdf.PdfReader(_report(ran)).attachments.items()}
    head, first, *rest = attachments["changes.csv"].splitlines(keepends=True)
    assert rest
    fewer = attachments | {"changes.csv": b"".join([head, *rest])}
    assert list(_differing(attachments, attachments)) == []
    (more,) = _differing(attachments, fewer)
    assert more.startswith(
        "changes: 1 rows are attached that the raw bytes do not give, 0 are missing; the first: 1,"
    )
    (less,) = _differing(fewer, attachments)
    assert "0 rows are attached that the raw bytes do not give, 1 are missing" in less
    assert first.decode()[:20] in less


def test_each_field_of_the_results_that_raw_bytes_do_not_give_is_told(ran: Ran) -> None:
    report, _ = result.from_json(_report(ran).with_name("results.json").read_bytes())
    assert list(_otherwise(report, report)) == []
    (source, *others), (trend, *rest) = report.sources, report.trends
    drawn = [replace(trend.series[0], values=[123.0] * len(trend.labels)), *trend.series[1:]]
    forged = replace(
        report,
        organisation="Another",
        sources=[replace(source, records=source.records + 1_000_000), *others],
        trends=[replace(trend, series=drawn), *rest],
        gaps=report.gaps[1:],
        quarantine=[],
        queries=[],
        **dict.fromkeys(_UNPROVED, "of no matter"),
    )
    assert list(_otherwise(forged, report)) == [
        f"results.json: organisation is 'Another', the raw bytes give {report.organisation!r}",
        f"results.json: trends[0].series[0].values[0] is 123.0, the raw bytes give {trend.series[0].values[0]!r}",
        f"results.json: gaps[0].id is {report.gaps[1].id!r}, the raw bytes give 'G1'",
        f"results.json: sources[0].records is {source.records + 1_000_000}, the raw bytes give {source.records}",
        f"results.json: quarantine has 0 entries, the raw bytes give {len(report.quarantine)}",
        f"results.json: queries has 0 entries, the raw bytes give {len(report.queries)}",
    ]


def test_a_store_that_is_another_proves_nothing(ran: Ran, tmp_path: Path) -> None:
    settings = load(ran.folder / "audit.toml").model_copy(update={"store": str(tmp_path)})
    (check,) = reperformed(_report(ran), settings)
    assert check.verdict is Verdict.DIFFERS
    assert "has no manifest" in check.text


def test_what_to_act_on_names_an_owner_and_a_day(ran: Ran) -> None:
    """Of the demonstration organisation, whose settings say who owns what."""
    written = json.loads((_report(ran).parent / "results.json").read_text(encoding="utf-8"))
    findings = written["summary"]["findings"]
    assert len(findings) == 5
    assert all(each["owner"] and each["due"] > written["as_of"][:10] for each in findings)
    assert {"security team", "platform team"} <= {one["owner"] for one in written["controls"]}
