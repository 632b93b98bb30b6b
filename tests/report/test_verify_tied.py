"""What is attached to a report is held against what else is attached: each contradiction is named, whatever pages say.

Forged are the results, and the populations made from them: nothing is laid out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from verified import report_of, store_at

from audit.report import accessed, attached, counted, judged
from audit.report.shapes import ControlResult, Figure, Report, WaiverRow
from audit.verify.figures import _attached
from audit.verify.recounted import Populations


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return report_of(store_at(tmp_path_factory.mktemp("store")))


def wrong(report: Report) -> list[str]:
    """What the checks of the populations that a report has attached say."""
    populations = Populations(**{name: list(rows) for name, (_, rows) in attached.rows(report).items()})
    return [text for _, found, _ in _attached(populations, report) for text in found]


def each(rows: Sequence[Any], **values: Any) -> list[Any]:
    return [dataclasses.replace(row, **values) for row in rows]


def figures(report: Report, metric: str, **values: Any) -> Report:
    """Another value of a metric wherever it stands: the forger is thorough."""

    def change(one: Figure) -> Figure:
        return dataclasses.replace(one, **values) if (one.metric, one.dimension) == (metric, "all") else one

    found = [change(one) for one in report.figures]
    summary = dataclasses.replace(report.summary, figures=counted.key_figures(found))
    return dataclasses.replace(report, figures=found, summary=summary)


def controls(report: Report, change: Callable[[ControlResult], dict[str, Any]]) -> Report:
    found = [dataclasses.replace(one, **change(one)) for one in report.controls]
    gaps = judged.gaps(found)
    untested = {one.id for one in found if one.conclusion == "not tested"}
    summary = dataclasses.replace(
        report.summary,
        counts=judged.counts(found),
        findings=judged.most_important(found),
        untested=sorted(gaps, key=lambda gap: untested.isdisjoint(gap.controls)),
    )
    return dataclasses.replace(report, controls=found, gaps=gaps, summary=summary)


WAIVER = WaiverRow(
    "W-1", "example/gitops", "CHG-02", "in force", "person-01", "person-02", "no reviewer", "none", "", "", "", 3, [], [], ""
)  # fmt: skip

FORGED: dict[str, tuple[Callable[[Report], Report], str]] = {
    "a volume that the changes do not have": (
        lambda r: figures(r, "change_volume", value=4711.0, numerator=4711.0),
        "change_volume is 4,711, counted anew 24",
    ),
    "a count that is not its numerator": (
        lambda r: figures(r, "deployment_frequency", value=4711.0),
        "deployment_frequency is 4,711, made of 8 and none: 8",
    ),
    "deployments that are not there": (
        lambda r: figures(r, "deployment_frequency", value=4711.0, numerator=4711.0),
        "deployment_frequency is 4,711, counted anew 8",
    ),
    "a share beside what it is made of": (
        lambda r: figures(r, "review_coverage", value=0.999),
        "review_coverage is 0.999, made of 17 and 20: 0.85",
    ),
    "a median of nothing": (
        lambda r: figures(r, "lead_time", numerator=0.0, undetermined=20),
        "of 0 that were measured",
    ),
    "populations": (
        lambda r: controls(r, lambda _: {"population": 9999}),
        "CHG-01: population and what is out of scope are 9,999, its items are 24",
    ),
    "populations of writes": (
        lambda r: controls(r, lambda _: {"population": 9999}),
        "CLU-01: population and what is out of scope are 10,003, its items are 62",
    ),
    "places": (
        lambda r: controls(r, lambda _: {"where": "in nowhere (7)"}),
        "CHG-03: where is in nowhere (7), by exceptions.parquet it is by person-",
    ),
    "owners": (
        lambda r: controls(r, lambda _: {"owner": "nobody"}),
        "CHG-03: owner is nobody, by exceptions.parquet it is platform team",
    ),
    "days": (
        lambda r: controls(r, lambda one: {"due": "2030-01-01" if one.due else ""}),
        "CHG-03: due is 2030-01-01, by exceptions.parquet it is 2026-11-04",
    ),
    "severities": (
        lambda r: controls(r, lambda _: {"severity": "low"}),
        "CHG-03: severity is low, by exceptions.parquet it is high",
    ),
    "sources of controls": (
        lambda r: controls(r, lambda _: {"sources": ["the moon"]}),
        "CHG-01: rests on the moon, which is not among the sources",
    ),
    "conclusions": (
        lambda r: controls(r, lambda _: {"conclusion": "effective"}),
        "CHG-03: effective in controls.parquet; its exceptions, gaps and population come to exceptions",
    ),
    "records": (
        lambda r: dataclasses.replace(
            r, sources=[dataclasses.replace(s, records=s.records + 1_000_000) for s in r.sources]
        ),
        "forge: records are 1,",
    ),
    "objects of a source": (
        lambda r: dataclasses.replace(r, sources=each(r.sources, objects=0)),
        "forge: objects are 0 in its source, 14 in evidence.parquet",
    ),
    "a source that is left out": (
        lambda r: dataclasses.replace(r, sources=r.sources[1:]),
        "has objects of evidence, and is not among the sources",
    ),
    "a quarantine that is emptied": (
        lambda r: dataclasses.replace(r, quarantine=[]),
        "0 entries of the quarantine, 1 in evidence.parquet",
    ),
    "hours": (
        lambda r: dataclasses.replace(
            r, coverage=[dataclasses.replace(one, hours=[25 for _ in one.hours]) for one in r.coverage]
        ),
        "dev-eu1-audit: has records in more hours than a day has",
    ),
    "days of coverage": (
        lambda r: dataclasses.replace(
            r,
            coverage=[dataclasses.replace(one, expected=[0 for _ in one.expected]) for one in r.coverage],
        ),
        "dev-eu1-audit: its days and hours are not those of the quarter",
    ),
    "exceptions by control, drawn": (
        lambda r: dataclasses.replace(r, trends=r.trends[:-1]),
        "trends: exceptions by control are not drawn",
    ),
    "charts that are left out": (
        lambda r: dataclasses.replace(r, trends=r.trends[-1:]),
        "trends: review_coverage is not drawn",
    ),
    "gaps": (
        lambda r: dataclasses.replace(r, gaps=[], summary=dataclasses.replace(r.summary, untested=[])),
        "results.json: its gaps are not those that what is attached gives",
    ),
    "findings": (
        lambda r: dataclasses.replace(r, summary=dataclasses.replace(r.summary, findings=[])),
        "results.json: its findings are not those that what is attached gives",
    ),
    "rights": (
        lambda r: dataclasses.replace(r, rights_counts=each(accessed.counts(r.rights), left=0)),
        "results.json: its rights by system are not those that what is attached gives",
    ),
    "outcomes": (
        lambda r: dataclasses.replace(
            r, reconciled_counts=[dataclasses.replace(one, items=7) if one.listed else one for one in r.reconciled_counts]
        ),
        "reconciliation: 7 items",
    ),
    "what an item raised": (
        lambda r: dataclasses.replace(r, reconciled=each(r.reconciled, raised=["CHG-01-0000000000"])),
        "reconciliation, R1: raised CHG-01-0000000000, which is not among the exceptions",
    ),
    "uses of a waiver": (
        lambda r: dataclasses.replace(r, waivers=[WAIVER]),
        "waiver W-1: 3 uses in waivers.parquet, 0 in exceptions.parquet",
    ),
    "what changes failed": (
        lambda r: dataclasses.replace(r, landings=each(r.landings, controls=[])),
        "annex A, A",
    ),
    "what changes did not fail": (
        lambda r: dataclasses.replace(r, landings=each(r.landings, controls=["CHG-05"])),
        "failed CHG-05 in changes.parquet, nothing in exceptions.parquet",
    ),
    "what deployments carried": (
        lambda r: dataclasses.replace(r, deployments=each(r.deployments, carried=55)),
        "annex B, B1: carried is 55, 1 changes are named",
    ),
    "when changes came to production": (
        lambda r: dataclasses.replace(r, landings=each(r.landings, production="2026-07-02T00:00:00Z")),
        "annex A, A1: in production 2026-07-02T00:00:00Z, by deployments.parquet 2026-07-0",
    ),
    "a change that is not attached": (
        lambda r: dataclasses.replace(r, landings=r.landings[1:]),
        "annex B: A1 is carried, and is not in annex A",
    ),
    "what deployments failed": (
        lambda r: dataclasses.replace(r, deployments=each(r.deployments, controls=["DEP-02"])),
        "failed DEP-02 in deployments.parquet, nothing in exceptions.parquet",
    ),
}  # fmt: skip


def test_a_report_as_it_was_made_contradicts_nothing(report: Report) -> None:
    assert wrong(report) == []


@pytest.mark.parametrize("name", FORGED)
def test_what_contradicts_what_else_is_attached_is_named(name: str, report: Report) -> None:
    forge, told = FORGED[name]
    assert any(told in text for text in wrong(forge(report))), wrong(forge(report))
