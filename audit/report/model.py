"""The finished report from the finished tables.

Everything that the report says is decided here: templates only lay it out. The numbers of the summary are
counted from the very lists that the annexes print, so that they agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from audit.controls.clauses import CLAUSES
from audit.model import Conclusion, LandingKind
from audit.period import Period
from audit.report import (
    accessed,
    acts,
    answers,
    complete,
    counted,
    emergencies,
    judged,
    owned,
    populations,
    reconciliation,
    themes,
    waived,
)
from audit.report.earlier import UNKNOWN, Earlier
from audit.report.judged import Described
from audit.report.pieces import Response, SampleSheet, Theme
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
from audit.report.wording import ENGLISH, Wording
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
    earlier: Earlier = UNKNOWN,
    responses: Sequence[Response] = (),
    samples: Sequence[SampleSheet] = (),
    signers: Sequence[str] = (),
    theme: Theme | None = None,
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
        earlier: what controls came to in the quarter before.
        responses: what management answers.
        samples: drawn as the settings ask.
        signers: ids of the keys that the last manifest's signatures name.
        theme: how the pages look and are worded.

    Raises:
        KeyError: a table or a control's conclusion is missing.
        UsageError: a response is to nothing that the report has, or the settings name an unknown language.
    """
    w = themes.wording(settings.report.language, theme)
    status = "draft" if draft or as_of < period.end else "final"
    sources = complete.sources(tables["evidence_objects"], settings)
    duties = acts.Duties(settings, as_of, period.time_zone, responses, owned.Owned(tables["code_owners"]))
    controls = judged.controls(
        tables["conclusions"], tables["exceptions"], catalogue, judged.Beside(duties, earlier, sources)
    )
    answers.require_known(
        responses,
        (name for one in controls for name in (one.id, *(row.exception_id for row in one.exceptions))),
    )
    landings = populations.landings(tables, settings, period, as_of)
    deployments = populations.deployments(tables, settings, period, as_of)
    rights = accessed.rights(tables["access_rights"])
    previous = period.previous().label
    figures = counted.figures(tables["metrics"], period.label, previous)
    gaps = judged.gaps(controls)
    untested = {control.id for control in controls if control.conclusion == Conclusion.NOT_TESTED}
    summary = Summary(
        sentences=sentences(
            period,
            as_of,
            landings=landings,
            deployments=deployments,
            controls=controls,
            sources=sources,
            w=w,
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
        language=w.language,
        theme=theme,
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
        unresolved=complete.unresolved(tables["unresolved_identities"]),
        repositories=complete.repositories(
            tables["repositories"], tables["repository_problems"], tables["unread_files"]
        ),
        landings=landings,
        deployments=deployments,
        reconciled_counts=reconciliation.counts(tables["reconciled_counts"]),
        reconciled=reconciliation.items(tables["reconciled_changes"], tables["exceptions"]),
        emergencies=emergencies.emergencies(tables["emergencies"], tables["exceptions"], period, as_of),
        rights_counts=accessed.counts(rights),
        rights=rights,
        revoked=accessed.revoked(tables["access_decisions"], period, as_of),
        figures=figures,
        evidence=complete.evidence(tables["evidence_objects"]),
        manifests=manifest[0] if manifest else 0,
        last_manifest=manifest[1] if manifest else "",
        signers=sorted(signers),
        frameworks=_frameworks(controls),
        clauses=judged.clauses(CLAUSES, controls),
        samples=list(samples),
        queries=complete.queries(settings),
        parameters=complete.parameters(settings),
        whole=settings.report.whole_lists,
    )


def sentences(
    period: Period,
    as_of: datetime,
    *,
    landings: Sequence[LandingRow],
    deployments: Sequence[DeploymentRow],
    controls: Sequence[ControlResult],
    sources: Sequence[SourceRow],
    w: Wording = ENGLISH,
) -> list[str]:
    """What was tested, in plain words."""
    return [
        f"{_changes(period, as_of, landings, w)} {_deployed(len(deployments), w)}",
        f"{_tested(controls, sources, w)} {_found(controls, w)}",
    ]


def _changes(period: Period, as_of: datetime, landings: Sequence[LandingRow], w: Wording) -> str:
    zone = ZoneInfo(period.time_zone)
    start = w.date(period.start.astimezone(zone))
    last = w.date((min(period.end, as_of) - timedelta(seconds=1)).astimezone(zone))
    span = w.text(
        "From {start} to {last}, the quarter not being over"
        if as_of < period.end
        else "From {start} to {last}",
        start=start,
        last=last,
    )
    if not landings:
        return w.text("{span}, no change landed on a default branch.", span=span)
    repos = len({row.repo for row in landings})
    direct = sum(row.kind == LandingKind.DIRECT for row in landings)
    reached = sum(bool(row.production) for row in landings)
    return w.text(
        "{span}, {changes} landed on {branches}: {direct} with no pull request on record, {reached} on record as having "
        "reached production.",
        span=span,
        changes=w.many(len(landings), "{n} change", "{n} changes"),
        branches=w.many(
            repos, "the default branch of {n} repository", "the default branches of {n} repositories"
        ),
        direct=w.number(f"{direct:,}") if direct else w.text("none"),
        reached=w.number(f"{reached:,}") if reached else w.text("none"),
    )


def _deployed(count: int, w: Wording) -> str:
    if not count:
        return w.text("No deployment to production is on record.")
    times = w.text("once" if count == 1 else "twice") if count <= 2 else w.many(count, "once", "{n} times")
    return w.text("Production was deployed to {times}, failed attempts and repeats included.", times=times)


def _tested(controls: Sequence[ControlResult], sources: Sequence[SourceRow], w: Wording) -> str:
    objects = sum(source.objects for source in sources)
    basis = w.text("the repositories alone")
    if objects:
        basis = w.text(
            "{objects} from {sources}",
            objects=w.many(objects, "{n} evidence object", "{n} evidence objects"),
            sources=w.many(len(sources), "{n} source", "{n} sources"),
        )
    tested = [control for control in controls if control.conclusion != Conclusion.NOT_TESTED]
    partly = sum(bool(control.gaps) for control in tested)
    text = "{tested} of {whole} controls could be tested, on {basis}."
    if partly:
        text = "{tested} of {whole} controls could be tested, {partly} of them only in part, on {basis}."
    return w.text(text, tested=len(tested), whole=len(controls), partly=partly, basis=basis)


def _found(controls: Sequence[ControlResult], w: Wording) -> str:
    failed = sum(control.exception_count for control in controls)
    covered = sum(control.waived_count for control in controls)
    if not failed:
        return w.text("No exception was found.")
    if not covered:
        return w.many(failed, "{n} exception was found.", "{n} exceptions were found.")
    return w.many(
        failed,
        "{n} exception was found; waivers cover {covered} of them.",
        "{n} exceptions were found; waivers cover {covered} of them.",
        covered=w.number(f"{covered:,}"),
    )


def _frameworks(controls: Iterable[ControlResult]) -> list[str]:
    """The frameworks that controls refer to, in the order in which they first do."""
    names = [reference.framework for control in controls for reference in control.references]
    return list(dict.fromkeys(names))
