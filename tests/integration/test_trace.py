"""Every number and finding of a report leads back to what it was made of, down to raw lines and commits."""

from __future__ import annotations

import gzip
import json
import re
import statistics
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from audit import metrics, pipeline
from audit.cli import main
from audit.controls.registry import CONTROLS
from audit.errors import ExitCode, UsageError
from audit.evidence.manifest import load_all
from audit.evidence.store import Store
from audit.metrics.interface import Median
from audit.pipeline import Run
from audit.settings import Settings, load
from audit.trace import Trace, raw, trace
from tests.integration.conftest import Ran


@pytest.fixture(scope="module")
def settings(ran: Ran) -> Settings:
    return load(ran.folder / "audit.toml")


@pytest.fixture(scope="module")
def checked(settings: Settings) -> Run:
    """The quarter as it was reported."""
    return pipeline.checked(settings, settings.quarter("2026Q3"))


def find(name: str, checked: Run, settings: Settings, *, limit: int | None = 0) -> Trace:
    return trace(name, checked.tables, settings, checked.period, as_of=checked.as_of, limit=limit)


def lines_of(store: Path, sha256: str) -> list[str]:
    """Values of an object of JSON lines, as they lie there, by another reader than the product's."""
    content = (store / "objects" / sha256[:2] / sha256).read_bytes()
    content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    return [line for line in content.decode().split("\n") if line.strip()]


def test_every_exception_leads_to_the_very_lines_and_commits_that_prove_it(
    ran: Ran, checked: Run, settings: Settings
) -> None:
    exceptions = checked.tables["exceptions"]
    followed = 0
    for row in exceptions.itertuples():
        found = find(row.exception_id, checked, settings, limit=None)
        assert found.kind == "exception"
        assert found.facts["subject"] == row.subject
        pointed = row.evidence.split()
        assert set(pointed) <= {each.pointer for each in found.raw}
        for each in found.raw:
            assert not each.problem, (row.exception_id, each)
            where, _, line = each.pointer.partition(":")
            if line and each.where.startswith(
                ("dev-audit", "prod-audit", "staging-audit", "github-audit-log")
            ):
                whole = lines_of(ran.store, where)
                if each.text in whole:  # not pretty-printed, nor an array
                    assert whole[int(line) - 1] == each.text
                    followed += 1
    assert len(exceptions) > 5
    assert followed > 3


