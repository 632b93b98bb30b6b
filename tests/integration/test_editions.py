"""A quarter that was reported stays as it was reported; what comes later leads to a restatement that says why."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from audit import pipeline
from audit import tables as t
from audit.cli import main
from audit.errors import ExitCode, IntegrityError
from audit.evidence.editions import freeze, last
from audit.evidence.manifest import frozen, load_all, paths
from audit.evidence.store import Store
from audit.evidence.verify import verify
from audit.metrics.reported import before as reported_before
from audit.pipeline import Run
from audit.report.counted import trends
from audit.report.restated import restatement
from audit.report.shapes import Restatement
from audit.settings import load
from tests.integration.conftest import Ran, judge_few, with_short_report

REPORTED = datetime(2026, 10, 5, 6, tzinfo=UTC)
LATER = datetime(2026, 12, 1, 6, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def _few_controls() -> Iterator[None]:
    """What is held of editions here is the same however many controls there are; where it is not, `all_controls` are judged."""
    with pytest.MonkeyPatch.context() as patch:
        judge_few(patch)
        yield


@pytest.fixture
def folder(short: Path, tmp_path: Path) -> Path:
    """An organisation of one's own, of which nothing was collected yet."""
    return Path(shutil.copytree(short, tmp_path / "organisation"))


@pytest.fixture
def reported(short_ran: Path, tmp_path: Path) -> Path:
    """An organisation of one's own, of which 2026Q3 was reported."""
    return Path(shutil.copytree(short_ran, tmp_path / "reported"))


def run(folder: Path, as_of: datetime, *, quarter: str = "2026Q3", draft: bool = False) -> Run:
    settings = load(folder / "audit.toml")
    return pipeline.run(settings, settings.quarter(quarter), as_of, draft=draft)


def withhold(folder: Path, source: str, pattern: str) -> dict[Path, Path]:
    """Objects taken out of a source's folder, by where they belong."""
    aside = folder / "withheld"
    aside.mkdir()
    moved = {}
    for path in sorted((folder / "evidence" / source).rglob("*")):
        if path.is_file() and re.search(pattern, path.name):
            moved[path] = path.rename(aside / f"{len(moved)}-{path.name}")
    assert moved
    return moved


def bring_back(moved: dict[Path, Path]) -> None:
    for path, aside in moved.items():
        aside.rename(path)


def restated(done: Run) -> Restatement:
    assert done.published is not None
    assert done.published.restates is not None
    return done.published.restates


def test_what_was_reported_is_the_same_file_when_nothing_that_came_later_changes_it(reported: Path) -> None:
    store = Store(reported / "audit-store")
    pdf = store.root / "quarters" / "2026Q3" / "report.pdf"
    content, manifests = pdf.read_bytes(), len(load_all(store))
    pdf.unlink()
    again = run(reported, LATER)
    assert again.published is not None
    assert (again.published.edition, again.published.new, again.published.restates) == (1, False, None)
    assert again.as_of == REPORTED
    assert pdf.read_bytes() == content
    assert len(load_all(store)) == manifests
    assert [(one.quarter, one.edition) for one in frozen(load_all(store))] == [("2026Q3", 1)]


def test_the_manifest_that_freezes_a_report_has_its_numbers_and_they_tie(reported: Path) -> None:
    """From objects listed to rows, source by source, and the same ones as the report's."""
    store = Store(reported / "audit-store")
    (one,) = frozen(load_all(store))
    said = json.loads((store.root / "reported" / "2026Q3" / "1" / "results.json").read_text(encoding="utf-8"))
    assert [each.source for each in one.tallies] == [row["source_name"] for row in said["counts"]]
    records = {row["name"]: row for row in said["sources"]}
    for each, row in zip(one.tallies, said["counts"], strict=True):
        assert each.objects == {name: row[name] for name in each.objects}
        assert each.objects["listed"] == each.objects["collected"] + each.objects["unread"] > 0
        parts = ("read", "out_of_period", "quarantined")
        assert each.objects["stored"] == sum(each.objects[part] for part in parts)
        assert each.records == {name: records[each.source][name] for name in each.records}
        assert each.records["records"] == sum(each.records[part] for part in ("kept", "noise", "quarantined"))
        ties = [tie for tie in said["ties"] if tie["source"] == each.source]
        assert each.rows == {name: sum(tie[name] for tie in ties) for name in each.rows}
        parts = ("kept", "duplicates", "out_of_period")
        assert each.rows["parsed"] == sum(each.rows[part] for part in parts)
    assert sum(each.rows["out_of_period"] for each in one.tallies) > 0
    assert sum(each.rows["kept"] for each in one.tallies) > 0


