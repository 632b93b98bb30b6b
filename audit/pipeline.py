"""The only place that knows the order of the stages.

    collect → mine → build → check → report

Each stage leaves what it made in the store, so that each can be run alone and an interrupted run goes on where
it stopped. Time is an argument: `as_of` is recorded by the first stage, and the later ones take it from there.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes
from typing import Any

import pandas as pd

import audit
from audit import mine as mining
from audit import sampling
from audit import tables as t
from audit.build import Built
from audit.build import build as build_tables
from audit.build import load as load_built
from audit.controls import own, registry, runner
from audit.errors import AuditError, EvidenceMissing, ExitCode, UsageError
from audit.evidence import editions, keys, manifest, stamps
from audit.evidence.chain import check_chain
from audit.evidence.collect import Collected
from audit.evidence.collect import collect as collect_evidence
from audit.evidence.proof import Proof, prove
from audit.evidence.store import Store
from audit.evidence.versions import versions
from audit.git import alone
from audit.joins.build import join
from audit.joins.continuity import continuity
from audit.joins.counts import losses, source_counts
from audit.joins.reconciling import reconciled
from audit.joins.rights import rights
from audit.joins.unresolved import unresolved
from audit.metrics import compute, judged, reported
from audit.model import Conclusion
from audit.normalise import roster
from audit.period import Period
from audit.report.earlier import earlier
from audit.report.publish import Published, publish, withdraw
from audit.settings import Settings, Source
from audit.trace import Trace
from audit.trace import trace as find_trace

log = logging.getLogger(__name__)

Tables = dict[str, pd.DataFrame]
Progress = Callable[[str, int, int], None]


def silent(stage: str, done: int, total: int) -> None:
    """Tells nobody."""


@dataclass
class Run:
    """What a run came to.

    Attributes:
        as_of: up to when events count; for a quarter that was reported, what the report says.
        folder: where the quarter's results lie.
        problems: sources that gave nothing, or could not be reached, in the words a user sees.
        tables: every table of the quarter, the joined and judged ones included.
        published: its report, once it was rendered.
    """

    period: Period
    as_of: datetime
    folder: Path
    problems: list[AuditError] = field(default_factory=list)
    tables: Tables = field(default_factory=dict)
    published: Published | None = None

    @property
    def exit_code(self) -> ExitCode:
        """The highest that applies; controls that could not be tested are never clean."""
        codes = [problem.exit_code for problem in self.problems]
        conclusions = set(self.tables["conclusions"]["conclusion"])
        if Conclusion.EXCEPTIONS in conclusions:
            codes.append(ExitCode.FINDINGS)
        elif Conclusion.NOT_TESTED in conclusions:
            codes.append(ExitCode.EVIDENCE)
        return max(codes, default=ExitCode.CLEAN)


def collect(
    settings: Settings,
    as_of: datetime,
    progress: Progress = silent,
    *,
    only: Callable[[Source], bool] | None = None,
) -> Collected:
    """Brings every source's objects into the store, or those of sources that are `only`, and records them in the
    manifest.

    What a source could not give is in `Collected.problems`: the others are collected all the same.
    """

    def tell(source: str, done: int, listed: int, _bytes: int) -> None:
        progress(f"collect {source}", done, listed)

    done = collect_evidence(settings, Store(settings.store_path), as_of=as_of, progress=tell, only=only)
    return replace(done, unstamped=tuple(stamped(settings)))


def mine(
    settings: Settings, as_of: datetime, progress: Progress = silent, *, period: Period | None = None
) -> Tables:
    """Mirrors and mines every repository; what was mined once is kept. The tips go into the manifest.

    Args:
        period: quarter to mine for: contents are read from the first quarter of its trend on. The last one that had
            ended at `as_of` when not given.

    Returns:
        The git tables, all repositories together.
    """
    chosen = period or settings.quarter_of(as_of).previous()
    tips = mining.mine(settings, chosen, lambda done, total: progress("mine", done, total))
    store = Store(settings.store_path)
    check_chain(store, keys.verifiers(settings))
    manifest.append(store, as_of=as_of, entries=[], tips=tips, signer=keys.signer(settings))
    return mining.mined(settings)


def mine_alone(path: Path, period: Period | None, *, contents: bool = True) -> dict[str, Any]:
    """What a repository alone says of its landings, ready for JSON: see `audit.git.alone.summary`.

    Without `contents`, only the history is read: no build graph, no images, no secrets.

    Adds `repository`, `branch`, `all_commits`, `mainline`, `quarter`, `problems` and `seconds` that it took.
    """
    start = time.perf_counter()
    key = token_bytes(32) if contents else None  # fingerprints are told to nobody
    tables = alone.mine(path, key=key, since=period.start if period else None)
    head = tables["repositories"].iloc[0]
    problems = tables["repository_problems"]
    return alone.summary(tables, period) | {
        "repository": head["repo"],
        "branch": head["branch"],
        "all_commits": int(head["commits"]),
        "mainline": int(head["mainline"]),
        "quarter": period.label if period else None,
        "problems": (problems["problem"] + ": " + problems["detail"]).tolist(),
        "seconds": round(time.perf_counter() - start, 3),
    }


def build(settings: Settings, progress: Progress = silent, *, again: Container[str] = frozenset()) -> Built:
    """Parses what is in the store into the normalised tables; once more the objects (sha256) in `again`.

    Raises:
        UsageError: another run is at work in the store, or the cluster that the settings name can't be used.
        IntegrityError: an object is not what was stored, or a manifest is not what it was.
    """
    store = Store(settings.store_path)
    with store.exclusive():
        check_chain(store, keys.verifiers(settings))
        entries = versions(store, [(source.name, source.location) for source in settings.sources])
        return build_tables(
            settings, store, entries, again=again, progress=lambda done, total: progress("build", done, total)
        )


@dataclass(frozen=True)
class Retried:
    """What reading quarantined objects once more came to: rows as `quarantined` gives them.

    Attributes:
        before: all that was quarantined.
        left: what still is, or is now.
    """

    before: pd.DataFrame
    left: pd.DataFrame

    @property
    def read(self) -> pd.DataFrame:
        """What was quarantined and can be read now."""
        known = pd.MultiIndex.from_frame(self.left[_RECORD])
        return self.before[~pd.MultiIndex.from_frame(self.before[_RECORD]).isin(known)]


_RECORD = ["source_name", "key", "evidence", "line"]


def retry(settings: Settings, progress: Progress = silent) -> Retried:
    """Reads every object with quarantined records once more, as formats and settings are now.

    Raises:
        UsageError: nothing was built yet.
    """
    before = quarantined(built(settings))
    return Retried(before, quarantined(build(settings, progress, again=set(before["evidence"]))))


def quarantined(found: Built) -> pd.DataFrame:
    """Rows of `Quarantine`, with `replaced_by`: sha256 of what the source gave later under the same key, where it did."""
    objects = found.tables["evidence_objects"].rename(columns={"sha256": "evidence"})
    by = ["source_name", "key", "evidence"]
    later = objects[[*by, "replaced_by"]].drop_duplicates(by)
    return found.tables["quarantine"].merge(later, on=by, how="left")


def built(settings: Settings) -> Built:
    """The normalised tables that `build` left in the store.

    Raises:
        UsageError: it was never run.
    """
    found = load_built(Store(settings.store_path))
    if found is None:
        raise UsageError(f"{settings.store_path}: no tables were built yet", remedy="run 'audit build' first")
    return found


def check(
    settings: Settings,
    period: Period,
    as_of: datetime,
    progress: Progress = silent,
    *,
    keep_report: bool = False,
) -> Run:
    """Joins, counts and judges one quarter from what is in the store, and writes its tables.

    A quarter that was reported is judged as of the same moment again, by all that is known of it now. A report that was rendered before speaks of other tables: it is removed, unless `keep_report` says that it is
    about to be rendered again.

    Raises:
        UsageError: the quarter has not begun at `as_of`, or an earlier stage was not run.
    """
    require_begun(period, as_of)
    judging = own.controls(settings)
    store = Store(settings.store_path)
    frozen = editions.last(store, period.label)
    as_of = frozen.facts.as_of if frozen else as_of
    parsed = built(settings)
    tables = (
        mining.mined(settings)
        | until(parsed.tables, as_of)
        | {name: t.empty(t.TABLES[name]) for name in ("people", "roles", "identities")}
    )
    if settings.people.roster is not None:
        tables |= roster.read(settings.resolve(settings.people.roster))
        roster.require_named(tables["people"], settings)
    progress("check", 0, 3)
    tables |= join(
        tables,
        settings,
        as_of=as_of,
        found_in_mirrors=mining.in_mirrors(settings, tables),
        seen=manifest.tips_seen(store, until=as_of),
    )
    tables["reconciliation"] = reconcile(parsed, period)
    tables["source_counts"] = source_counts(
        tables["evidence_objects"],
        tables["coverage"],
        manifest.latest_counts(manifest.load_all(store), over=period.end),
        period,
        sources=[source.name for source in settings.sources],
    )
    tables["evidence_losses"] = losses(
        manifest.load_all(store), [(each.name, each.location) for each in settings.sources], until=as_of
    )
    tables |= continuity(tables, settings, period, as_of=as_of)
    tables |= reconciled(tables, settings, period, as_of=as_of)
    tables |= rights(tables, settings, period, as_of=as_of)
    tables["unresolved_identities"] = unresolved(tables, settings, period)
    progress("check", 1, 3)
    tables["metrics"] = compute(tables, settings, period, as_of=as_of)
    progress("check", 2, 3)
    tables |= runner.run(tables, settings, period, as_of=as_of, controls=judging)
    failed = [judged(tables, settings, period, as_of=as_of), reported.before(store, settings, period)]
    tables["metrics"] = t.conform(t.Metrics, pd.concat([tables["metrics"], *failed], ignore_index=True))
    progress("check", 3, 3)
    run = Run(period, as_of, settings.store_path / "quarters" / period.label, tables=tables)
    _write_quarter(run)
    if not keep_report:
        withdraw(run.folder)
    return run


_OF_ALL_TIME = ("evidence_objects", "coverage", "quarantine")


def until(tables: Mapping[str, pd.DataFrame], moment: datetime) -> Tables:
    """Rows that speak of nothing at or after a moment; what is known of the evidence itself stays whole."""
    cut = {}
    for name, rows in tables.items():
        time = t.meta(t.TABLES[name]).get("time")
        late = rows[time] >= moment if time and name not in _OF_ALL_TIME else None
        cut[name] = rows if late is None or not late.any() else rows[~late].reset_index(drop=True)
    return cut


def report(settings: Settings, run: Run, progress: Progress = silent, *, draft: bool = False) -> Published:
    """Renders a checked quarter: `results.json` and `report.pdf` in its folder; see `audit.report.publish`.

    Args:
        draft: freeze nothing, though the quarter is over.
    """
    progress("report", 0, 1)
    judging = own.controls(settings)
    run.published = publish(
        run.tables,
        settings,
        run.period,
        run.folder,
        as_of=run.as_of,
        made_at=last_as_of(settings, otherwise=run.as_of),
        catalogue=registry.catalogue(judging),
        earlier=lambda: earlier(
            Store(settings.store_path),
            run.tables,
            settings,
            run.period,
            as_of=run.as_of,
            controls=judging,
        ),
        samples=lambda: sampling.printed(run.tables, settings, run.period, run.as_of),
        draft=draft,
    )
    run.problems += stamped(settings)
    progress("report", 1, 1)
    return run.published


def run(
    settings: Settings,
    period: Period,
    as_of: datetime,
    progress: Progress = silent,
    *,
    draft: bool = False,
) -> Run:
    """The whole job. What a source could not give does not end it: the report says so, and so does the exit code.

    Args:
        draft: freeze nothing, though the quarter is over.
    """
    require_begun(period, as_of)
    problems: list[AuditError] = []
    if settings.sources:
        problems.extend(collect(settings, as_of, progress).problems)
    mine(settings, as_of, progress, period=period)
    build(settings, progress)
    done = check(settings, period, as_of, progress, keep_report=True)
    done.problems = problems
    report(settings, done, progress, draft=draft)
    return done


def stamped(settings: Settings) -> list[AuditError]:
    """Has the last manifest stamped, where the settings name an authority; what went wrong. The next run tries again."""
    try:
        stamps.stamp(Store(settings.store_path), settings)
    except EvidenceMissing as error:
        return [error]
    return []


def stands(settings: Settings, period: Period) -> tuple[Path, datetime]:
    """Where a quarter that `check` judged lies, and up to when events count in it.

    Raises:
        UsageError: it was never checked.
    """
    folder = settings.store_path / "quarters" / period.label
    stamp = folder / "checked.json"
    if not stamp.exists():
        raise UsageError(f"{folder}: {period.label} was not checked yet", remedy="run 'audit check' first")
    return folder, datetime.fromisoformat(json.loads(stamp.read_text(encoding="utf-8"))["as_of"])


def table_of(folder: Path, name: str) -> pd.DataFrame:
    """A table of a checked quarter, which lies in `folder`.

    Raises:
        UsageError: another version checked the quarter, which did not know the table, or not its columns.
    """
    path = folder / "tables" / f"{name}.parquet"
    try:
        return t.read(t.TABLES[name], [path])
    except (FileNotFoundError, KeyError):
        raise UsageError(
            f"{path}: this version's table '{name}' is not there: another version checked the quarter",
            remedy=f"run 'audit check --quarter {folder.name}' again",
        ) from None


def checked(settings: Settings, period: Period, progress: Progress = silent) -> Run:
    """A quarter that `check` judged before, read back from the store.

    Args:
        progress: told of the stage `read` by tables.

    Raises:
        UsageError: it was never checked.
    """
    folder, as_of = stands(settings, period)
    tables = {}
    for number, name in enumerate(t.TABLES):
        progress("read", number, len(t.TABLES))
        tables[name] = table_of(folder, name)
    progress("read", len(tables), len(tables))
    return Run(period, as_of, folder, tables=tables)


def trace(settings: Settings, period: Period, name: str, *, limit: int | None) -> Trace:
    """Everything behind a number or finding of a checked quarter; see `audit.trace`.

    Raises:
        UsageError: the quarter was never checked, or has nothing of this name.
    """
    done = checked(settings, period)
    return find_trace(name, done.tables, settings, period, as_of=done.as_of, limit=limit)


def last_as_of(settings: Settings, *, otherwise: datetime | None = None) -> datetime:
    """When evidence was last collected, as the manifest records it; `otherwise` when it never was.

    Raises:
        EvidenceMissing: nothing was collected yet, and there is no `otherwise`.
    """
    brought = [one for one in manifest.load_all(Store(settings.store_path)) if not one.reported]
    if brought:
        return brought[-1].as_of
    if otherwise is not None:
        return otherwise
    raise EvidenceMissing(
        f"{settings.store_path}: no evidence was collected yet",
        remedy="run 'audit collect' first, or give --as-of",
    )


def require_begun(period: Period, as_of: datetime) -> None:
    """Refuses a quarter that lies in the future."""
    if as_of <= period.start:
        raise UsageError(
            f"{period.label} begins on {period.start:%Y-%m-%d}, after {as_of.astimezone(UTC):%Y-%m-%d}",
            remedy="name a quarter that has begun",
        )


def reconcile(built: Built, period: Period) -> pd.DataFrame:
    """Rows at each step, by source and table: parsed = kept + duplicates + out of period, each counted by itself."""
    counted = built.counted(period)
    whole = built.parsed.rename(columns={"rows": "parsed"}).merge(
        counted, on=["source_name", "table"], how="outer"
    )
    whole = whole.fillna({"parsed": 0, "duplicates": 0, "kept": 0, "out_of_period": 0})
    return t.conform(t.Reconciliation, whole)


def _write_quarter(run: Run) -> None:
    """The quarter's tables, written aside and put in place together."""
    aside = run.folder / "tables.part"
    shutil.rmtree(aside, ignore_errors=True)
    for name, table in t.TABLES.items():
        t.write(table, run.tables[name], aside / f"{name}.parquet")
    final = run.folder / "tables"
    shutil.rmtree(final, ignore_errors=True)
    aside.replace(final)
    stamp = {
        "as_of": run.as_of.astimezone(UTC).isoformat(),
        "quarter": run.period.label,
        "version": audit.__version__,
    }
    (run.folder / "checked.json").write_text(json.dumps(stamp, sort_keys=True) + "\n", encoding="utf-8")


def verify(settings: Settings, progress: Progress = silent, *, heads: Sequence[str] = ()) -> Proof:
    """Recomputes the manifest chain and every object's sha256; see `audit.evidence.proof.prove`.

    Raises:
        IntegrityError: something changed, is missing or was added; names it.
        EvidenceMissing: there is nothing to verify.
    """
    return prove(settings, lambda done, total: progress("verify", done, total), heads=heads)
