"""What should have raised an alert: drift, failed deployments, vulnerabilities, and resources that ran out.

The first three are what other controls test; the last are samples of metrics. Each incident has names by which an alert
may speak of it: of an application, an image, a pod.
"""

from __future__ import annotations

import json

import pandas as pd

from audit.controls import clu_04, clu_05, scn_02
from audit.controls.interface import Context, Tables
from audit.controls.parts import pointer, when
from audit.controls.spans import environments

COLUMNS = ["kind", "subject", "cluster", "names", "start", "within", "environment", "app", "evidence"]
_SERIES = ["cluster", "metric", "labels"]
_TOLD_BY = ("pod", "node", "resourcequota", "namespace")  # labels that name what ran out, the closest first


def incidents(tables: Tables, context: Context) -> pd.DataFrame:
    """Every incident on record that lasted: `COLUMNS`, of which `names` is a list, and `within` (timedelta) how soon it
    must raise an alert.

    Drift that was mended within that time needs no alert, and is none.
    """
    drift = clu_04.CONTROL.judge(tables, context).population
    mended = drift["end"] - drift["start"] <= _within(drift, context)
    drift = drift[~mended.fillna(False).astype(bool)]
    failed = clu_05.CONTROL.judge(tables, context).population
    failed = failed.assign(
        subject=failed["cluster"] + "/" + failed["application"] + "@" + when(failed["started_at"])
    )
    found = scn_02.CONTROL.judge(tables, context).population
    found = found.assign(cluster=pd.Series(pd.NA, index=found.index, dtype="str"))
    parts = [
        _incidents("drift", drift, ["application"]),
        _incidents("failure", failed, ["application"]),
        _incidents("vulnerability", found, ["ref", "image"]),
        _incidents("resources", _exhausted(tables["metric_samples"], context), ["named"]),
    ]
    every = pd.concat(parts, ignore_index=True)
    every = every.assign(within=_within(every, context))[COLUMNS]
    return every.sort_values(["start", "subject"], kind="stable", ignore_index=True)


def _incidents(kind: str, rows: pd.DataFrame, naming: list[str]) -> pd.DataFrame:
    """Rows as incidents of a kind, named by columns; of an application also by its name without the namespace."""
    named = pd.Series(
        [sorted({*each, *(one.rsplit("/", 1)[-1] for one in each if kind in ("drift", "failure"))})
         for each in rows[naming].itertuples(index=False, name=None)],
        index=rows.index, dtype="object",
    )  # fmt: skip
    made = rows.assign(kind=kind, names=named, subject=kind + ":" + rows["subject"])
    for column in ("environment", "app", "evidence"):
        if column not in made:
            made[column] = pd.Series(pd.NA, index=made.index, dtype="str")
    return made[[column for column in COLUMNS if column != "within"]]


def _within(rows: pd.DataFrame, context: Context) -> pd.Series:
    """How soon each must raise an alert (timedelta): of its environments, or its cluster's, the shortest time."""
    where = environments(rows, context)
    limits = {
        names: min(context.settings.limit("alert_minutes", name) for name in names.split(","))
        for names in where.dropna().unique()
    }
    minutes = where.map(limits).fillna(context.settings.alerting.minutes).astype("int64")
    return pd.to_timedelta(minutes, unit="min")


def _exhausted(samples: pd.DataFrame, context: Context) -> pd.DataFrame:
    """The first sample of each run above 0 of the series that tell such a thing: `subject`, `cluster`, `named`, `start`."""
    wanted = context.settings.alerting.resource_metrics
    rows = samples[samples["metric"].isin(list(wanted)) & samples["value"].notna()]
    rows = rows.sort_values([*_SERIES, "at"], kind="stable")
    above = rows["value"].gt(0).astype(bool)
    before = above.groupby([rows[column] for column in _SERIES], dropna=False).shift(fill_value=False)
    rows = rows[above & ~before.astype(bool)].reset_index(drop=True)
    labels = {text: json.loads(text) for text in rows["labels"].unique()}
    reason = (
        rows["labels"].map({text: str(told.get("reason", "")) for text, told in labels.items()}).astype("str")
    )
    named = rows["labels"].map({text: _named(told) for text, told in labels.items()}).astype("str")
    rows = rows.assign(named=named, reason=reason, start=rows["at"], evidence=pointer(rows))
    right = pd.Series(False, index=rows.index)
    for metric, pattern in wanted.items():
        right |= rows["metric"].eq(metric) & rows["reason"].str.fullmatch(pattern)
    rows = rows[right.astype(bool)]
    place = rows["cluster"].fillna("") + "/" + rows["named"] + ":" + rows["reason"]
    return rows.assign(subject=place + "@" + when(rows["start"]))


def _named(told: dict[str, object]) -> str:
    return next((str(told[label]) for label in _TOLD_BY if label in told), "")
