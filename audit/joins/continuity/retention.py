"""What a system forgets before it is exported: an export vouches for no more than what was still kept when it was made."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd

from audit.joins.continuity.span import OBJECT, STREAM, TIME, Span
from audit.settings import Settings

Tables = dict[str, pd.DataFrame]

KEPT = {
    ("github-audit-log", ""): pd.Timedelta(days=180),
    ("github-audit-log", "git"): pd.Timedelta(days=7),
    ("argocd-event", ""): pd.Timedelta(hours=1),
}
"""How long a system keeps records, by format and part: GitHub its audit log, and of it the events of Git; Kubernetes its
events. (Flux' events may be Kubernetes' or may have been sent on: which they are, they do not say.) Anything else that is read is kept until somebody removes it."""

_MADE = "datetime64[us, UTC]"


def forgotten(tables: Tables, settings: Settings, span: Span) -> pd.DataFrame:
    """Gaps of kind `retention`: times of which no object can speak.

    An object vouches for the time from when records were still kept as it was made, or from its first record if that is
    older (it was streamed), until it was made. When it was made the source says, the settings (`exported_at`), or else
    its collection.
    """
    windows = _windows(tables, settings)
    if windows.empty:
        return windows
    by = [*STREAM, "part"]
    edges = windows[by].drop_duplicates()
    ends = [edges.assign(first=moment, made=moment) for moment in (span.start, span.stop)]
    rows = pd.concat([windows, *ends], ignore_index=True).astype({"first": _MADE, "made": _MADE})
    rows = rows.sort_values([*by, "first", "made"], kind="stable")
    groups = [rows[name] for name in by]
    reached = rows.groupby(by, dropna=False, sort=False)["made"].cummax()
    rows = rows.assign(start=reached.groupby(groups, dropna=False, sort=False).shift(1), end=rows["first"])
    rows = rows[(rows["end"] > rows["start"]) & (rows["end"] > span.start) & (rows["start"] < span.stop)]
    rows = span.inside(rows)
    repos = {source.name: source.repository for source in settings.sources}
    kept = rows["format"].str.cat(rows["part"], sep=" ").str.strip()
    rows["detail"] = (
        rows["source_name"]
        + ": "
        + kept
        + " records from "
        + rows["start"].dt.strftime(TIME)
        + " to "
        + rows["end"].dt.strftime(TIME)
        + " were no longer kept when the next export was made"
    )
    return rows.assign(kind="retention", repo=rows["source_name"].map(repos))


def _windows(tables: Tables, settings: Settings) -> pd.DataFrame:
    """What each object vouches for: `STREAM`, `part`, `first`, `made`."""
    kept = pd.DataFrame(
        [{"format": name, "part": part, "kept": length} for (name, part), length in KEPT.items()]
    )
    objects = tables["objects_by_format"].merge(kept, on="format")
    declared = {source.name: source.exported_at for source in settings.sources if source.exported_at}
    stated = pd.to_datetime(objects["source_name"].map(declared), utc=True)
    made = objects["last_modified"].fillna(stated).fillna(objects["collected_at"]).astype(cast("Any", _MADE))
    objects = objects.assign(made=made).merge(_first(tables), on=[*OBJECT, "format", "part"], how="left")
    first = objects["made"] - objects["kept"]
    first = first.mask(objects["oldest"] < first, objects["oldest"])
    return objects.assign(first=first.astype(cast("Any", _MADE)))[[*STREAM, "part", "first", "made"]]


def _first(tables: Tables) -> pd.DataFrame:
    """The first record of each object, and of its events of Git: `OBJECT`, `format`, `part`, `oldest`."""
    hours = tables["coverage"].groupby([*OBJECT, "format"])["first_at"].min().rename("oldest").reset_index()
    pushed = tables["git_operations"].groupby("evidence")["at"].min().rename("oldest").reset_index()
    pushed = hours[hours["format"].eq("github-audit-log")].drop(columns="oldest").merge(pushed, on="evidence")
    return pd.concat([hours.assign(part=""), pushed.assign(part="git")], ignore_index=True)
