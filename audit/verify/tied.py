"""What is attached and what `results.json` says, each held against what else is attached that it must follow from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from audit.model import Conclusion, Side
from audit.report import accessed, acts, judged
from audit.report.shapes import ExceptionRow, Gap, LandingRow, Report, SourceRow
from audit.verify.recounted import Populations

_OWN = tuple(name for _, name in judged.NO_SOURCE)
"""What a control may rest on beside sources."""


COUNTED = ("CHG-01", "CLU-01", "DEP-02")
"""Controls whose population is counted anew: every change, every write in a cluster, every deployment."""


def controls(p: Populations) -> Iterator[str]:
    """Controls against their exceptions: how many, waived, due, owner, places, severity, conclusion."""
    known = {control.id for control in p.controls}
    failed = _by_control(p.exceptions)
    for control in p.controls:
        rows = failed.get(control.id, [])
        unwaived = [row for row in rows if not row.waiver]
        owner, due = acts.of_control(unwaived)
        expected = {row.expected for row in rows}
        yield from _said(
            control.id,
            "exceptions.parquet",
            ("exceptions", control.exception_count, len(rows)),
            ("waived", control.waived_count, len(rows) - len(unwaived)),
            ("due", control.due, due),
            ("owner", control.owner, owner),
            ("where", control.where, judged.where(unwaived or rows)),
            ("expected", control.expected, next(iter(expected)) if len(expected) == 1 else ""),
            ("severity", control.severity, (unwaived or rows)[0].severity if rows else control.severity),
        )
        if control.conclusion != p.conclusion(control):
            yield (
                f"{control.id}: {control.conclusion} in controls.parquet; its exceptions, gaps and population "
                f"come to {p.conclusion(control)}"
            )
    for name in sorted(failed.keys() - known):
        yield f"{name}: has exceptions, and is not among the controls"


def _by_control(rows: Iterable[ExceptionRow]) -> dict[str, list[ExceptionRow]]:
    found: dict[str, list[ExceptionRow]] = {}
    for row in rows:
        found.setdefault(row.control, []).append(row)
    return found


def _said(who: str, where: str, *facts: tuple[str, object, object]) -> Iterator[str]:
    """Facts that are said otherwise than they are counted."""
    for name, said, found in facts:
        if said != found:
            yield f"{who}: {name} is {_short(said)}, by {where} it is {_short(found)}"


def _short(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value!s:.80}" or "empty"


def tested(p: Populations, report: Report) -> Iterator[str]:
    """Populations of the controls whose items are attached or counted, and the sources that controls name."""
    sides = Counter[str]()
    for row in report.reconciled_counts:
        sides[row.side] += row.items
    items = dict(zip(COUNTED, (len(p.changes), sides[Side.WRITE], sides[Side.DEPLOYMENT]), strict=True))
    there = {*_OWN, *(source.name for source in report.sources)}
    for control in p.controls:
        whole = items.get(control.id)
        if control.population is not None and whole is not None:
            said = control.population + control.scoped_out
            if said != whole:
                yield f"{control.id}: population and what is out of scope are {said:,}, its items are {whole:,}"
        for name in control.sources:
            if name not in there:
                yield f"{control.id}: rests on {name:.60}, which is not among the sources"


def waivers(p: Populations) -> Iterator[str]:
    """How often each waiver is used, against the exceptions that name it."""
    used = Counter((row.control, name) for row in p.exceptions for name in row.waiver.split("; ") if name)
    for row in p.waivers:
        if row.uses != used[row.control, row.id]:
            yield (
                f"waiver {row.id:.60}: {row.uses:,} uses in waivers.parquet, {used[row.control, row.id]:,} in exceptions.parquet"
            )


def failures(p: Populations) -> Iterator[str]:
    """The controls that each change and each deployment failed, against the exceptions."""
    found: dict[str, set[str]] = {}
    for row in p.exceptions:
        found.setdefault(row.subject, set()).add(row.control)
    named = {f"{row.repo}#{row.pull_request}" for row in p.changes if row.pull_request}
    others: dict[str, set[str]] = {}  # by repository, of requests that no change names as its own
    for subject, failed in found.items():
        if "#" in subject and subject not in named:
            others.setdefault(subject.rpartition("#")[0], set()).update(failed)
    for change in p.changes:
        own = _failed(change, found)
        more = set(change.controls) - own
        if own - set(change.controls) or more - others.get(change.repo, set()):
            yield (
                f"annex A, A{change.number}: failed {' '.join(change.controls) or 'nothing'} in changes.parquet, "
                f"{' '.join(sorted(own)) or 'nothing'} in exceptions.parquet"
            )
    for one in p.deployments:
        own = found.get(f"{one.cluster}/{one.application}@{one.started_at}", set())
        if set(one.controls) != own:
            yield (
                f"annex B, B{one.number}: failed {' '.join(one.controls) or 'nothing'} in deployments.parquet, "
                f"{' '.join(sorted(own)) or 'nothing'} in exceptions.parquet"
            )


def _failed(change: LandingRow, found: dict[str, set[str]]) -> set[str]:
    own = found.get(f"{change.repo}@{change.head_sha}", set())
    return own | (found.get(f"{change.repo}#{change.pull_request}", set()) if change.pull_request else set())


def carried(p: Populations, report: Report) -> Iterator[str]:
    """What each deployment carried, against how many it is said to have carried, and against when changes came to production."""
    first: dict[str, str] = {}
    for row in p.deployments:
        if row.carried != len(row.carries):
            yield f"annex B, B{row.number}: carried is {row.carried:,}, {len(row.carries):,} changes are named"
        for name in row.carries:
            first[name] = min(first.get(name, row.started_at), row.started_at)
    stop = min(report.ends, report.as_of)
    for change in p.changes:
        found = first.pop(f"A{change.number}", "")
        if found != change.production and (found or report.starts <= change.production < stop):
            yield (
                f"annex A, A{change.number}: in production {change.production or 'never'}, "
                f"by deployments.parquet {found or 'never'}"
            )
    for name in sorted(name for name in first if "@" not in name):
        yield f"annex B: {name:.40} is carried, and is not in annex A"


def sources(p: Populations, report: Report) -> Iterator[str]:
    """Sources against the objects of evidence: how many, of what size, and what became of their records."""
    sums: dict[str, Counter[str]] = {}
    for row in p.evidence:
        sums.setdefault(row.source, Counter()).update(
            objects=1, size=row.size, records=row.records, kept=row.kept, noise=row.noise, quarantined=row.quarantined
        )  # fmt: skip
    listed = [source.name for source in report.sources]
    for name in sorted(sums.keys() - set(listed)):
        yield f"{name:.60}: has objects of evidence, and is not among the sources"
    for source in report.sources:
        yield from _sums(source, sums.get(source.name, Counter()))
    stored = {row.source_name: row.stored for row in report.counts}
    for name in listed:
        if name in stored and stored[name] != sums.get(name, Counter())["objects"]:
            yield f"{name:.60}: {stored[name]:,} objects in its counts, {sums.get(name, Counter())['objects']:,} in evidence.parquet"
    quarantined = Counter(row.source for row in report.quarantine)
    for name in sorted({*sums, *quarantined}):
        count = sums.get(name, Counter())["quarantined"]
        if quarantined[name] != count:
            yield f"{name:.60}: {quarantined[name]:,} entries of the quarantine, {count:,} in evidence.parquet"


def _sums(source: SourceRow, sums: Counter[str]) -> Iterator[str]:
    for name in ("objects", "size", "records", "kept", "noise", "quarantined"):
        said = getattr(source, name)
        if said != sums[name]:
            yield f"{source.name:.60}: {name} are {said:,} in its source, {sums[name]:,} in evidence.parquet"


def steps(report: Report) -> Iterator[str]:
    """Counts from step to step: that they tie is said where they do, and only there; hours are those of the quarter."""
    for one in report.counts:
        ties = one.stored == one.read + one.out_of_period + one.quarantined and (
            one.listed is None
            or (one.listed == (one.collected or 0) + (one.unread or 0) and one.stored >= (one.collected or 0))
        )
        if one.ties != ties:
            yield f"{one.source_name:.60}: its counts {'' if ties else 'do not '}tie, and it is said that they {'do not' if ties else 'do'}"
    hours = _hours(report)
    for row in report.coverage:
        if dict(zip(row.days, row.expected, strict=False)) != hours or len(row.days) != len(row.hours):
            yield f"{row.source:.60}: its days and hours are not those of the quarter"
        elif any(not 0 <= seen <= expected for seen, expected in zip(row.hours, row.expected, strict=True)):
            yield f"{row.source:.60}: has records in more hours than a day has"


def _hours(report: Report) -> dict[str, int]:
    """Hours of each day of the quarter that had begun."""
    starts, ends, as_of = (pd.Timestamp(each) for each in (report.starts, report.ends, report.as_of))
    span = pd.date_range(starts, min(ends, as_of), freq="h", inclusive="left").tz_convert(report.time_zone)
    found = pd.Series(1, index=span).groupby(span.strftime("%Y-%m-%d")).sum()
    return {str(day): int(count) for day, count in found.items()}


def summed(p: Populations, report: Report) -> Iterator[str]:
    """What the results sum up, against what they sum: summary, gaps, reconciliation, rights."""
    gaps = judged.gaps(p.controls)
    untested = {control.id for control in p.controls if control.conclusion == Conclusion.NOT_TESTED}
    order = sorted(gaps, key=lambda gap: untested.isdisjoint(gap.controls))
    named = [control.id for control in report.summary.findings]
    for name, said, found in (
        ("gaps", _texts(report.gaps), _texts(gaps)),
        ("gaps in the summary", _texts(report.summary.untested), _texts(order)),
        ("counts of controls by conclusion", report.summary.counts, judged.counts(p.controls)),
        ("findings", named, [control.id for control in p.worst()]),
        ("key figures", report.summary.figures, p.key_figures()),
        ("rights by system", report.rights_counts, accessed.counts(p.rights)),
    ):
        if said != found:
            yield f"results.json: its {name} are not those that what is attached gives"
    listed = Counter((row.side, row.outcome) for row in p.reconciliation)
    for row in report.reconciled_counts:
        if row.listed and row.items != listed[row.side, row.outcome]:
            yield f"reconciliation: {row.items:,} items {row.outcome:.40}, {listed[row.side, row.outcome]:,} are attached"
    ids = {row.exception_id for row in p.exceptions}
    for item in p.reconciliation:
        for name in item.raised:
            if name.partition(" (")[0] not in ids:
                yield f"reconciliation, R{item.number}: raised {name:.60}, which is not among the exceptions"


def _texts(gaps: Sequence[Gap]) -> list[tuple[str, str, list[str]]]:
    """Gaps with their text as an attachment can have it."""
    return [
        (gap.id, gap.text.encode("utf-8", "backslashreplace").decode(), list(gap.controls)) for gap in gaps
    ]