@pytest.mark.usefixtures("all_controls")
def test_a_source_that_can_not_be_reached_later_takes_nothing_away_from_what_was_reported(
    ran: Ran, tmp_path: Path
) -> None:
    """Its objects are in the store: it gave them whole when the quarter was over."""
    reported = Path(shutil.copytree(ran.folder, tmp_path / "reported"))
    (reported / "evidence").rename(reported / "elsewhere")
    again = run(reported, LATER)
    assert again.published is not None
    assert again.problems
    assert (again.published.edition, again.published.new, again.published.restates) == (1, False, None)
    assert again.exit_code == ExitCode.EVIDENCE


def test_late_evidence_is_restated_with_what_it_changed_and_the_objects_it_came_in(folder: Path) -> None:
    moved = withhold(folder, "prod-audit", "2026-08")
    first = run(folder, REPORTED)
    before = pd.read_parquet(first.folder / "tables" / "cluster_writes.parquet")
    known = set(first.tables["evidence_objects"]["sha256"])
    kept = {
        path.relative_to(folder / "audit-store"): path.read_bytes()
        for path in (folder / "audit-store" / "reported").rglob("*")
        if path.is_file()
    }
    bring_back(moved)
    second = run(folder, LATER)
    what = restated(second)
    assert second.published is not None
    assert (second.published.edition, what.number) == (2, 1)
    objects = second.tables["evidence_objects"]
    late = set(objects["sha256"]) - known
    assert (~objects["sha256"].isin(known)).sum() == len(moved)

    new = second.tables["cluster_writes"]
    new = new[second.period.holds(new["at"])]
    before = before[second.period.holds(before["at"])]
    added = [row for row in what.rows if row.table == "cluster_writes" and row.what == "added"]
    assert len(added) == len(new) - len(before) > 0
    assert all(row.evidence and row.evidence[0].partition(":")[0] in late for row in added)
    assert {row.what for row in what.rows if row.table == "cluster_writes"} == {"added"}

    [cause] = [cause for cause in what.causes if cause.kind == "late evidence"]
    assert cause.text.startswith(f"prod-audit: {len(moved)} objects collected 2026-12-01T06:00:00Z")
    named = {text.rpartition("(")[2].rstrip(")") for text in cause.objects if text.endswith(")")}
    assert named == late
    assert {each.kind for each in what.causes} == {"late evidence"}

    for path, content in kept.items():
        assert (folder / "audit-store" / path).read_bytes() == content
    text = subprocess.run(
        ["pdftotext", "-layout", str(second.folder / "report.pdf"), "-"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "edition 2, which restates edition 1" in text
    assert "What this edition restates" in text
    assert "Late evidence" in text
    written = json.loads((second.folder / "results.json").read_text(encoding="utf-8"))
    assert len(written["restates"]["rows"]) == len(what.rows)


@pytest.mark.usefixtures("all_controls")
def test_what_happened_after_the_report_restates_nothing(pristine: Path, tmp_path: Path) -> None:
    """The next quarter's records come to the same sources and tables: what was reported is judged without them."""
    folder = with_short_report(Path(shutil.copytree(pristine, tmp_path / "organisation")))
    moved = withhold(folder, ".", r"2026-0[89]")
    first = run(folder, datetime(2026, 7, 5, 6, tzinfo=UTC), quarter="2026Q2")
    assert first.published is not None
    assert first.published.edition == 1
    bring_back(moved)
    later = run(folder, REPORTED, quarter="2026Q2")
    assert later.published is not None
    assert (later.published.new, later.published.restates) == (False, None)
    assert set(later.tables["evidence_objects"]["sha256"]) > set(first.tables["evidence_objects"]["sha256"])


def test_a_setting_that_changed_since_is_named_as_a_cause(reported: Path) -> None:
    settings = reported / "audit.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(f"severities = {{ CHG-01 = 'low', CLU-01 = 'low' }}\n{text}", encoding="utf-8")
    what = restated(run(reported, LATER))
    measured = [row for row in what.rows if row.table == "metrics"]
    assert {row.column for row in what.rows if row.table != "metrics"} == {"severity"}
    assert measured
    told = [row.subject for row in measured if "violation" in row.subject or "resolve_time" in row.subject]
    assert len(told) == len(measured)
    assert all("severity" in subject for subject in told)
    assert [cause.kind for cause in what.causes] == ["setting"] * len(what.causes)
    assert [cause.text for cause in what.causes if "CHG-01" in cause.text]


def test_nothing_is_frozen_of_a_draft_or_of_a_quarter_that_runs(reported: Path) -> None:
    settings = load(reported / "audit.toml")
    draft = pipeline.report(settings, pipeline.checked(settings, settings.quarter("2026Q3")), draft=True)
    assert (draft.edition, draft.new) == (0, True)
    assert json.loads((draft.path.parent / "results.json").read_text(encoding="utf-8"))["status"] == "draft"
    running = pipeline.check(settings, settings.quarter("2026Q4"), REPORTED)
    assert pipeline.report(settings, running).edition == 0
    assert [(one.quarter, one.edition) for one in frozen(load_all(Store(settings.store_path)))] == [
        ("2026Q3", 1)
    ]


@pytest.mark.parametrize("harm", ["changed", "removed", "sealed anew", "added"])
def test_a_frozen_report_that_was_touched_is_noticed(
    reported: Path, harm: str, capfd: pytest.CaptureFixture[str]
) -> None:
    edition = reported / "audit-store" / "reported" / "2026Q3" / "1"
    report = edition / "report.pdf"
    match harm:
        case "changed":
            report.chmod(0o644)
            report.write_bytes(report.read_bytes() + b"\n")
            expected = "reported/2026Q3/1: report.pdf is not what was reported"
        case "removed":
            shutil.rmtree(edition)
            expected = "reported/2026Q3/1: the report that was frozen is gone"
        case "sealed anew":
            (edition / "done").chmod(0o644)
            (edition / "done").write_text("{}\n", encoding="utf-8")
            expected = "reported/2026Q3/1: its seal is not the one that the manifest names"
        case _:
            shutil.copytree(edition, edition.with_name("2"))
            (edition.parents[1] / "2026Q2").write_bytes(b"")
            expected = "reported/2026Q3/2: no manifest names it"
            assert "reported/2026Q2: no manifest names it" in verify(Store(reported / "audit-store"))
    assert expected in verify(Store(reported / "audit-store"))
    settings = ["--settings", str(reported / "audit.toml")]
    assert main(["verify-evidence", *settings]) == ExitCode.INTEGRITY
    assert expected in capfd.readouterr().err
    if harm != "added":
        with pytest.raises(IntegrityError, match=re.escape(expected)):
            run(reported, LATER)


def test_nothing_is_frozen_on_a_chain_that_was_changed(
    reported: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The next manifest is signed, and would vouch for what was changed before it."""
    store = Store(reported / "audit-store")
    found = paths(store)
    found[-1].with_name(f"{len(found) + 1:06}.json").write_bytes(found[-1].read_bytes())
    assert main(["report", "--quarter", "2026Q3", "--settings", str(reported / "audit.toml")]) == 4
    assert f"says that it is manifest {len(found):06}" in capfd.readouterr().err
    assert len(paths(store)) == len(found) + 1


def test_an_edition_that_a_killed_run_left_without_its_manifest_is_made_anew(reported: Path) -> None:
    store = Store(reported / "audit-store")
    first = last(store, "2026Q3")
    assert first is not None
    left = store.root / "reported" / "2026Q3" / "2"
    left.mkdir()
    (left / "report.pdf").write_bytes(b"half")
    assert verify(store) == ["reported/2026Q3/2: no manifest names it"]
    second = freeze(store, store.root / "quarters" / "2026Q3", "2026Q3", first.facts)
    assert (second.number, second.folder) == (2, left)
    assert verify(store) == []
    assert last(store, "2026Q3") == second


def test_entries_found_to_be_one_person_restate_the_quarter_until_they_are_parted_again(
    reported: Path,
) -> None:
    """A merge of the roster overwrites nothing: without it, the quarter is told as it was told first."""
    roster = reported / "roster.yaml"
    text = roster.read_text(encoding="utf-8")
    settings = load(reported / "audit.toml")
    period = settings.quarter("2026Q3")
    edition = last(Store(settings.store_path), period.label)
    assert edition is not None

    def restated_by(roster_text: str) -> Restatement | None:
        roster.write_text(roster_text, encoding="utf-8")
        found = pipeline.check(settings, period, LATER, keep_report=True)
        return restatement(edition, found.tables, edition.facts, period)

    one = text.replace("- id: bokafor\n", "- id: bokafor\n    same_as: {id: alindqvist, from: 2026-01-01}\n")
    what = restated_by(one)
    assert what is not None
    assert "roster: 'bokafor' was found to be 'alindqvist'" in [cause.text for cause in what.causes]
    assert {cause.kind for cause in what.causes} == {"roster"}
    changed = {(row.before, row.after) for row in what.rows if row.column == "person"}
    assert changed == {("bokafor", "alindqvist")}
    assert restated_by(text) is None


def test_violations_of_earlier_quarters_are_those_that_were_reported(ran: Ran) -> None:
    """By control, severity, system and team; a quarter that was not reported says so, and is no zero."""
    settings = load(ran.folder / "audit.toml")
    found = t.read_as_written(ran.store / "quarters" / "2026Q3" / "tables" / "metrics.parquet")
    found = found[found["metric"].eq("violations")]
    assert set(found["quarter"]) == {"2025Q4", "2026Q1", "2026Q2", "2026Q3"}
    then = found[found["quarter"].eq("2026Q3")]
    before = reported_before(Store(ran.store), settings, settings.quarter("2026Q4"))
    rows = before[before["metric"].eq("violations")]
    by = ["dimension", "group", "value", "note"]
    assert sorted(rows.loc[rows["quarter"].eq("2026Q3"), by].itertuples(index=False)) == sorted(
        then[by].itertuples(index=False)
    )
    lacking = rows[rows["quarter"].ne("2026Q3")].set_index("quarter")
    assert sorted(lacking.index) == ["2026Q1", "2026Q2"]
    assert lacking["value"].isna().all()
    assert lacking.at["2026Q2", "note"] == "2026Q2 was not reported: no edition of it says what failed"
    now = then.assign(quarter="2026Q4", value=then["value"].mask(then["dimension"].eq("all"), 0.0))
    now = now[now["dimension"].eq("all")]
    drawn = {trend.id: trend for trend in trends(pd.concat([before, now], ignore_index=True), [])}
    chart = drawn["violations"]
    assert chart.labels == ["2026Q1", "2026Q2", "2026Q3", "2026Q4"]
    assert [series.name for series in chart.series] == ["Critical", "High", "Medium", "Low"]
    assert [[series.values[place] for series in chart.series] for place in (0, 3)] == [[None] * 4, [0.0] * 4]
    assert sum(series.values[2] or 0 for series in chart.series) == rows["value"].max()
    assert "violations" not in {trend.id for trend in trends(before, [])}
