"""The finished report from the finished tables.

Everything that the report says is decided here: templates only lay it out. The numbers of the summary are
counted from the very lists that the annexes print, so that they agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from audit.model import Conclusion, LandingKind
from audit.period import Period
from audit.report import complete, counted, judged, populations, reconciliation, waived
from audit.report.judged import Described
from audit.report.plain import iso
from audit.report.shapes import (
    ControlResult,
    DeploymentRow,
    LandingRow,
    Report,
    Restatement,
    SourceRow,
    Summary,
)
from audit.settings import Settings

__all__ = ["Described", "Report", "build", "sentences"]


def build(
    tables: dict[str, pd.DataFrame],
    settings: Settings,
    period: Period,
    *,
    as_of: datetime,
    version: str,
    catalogue: Iterable[Described],
    manifest: tuple[int, str] | None = None,
    edition: int = 1,
    draft: bool = False,
    restates: Restatement | None = None,
) -> Report:
    """The report of one quarter.

    Args:
        tables: every table of `audit.tables.TABLES`, conformed.
        as_of: aware; the moment up to which evidence was collected.
        version: of this product, printed on the cover.
        catalogue: the controls, in the order in which they are printed.
        manifest: how many manifests the evidence has, and the sha256 of the last one; None without any evidence.
        edition: of the final report.
        draft: it is one, though the quarter is over; while the quarter runs it always is.
        restates: what differs from the edition before.

    Raises:
        KeyError: a table or a control's conclusion is missing.
    """
    status = "draft" if draft or as_of < period.end else "final"
    controls = judged.controls(tables["conclusions"], tables["exceptions"], catalogue)
    landings = populations.landings(tables, settings, period, as_of)
    deployments = populations.deployments(tables, settings, period, as_of)
    sources = complete.sources(tables["evidence_objects"], settings)
    previous = period.previous().label
    figures = counted.figures(tables["metrics"], period.label, previous)
    gaps = judged.gaps(controls)
    untested = {control.id for control in controls if control.conclusion == Conclusion.NOT_TESTED}
    summary = Summary(
        sentences=sentences(
            period, as_of, landings=landings, deployments=deployments, controls=controls, sources=sources
        ),
        counts=judged.counts(controls),
        findings=judged.most_important(controls),
        untested=sorted(gaps, key=lambda gap: untested.isdisjoint(gap.controls)),
        figures=counted.key_figures(figures),
    )
    return Report(
        organisation=settings.organisation.name,
        classification=settings.organisation.classification,
        quarter=period.label,
        previous_quarter=previous,
        starts=iso(period.start),
        ends=iso(period.end),
        time_zone=period.time_zone,
        as_of=iso(as_of),
        version=version,
        status=status,
        edition=edition if status == "final" else 0,
        restates=restates,
        summary=summary,
        trends=counted.trends(tables["metrics"], controls),
        controls=controls,
        waivers=waived.waivers(tables["waivers"], tables["exceptions"], period, as_of),
        gaps=gaps,
        sources=sources,
        counts=complete.counts(tables["source_counts"]),
        ties=complete.ties(tables["reconciliation"]),
        coverage=complete.coverage(tables["coverage"], settings, period, as_of),
        quarantine=complete.quarantine(tables["quarantine"]),
        repositories=complete.repositories(
            tables["repositories"], tables["repository_problems"], tables["unread_files"]
        ),
        landings=landings,
        deployments=deployments,
        reconciled_counts=reconciliation.counts(tables["reconciled_counts"]),
        reconciled=reconciliation.items(tables["reconciled_changes"], tables["exceptions"]),
        figures=figures,
        evidence=complete.evidence(tables["evidence_objects"]),
        manifests=manifest[0] if manifest else 0,
        last_manifest=manifest[1] if manifest else "",
        frameworks=_frameworks(controls),
    )


def sentences(
    period: Period,
    as_of: datetime,
    *,
    landings: Sequence[LandingRow],
    deployments: Sequence[DeploymentRow],
    controls: Sequence[ControlResult],
    sources: Sequence[SourceRow],
) -> list[str]:
    """What was tested, in plain words."""
    zone = ZoneInfo(period.time_zone)
    start = period.start.astimezone(zone)
    last = (min(period.end, as_of) - timedelta(seconds=1)).astimezone(zone)
    span = f"From {_day(start)} to {_day(last)}{', the quarter not being over' if as_of < period.end else ''}"
    direct = sum(row.kind == LandingKind.DIRECT for row in landings)
    reached = sum(bool(row.production) for row in landings)
    repos = len({row.repo for row in landings})
    objects = sum(source.objects for source in sources)
    failed = sum(control.exception_count for control in controls)
    covered = sum(control.waived_count for control in controls)
    deployed = (
        f"Production was deployed to {_times(len(deployments))}, failed attempts and repeats included."
        if deployments
        else "No deployment to production is on record."
    )
    if landings:
        changes = (
            f"{span}, {_many(len(landings), 'change')} landed on the default "
            f"{'branch' if repos == 1 else 'branches'} of {_many(repos, 'repository', 'repositories')}: "
            f"{direct or 'none'} with no pull request on record, {reached or 'none'} on record as having "
            f"reached production. {deployed}"
        )
    else:
        changes = f"{span}, no change landed on a default branch. {deployed}"
    tested = sum(control.conclusion != Conclusion.NOT_TESTED for control in controls)
    basis = (
        f"{_many(objects, 'evidence object')} from {_many(len(sources), 'source')}"
        if objects
        else "the repositories alone"
    )
    partly = sum(bool(control.gaps) and control.conclusion != Conclusion.NOT_TESTED for control in controls)
    tests = (
        f"{tested} of {len(controls)} controls could be tested{f', {partly} of them only in part' if partly else ''}, "
        f"on {basis}. "
        f"{_many(failed, 'exception') if failed else 'No exception'} {'were' if failed > 1 else 'was'} found"
        f"{f'; waivers cover {covered:,} of them' if covered else ''}."
    )
    return [changes, tests]


def _many(count: int, one: str, several: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"


def _frameworks(controls: Iterable[ControlResult]) -> list[str]:
    """The frameworks that controls refer to, in the order in which they first do."""
    names = [reference.framework for control in controls for reference in control.references]
    return list(dict.fromkeys(names))
