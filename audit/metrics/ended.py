"""Whether the evidence that figures rest on ended before a quarter: nothing seen since is not nothing done since."""

from __future__ import annotations

from typing import Any

import pandas as pd

from audit.metrics.interface import Span, Tables

_OPERATORS = (
    "argocd-application", "argocd-event", "argocd-log", "argocd-notifications", "flux-object", "flux-event", "flux-log",
)  # fmt: skip
_TOLD_BY: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "reviews": (
        ("github-pulls", "github-reviews", "github-review-events", "github-graphql", "github-cli-pulls", "github-webhook"),
        ("created_at", "landed_at"),
    ),
    "deployments": (_OPERATORS, ("started_at", "finished_at")),
    "states": (_OPERATORS, ("start", "end")),
    "scans": (("trivy-json", "trivy-kubernetes", "grype-json", "sarif", "trivy-operator"), ("at",)),
}  # fmt: skip
"""By what a metric rests on: formats of the evidence, and columns of its table in which its times stand.

What Git alone tells is none of these: a repository is read whole, as it is when it is read.
"""


def ended(evidence: str, rows: pd.DataFrame, tables: Tables, span: Span) -> str:
    """Why nothing can be said of a quarter, since what tells of it had ended before; empty where something can be.

    Evidence reaches a quarter when a record is of the quarter or later, or an object was written or declared to be
    exported since the quarter began. Where gaps in the evidence leave nothing of the quarter, and nothing of it is on
    record, nothing can be said of it either.

    Args:
        evidence: what the metric rests on. rows: the table that holds it.
    """
    if evidence not in _TOLD_BY:
        return ""
    formats, times = _TOLD_BY[evidence]
    objects = tables["evidence_objects"]
    known = objects["format"].str.split(",").explode().str.strip().isin(formats).groupby(level=0).any()
    objects = objects[known.reindex(objects.index, fill_value=False)]
    hours = tables["coverage"]
    declared = {s.name: s.exported_at for s in span.settings.sources if s.exported_at is not None}
    told = [declared[name] for name in set(objects["source_name"]) & declared.keys()]
    last = _latest(
        *(rows[name] for name in times),
        hours.loc[hours["format"].isin(formats), "last_at"],
        objects["last_modified"],
        pd.Series(told, dtype="datetime64[us, UTC]"),
    )
    if not pd.isna(last) and last < span.start:
        return f"nothing on record is of the quarter or later: evidence ends on {last:%Y-%m-%d}"
    return _uncovered(formats, [rows[name] for name in times], tables, span)


def _uncovered(formats: tuple[str, ...], times: list[pd.Series], tables: Tables, span: Span) -> str:
    """Why, when nothing is on record of a quarter that gaps in the evidence cover from end to end."""
    gaps = tables["evidence_gaps"]
    gaps = gaps[gaps["format"].isin(formats) & gaps["part"].eq("") & gaps["missing"].astype(bool)]
    if gaps.empty or any(span.holds(each).any() for each in times):
        return ""
    gaps = gaps.sort_values("start", kind="stable")
    before = gaps["end"].cummax().shift().fillna(span.start)
    broken = (gaps["start"] > before).any() or gaps["end"].max() < span.stop
    return "" if broken else "evidence of the whole quarter is missing (evidence_gaps)"


def _latest(*times: pd.Series) -> Any:
    """The latest of all times; NaT where there is none."""
    found = [each.max() for each in times if each.notna().any()]
    return max(found) if found else pd.NaT
