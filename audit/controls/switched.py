"""Writes to the operators' own objects, by which people may switch an application off and on again."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from audit.controls.interface import Context, Gap, Tables
from audit.controls.parts import counted, when
from audit.controls.spans import APPLICATION
from audit.model import PrincipalKind

_AROUND: tuple[tuple[str, Literal["backward", "forward"]], ...] = (
    ("before", "backward"),
    ("after", "forward"),
)
_OBJECTS = (
    "applications.argoproj.io",
    "kustomizations.kustomize.toolkit.fluxcd.io",
    "helmreleases.helm.toolkit.fluxcd.io",
)


def written_between(every: pd.DataFrame, tables: Tables, context: Context) -> tuple[Gap, ...]:
    """Gaps for applications that people wrote to between snapshots none of which shows them off: they may have been."""
    writes = tables["cluster_writes"]
    mine = writes["resource"].isin(_OBJECTS) & writes["principal_kind"].eq(PrincipalKind.PERSON.value)
    rows = writes[mine & writes["outcome"].isin(["done", "unknown"]) & context.holds(writes["at"])]
    rows = rows.assign(application=rows["namespace"] + "/" + rows["name"])[[*APPLICATION, "at"]]
    shots = every.dropna(subset=["seen_at"]).sort_values("seen_at", kind="stable")
    rows = rows.merge(shots[APPLICATION].drop_duplicates(), on=APPLICATION).sort_values("at", kind="stable")
    for name, direction in _AROUND:
        seen = shots[[*APPLICATION, "seen_at", "off"]].rename(columns={"seen_at": name, "off": f"off_{name}"})
        rows = pd.merge_asof(rows, seen, left_on="at", right_on=name, by=APPLICATION, direction=direction)
    hidden = rows[rows["off_before"].fillna("").eq("") & rows["off_after"].fillna("").eq("")]
    told = hidden.groupby(APPLICATION, as_index=False, sort=True).agg(at=("at", "min"), size=("at", "size"))
    names = told["cluster"] + "/" + told["application"]
    texts = (
        names
        + ": people wrote to it between snapshots ("
        + counted(told["size"], "write")
        + ", the first at "
    )
    texts = texts + when(told["at"]) + "), so that it may have been off meanwhile"
    return tuple(Gap(text) for text in texts)
