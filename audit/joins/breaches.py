"""Violations of policy that engines found in what already runs: from when until when each was seen.

Two kinds of runs tell: Gatekeeper's audit, each run by its id, and exports of policy reports, each a run of its own. A
violation that one run no longer shows is closed; when the next shows it, it is another one.
"""

from __future__ import annotations

import pandas as pd

from audit.joins.enforcement import written
from audit.model import Severity
from audit.settings import Policies

BREACH = ["cluster", "stream", "policy", "rule", "resource_kind", "resource_namespace", "resource_name"]
AUDIT, REPORT = "gatekeeper-audit", "policy-report"
_STREAM = ["cluster", "stream"]
_SLACK = pd.Timedelta(hours=1)  # longer than one run of the audit takes
_SEVERITIES = {each.value for each in Severity}


def sightings(results: pd.DataFrame, reported: pd.DataFrame, objects: pd.DataFrame) -> pd.DataFrame:
    """What each run shows: `BREACH`, `name` (of the policy alone), `run`, `run_at`, `seen_at`, `severity`, `fails`, `evidence`.

    Results that pass are rows too (`fails` is false): they show that the run took place.

    Args:
        results: `PolicyResults`. reported: `PolicyReportResults`. objects: `EvidenceObjects`, which date reports
            whose results tell no time.
    """
    audited = results.assign(
        stream=AUDIT,
        policy=results["constraint_kind"] + "/" + results["constraint"],
        name=results["constraint"],
        rule="",
        run=results["audit_id"],
        seen_at=results["at"],
        severity=pd.Series(pd.NA, index=results.index, dtype="str"),
        fails=True,
    )
    told = reported["at"].fillna(written(reported["evidence"], objects))
    exported = reported.assign(
        stream=REPORT,
        rule=reported["rule"].fillna(""),
        name=reported["policy"],
        run=reported["evidence"],
        seen_at=told,
        severity=reported["severity"].str.lower(),
        fails=reported["result"].eq("fail"),
    )
    columns = [*BREACH, "name", "run", "seen_at", "severity", "fails", "evidence", "line"]
    rows = pd.concat([audited[columns], exported[columns]], ignore_index=True)
    by = rows.groupby([*_STREAM, "run"])["seen_at"]
    at = by.transform("min").where(rows["stream"].eq(AUDIT), by.transform("max"))
    pointer = rows["evidence"] + ":" + rows["line"].astype("str")
    return rows.assign(run_at=at, evidence=pointer, fails=rows["fails"].astype(bool))


def severities(rows: pd.DataFrame, rules: Policies) -> pd.Series:
    """Severity of each sighting: by the settings, else the engine's, else medium (str)."""
    given = {name: severity.value for name, severity in rules.severities.items()}
    own = rows["severity"].where(rows["severity"].isin(_SEVERITIES))
    return rows["name"].map(given).astype("str").fillna(own).fillna(Severity.MEDIUM.value)


def spans(seen: pd.DataFrame, coverage: pd.DataFrame, rules: Policies, stop: pd.Timestamp) -> pd.DataFrame:
    """One row for each violation from when it was first seen until it was last: `BREACH`, `severity`, `start`, `end`.

    `end` is missing where the last run before `stop` still shows it. Only what was seen before `stop` counts.

    Args:
        seen: what `sightings` gives. coverage: `Coverage`, which tells of runs of the audit that found nothing.
    """
    seen = seen[(seen["run_at"] < stop).fillna(False).astype(bool)]
    seen = seen.assign(severity=severities(seen, rules), start=seen[["seen_at", "run_at"]].min(axis=1))
    runs = seen[[*_STREAM, "run", "run_at"]].drop_duplicates([*_STREAM, "run"])
    runs = runs.sort_values([*_STREAM, "run_at", "run"], kind="stable")
    runs = runs.assign(rank=runs.groupby(_STREAM).cumcount())
    failing = seen[seen["fails"]].merge(runs[[*_STREAM, "run", "rank"]], on=[*_STREAM, "run"])
    failing = failing.sort_values([*BREACH, "rank", "evidence"], kind="stable")
    once = failing.drop_duplicates([*BREACH, "rank"])
    gap = once["rank"] - once.groupby(BREACH)["rank"].shift()
    once = once.assign(streak=gap.ne(1).groupby([once[column] for column in BREACH]).cumsum())
    group = [*BREACH, "streak"]
    first = once.drop_duplicates(group)
    last = once.drop_duplicates(group, keep="last")[[*group, "run_at"]].rename(columns={"run_at": "last_at"})
    found = (
        first.drop(columns="run_at").merge(last, on=group).merge(_watched(runs, coverage, stop), on=_STREAM)
    )
    closed = (found["last_at"] < found["run_last"]) | (found["last_at"] + _SLACK < found["watched"])
    found = found.assign(end=found["last_at"].where(closed.fillna(False).astype(bool)))
    columns = [*BREACH, "name", "severity", "start", "end", "evidence"]
    return found[columns].sort_values([*BREACH, "start"], kind="stable", ignore_index=True)


def _watched(runs: pd.DataFrame, coverage: pd.DataFrame, stop: pd.Timestamp) -> pd.DataFrame:
    """By cluster and stream: its last run on record (`run_last`), and the last hour in which its log has records."""
    last = runs.groupby(_STREAM, as_index=False).agg(run_last=("run_at", "max"))
    hours = coverage[coverage["first_at"] < stop]
    each = hours.assign(stream=hours["format"]).groupby(_STREAM, as_index=False)
    return last.merge(each.agg(watched=("first_at", "max")), on=_STREAM, how="left")