def test_a_commit_is_shown_as_git_shows_it(ran: Ran, checked: Run, settings: Settings) -> None:
    landing = checked.tables["landings"].iloc[-1]
    found = find(f"{landing['repo']}@{landing['head_sha'][:12]}", checked, settings, limit=None)
    [shown] = [raw for raw in found.raw if raw.pointer == f"{landing['repo']}@{landing['head_sha']}"]
    mirror = next((ran.store / "mirrors").iterdir())
    said = subprocess.run(
        ["git", "-C", str(mirror), "cat-file", "commit", landing["head_sha"]],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    header, _, _ = said.partition("\n\n")
    for line in header.splitlines()[:3]:
        assert line in shown.text
    assert landing["subject"] in shown.text


RARE = {
    "restore_time",
    "degraded_time",
    "promotion_soak",
    "vulnerability_age",
    "scan_cadence",
    "unread_approvals",
}
"""Figures of what may not have happened in a small organisation's quarter."""


def test_every_figure_is_what_its_items_come_to(checked: Run, settings: Settings) -> None:
    table = checked.tables["metrics"]
    table = table[table["quarter"].eq("2026Q3") & table["value"].notna()]
    figures = {metric.id: metric.figure for metric in (*metrics.METRICS, *metrics.JUDGED)}
    assert set(table["metric"]) >= figures.keys() - RARE
    every = {
        metric: metrics.made_of(metric, checked.tables, settings, checked.period, as_of=checked.as_of)
        for metric in figures
    }
    for row in table.itertuples():
        name = row.metric if row.dimension == "all" else f"{row.metric}:{row.dimension}={row.group}"
        made = every[row.metric]
        made = made[made["dimension"].eq(row.dimension) & made["group"].eq(row.group)]
        values = [float(value) for value in made["value"].dropna()]
        assert (made["part"] == "undetermined").sum() == row.undetermined
        if isinstance(figures[row.metric], Median):
            assert (len(values), len(made)) == (row.numerator, row.denominator)
            assert statistics.median(values) == pytest.approx(row.value)
        elif row.unit == "share":
            assert (sum(values), len(values)) == (row.numerator, row.denominator)
        else:
            assert sum(values) == row.numerator
        if row.dimension not in ("all", "kind", "team"):
            continue
        found = find(name, checked, settings)
        assert (found.kind, len(found.items)) == ("figure", len(made))
        assert {item.subject for item in found.items} == set(made["subject"])


def test_every_control_is_what_was_tested_and_what_failed(checked: Run, settings: Settings) -> None:
    for row in checked.tables["conclusions"].itertuples():
        found = find(row.control, checked, settings)
        failed = [item for item in found.items if item.role == "failed"]
        assert len(failed) <= row.exceptions
        assert len(found.items) == (0 if row.population is pd.NA else row.population)
        assert {item.role for item in found.items} <= {"passed", "failed"}
    assert len(checked.tables["conclusions"]) == len(CONTROLS)


def test_rows_of_the_annexes_are_traced_by_their_numbers(ran: Ran, checked: Run, settings: Settings) -> None:
    report = json.loads((checked.folder / "results.json").read_text(encoding="utf-8"))
    for row in (report["landings"][0], report["landings"][-1]):
        found = find(f"A{row['number']}", checked, settings)
        assert found.kind == "change"
        assert found.facts["head_sha"] == row["head_sha"]
        assert {item.role for item in found.items} >= {"landing"}
    row = report["deployments"][0]
    found = find(f"B{row['number']}", checked, settings, limit=None)
    assert found.kind == "deployment"
    assert [item.subject for item in found.items if item.role == "deployment"] == [
        f"{row['cluster']}/{row['application']}@{row['started_at']}"
    ]
    assert len([item for item in found.items if item.role == "carried"]) == row["carried"]
    assert all(not raw.problem for raw in found.raw)


def test_whatever_else_a_report_prints_a_name_of_is_traced_by_it(
    ran: Ran, checked: Run, settings: Settings
) -> None:
    report = json.loads((checked.folder / "results.json").read_text(encoding="utf-8"))
    for name, rows, kind in (
        ("R", report["reconciled"], "reconciliation"),
        ("AR", report["rights"], "right"),
        ("E", report["evidence"], "evidence"),
    ):
        for row in (rows[0], rows[-1]):
            found = find(f"{name}{row['number']}", checked, settings)
            assert found.kind == kind
            own = {"evidence": "sha256", "right": "right_id", "reconciliation": "item"}[kind]
            assert found.facts[own] == row[own]
    [(number, sha256)] = [(row["number"], row["sha256"]) for row in report["evidence"][:1]]
    line = find(f"E{number}:1", checked, settings, limit=None)
    assert [each.pointer for each in line.raw] == [f"{sha256}:1"]
    for row in report["gaps"]:
        found = find(row["id"], checked, settings)
        assert (found.kind, found.facts["gap"]) == ("gap", row["text"])
        assert [item.subject for item in found.items] == row["controls"]
    assert report["gaps"]
    right = report["rights"][0]
    assert find(right["right_id"], checked, settings).facts["number"] == "1"
    for row in report["waivers"]:
        found = find(row["id"], checked, settings)
        assert found.kind == "waiver"
        covered = [item.subject for item in found.items if item.role == "waived"]
        assert len(covered) >= row["uses"]
        assert any(item.pointers[0] == row["evidence"][0] for item in found.items if item.role == "waiver")
    assert any(row["uses"] for row in report["waivers"])
    for row in report["emergencies"]:
        found = find(row["ticket"], checked, settings, limit=None)
        assert (found.kind, found.facts["ticket"]) == ("emergency", row["ticket"])
        assert any(raw.text and not raw.problem for raw in found.raw)
    assert report["emergencies"]


def test_a_change_comes_with_its_reviews_checks_and_deployments(checked: Run, settings: Settings) -> None:
    tables = checked.tables
    changes = tables["changes"]
    carried = tables["deployment_landings"]["head_sha"]
    change = changes[changes["approvals_standing"].ge(1) & changes["head_sha"].isin(carried)].iloc[-1]
    found = find(f"{change['repo']}#{change['pr_number']}", checked, settings, limit=None)
    roles = {item.role for item in found.items}
    assert roles >= {"pull request", "review", "check", "landing", "deployment", "reaches"}
    reviews = tables["reviews"]
    reviews = reviews[reviews["number"].eq(change["pr_number"])]
    assert len([item for item in found.items if item.role == "review"]) == len(reviews)
    assert found.pointers == len(found.raw)
    texts = {raw.pointer: raw.text for raw in found.raw}
    for row in reviews.itertuples():
        assert str(row.review_id) in texts[f"{row.evidence}:{row.line}"]


def test_a_line_an_object_and_a_source_say_what_became_of_them(checked: Run, settings: Settings) -> None:
    row = checked.tables["cluster_writes"].iloc[0]
    line = find(f"{row['evidence'][:12]}:{row['line']}", checked, settings, limit=None)
    assert line.kind == "evidence"
    assert row["audit_id"] in line.raw[0].text
    whole = find(f"{row['evidence']}:{row['line']}", checked, settings)
    assert {item.role for item in whole.items} >= {"line", "cluster_access", "cluster_writes"}
    objects = checked.tables["evidence_objects"]
    source = find("prod-audit", checked, settings)
    own = objects[objects["source_name"].eq("prod-audit")]
    assert len([item for item in source.items if item.role == "object"]) == len(own)
    assert source.facts["records"] == str(own["records"].sum())
    assert find(row["evidence"], checked, settings).facts["sha256"] == row["evidence"]


def test_pointers_to_wholes_and_to_nothing_say_so(ran: Ran, checked: Run, settings: Settings) -> None:
    first, last = (load_all(Store(ran.store))[index] for index in (0, -1))
    tipped = next(one for one in load_all(Store(ran.store)) if one.tips)
    [(repo, refs)] = tipped.tips.items()
    objects = checked.tables["evidence_objects"]
    asked = [f"manifest:{tipped.sha256}", first.sha256, repo, "0" * 64, f"{repo}@{'0' * 40}", "x@" + "0" * 40]
    known = objects["sha256"].iloc[0]
    shown = raw.read([*asked, known, f"{known}:999999", f"{'0' * 64}:1"], objects, settings)
    problems = [bool(each.problem) for each in shown]
    assert problems == [False, False, False, True, True, True, False, True, True]
    assert next(iter(refs.values())) in shown[0].text
    assert shown[1].where.startswith("manifest 1 of ")
    assert last.reported


def test_the_command_prints_text_and_json_and_names_what_it_does_not_know(
    ran: Ran, capfd: pytest.CaptureFixture[str]
) -> None:
    where = ["--quarter", "2026Q3", "--settings", str(ran.folder / "audit.toml")]
    assert main(["trace", "lead_time", *where]) == 0
    assert "figure lead_time" in capfd.readouterr().out
    assert main(["trace", "CHG-01", *where, "--json", "--limit", "1"]) == 0
    printed = json.loads(capfd.readouterr().out)
    assert (printed["kind"], printed["name"]) == ("control", "CHG-01")
    assert len(printed["raw"]) == min(1, printed["pointers"])
    assert main(["trace", "nothing-of-the-kind", *where]) == ExitCode.USAGE
    assert "2026Q3 has nothing that is called 'nothing-of-the-kind'" in capfd.readouterr().err
    for wrong, right in (("lead-tim", "lead_time"), ("CHG-1", "CHG-01"), ("prod-adit", "prod-audit")):
        assert main(["trace", wrong, *where]) == ExitCode.USAGE
        assert f"'{wrong}'; did you mean '{right}'?" in capfd.readouterr().err


@pytest.mark.parametrize(
    "name",
    [
        "A0",
        "A999999",
        "E0:1",
        "G0",
        "G999999",
        "CHG-99",
        "CHG-01-0000000000",
        "f" * 64,
        "x#1",
        "a/b@2026-01-01T00:00:00Z",
        "",
    ],
)
def test_what_is_not_there_is_no_trace(checked: Run, settings: Settings, name: str) -> None:
    with pytest.raises(UsageError, match="has nothing that is called"):
        find(name, checked, settings)


def test_a_lead_time_names_with_each_landing_the_deployments_that_ended_it(
    checked: Run, settings: Settings
) -> None:
    found = find("lead_time", checked, settings)
    landed = checked.tables["landings"].assign(name=lambda rows: rows["repo"] + "@" + rows["head_sha"])
    at = landed.set_index("name")["landed_at"]
    timed = [item for item in found.items if item.says]
    assert timed
    for item in timed:
        hours, until, names = re.fullmatch(r"([\d.e+]+) hours, until (\S+): (.+)", item.says).groups()  # type: ignore[union-attr]
        took = (pd.Timestamp(until) - at[item.subject]).total_seconds() / 3600
        assert took == pytest.approx(float(hours), rel=1e-4)
        assert names
    carried = find(names.split(", ")[0], checked, settings)
    assert carried.kind == "deployment"
    assert item.subject in {one.subject for one in carried.items if one.role == "carried"}
