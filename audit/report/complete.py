"""What shows that the evidence is complete: sources, queries, ties, coverage, quarantine, repositories, objects."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pandas as pd

from audit.period import Period
from audit.report.pieces import Parameter, QueryRow
from audit.report.plain import iso, records, words
from audit.report.shapes import (
    CountRow,
    CoverageRow,
    EvidenceRow,
    QuarantineRow,
    RepositoryRow,
    SourceRow,
    TieRow,
    UnresolvedRow,
)
from audit.settings import Settings, Source

_COUNTS = ["size", "records", "kept", "noise", "quarantined"]


def sources(objects: pd.DataFrame, settings: Settings) -> list[SourceRow]:
    """Every source of the settings, also one that gave nothing, with the totals of its objects."""
    totals = (
        objects.groupby("source_name")[_COUNTS].sum().assign(objects=objects.groupby("source_name").size())
    )
    by_source = objects.groupby("source_name")
    named = totals
    for name in ("format", "envelopes"):
        named = named.join(by_source[name].agg(lambda names: ",".join(sorted(set(names)))))
    by_name = {row["source_name"]: row for row in records(named.reset_index())}
    locations = {source.name: source.location for source in settings.sources}
    nothing = dict.fromkeys([*_COUNTS, "objects"], 0) | {"format": "", "envelopes": ""}
    found = []
    for name in sorted(locations.keys() | by_name.keys()):
        row = by_name.get(name, nothing)
        found.append(
            SourceRow(
                name=name,
                location=locations.get(name, "no longer in the settings"),
                formats=sorted(set(words(str(row["format"]), ","))),
                envelopes=sorted(set(words(str(row["envelopes"]), ","))),
                objects=int(row["objects"]),
                **{count: int(row[count]) for count in _COUNTS},
            )
        )
    return found


def counts(source_counts: pd.DataFrame) -> list[CountRow]:
    """Objects of each source, from its listing to the quarter."""
    return [CountRow(**row) for row in records(source_counts)]


def ties(reconciliation: pd.DataFrame) -> list[TieRow]:
    """Rows at each step, by source and table."""
    renamed = reconciliation.rename(columns={"source_name": "source"})
    return [TieRow(**row) for row in records(renamed)]


def coverage(hours: pd.DataFrame, settings: Settings, period: Period, as_of: datetime) -> list[CoverageRow]:
    """Hours with records by day, for each source that speaks of a cluster; days in the period's time zone."""
    end = min(pd.Timestamp(period.end), pd.Timestamp(as_of))
    span = pd.date_range(period.start, end, freq="h", inclusive="left").tz_convert(period.time_zone)
    expected = pd.Series(1, index=span).groupby(span.strftime("%Y-%m-%d")).sum()
    inside = hours[period.holds(hours["hour"]) & (hours["hour"] < end)]
    found = []
    for source in sorted(settings.sources, key=lambda source: (source.cluster or "", source.name)):
        if source.cluster is None:
            continue
        rows = inside[inside["source_name"] == source.name]
        local = rows["hour"].drop_duplicates().dt.tz_convert(period.time_zone)
        seen = local.groupby(local.dt.strftime("%Y-%m-%d")).size().reindex(expected.index, fill_value=0)
        found.append(
            CoverageRow(
                source=source.name,
                cluster=source.cluster,
                days=[str(day) for day in expected.index],
                hours=[int(value) for value in seen],
                expected=[int(value) for value in expected],
                records=int(rows["records"].sum()),
                first=iso(rows["first_at"].min()) if len(rows) else "",
                last=iso(rows["last_at"].max()) if len(rows) else "",
            )
        )
    return found


def quarantine(rows: pd.DataFrame) -> list[QuarantineRow]:
    """Everything that could not be read."""
    return [QuarantineRow(**row) for row in records(rows.rename(columns={"source_name": "source"}))]


def unresolved(rows: pd.DataFrame) -> list[UnresolvedRow]:
    """Every name behind which nobody is known, those first that appeared most often."""
    ordered = rows.sort_values(["times", "system", "name"], ascending=[False, True, True], kind="stable")
    return [UnresolvedRow(**row) for row in records(ordered)]


def repositories(rows: pd.DataFrame, problems: pd.DataFrame, unread: pd.DataFrame) -> list[RepositoryRow]:
    """Each repository with its tip, how far its contents were read, and in what it is not whole."""
    wrong: dict[str, list[str]] = {}
    for row in records(problems):
        wrong.setdefault(row["repo"], []).append(f"{row['problem']}: {row['detail']}")
    files = unread.drop_duplicates(["repo", "sha", "path"]).groupby("repo").size()
    rows = rows.assign(
        read=(rows["mainline"] - rows["observed_from"]).fillna(0).astype("int64"),
        unread=rows["repo"].map(files).fillna(0).astype("int64"),
    ).drop(columns="observed_from")
    return [RepositoryRow(**row, problems=wrong.get(row["repo"], [])) for row in records(rows)]


def evidence(objects: pd.DataFrame) -> list[EvidenceRow]:
    """Every object, numbered in the table's order."""
    columns = ["source_name", "key", "version_id", "sha256", "collected_at", *_COUNTS]
    rows = records(objects[columns].rename(columns={"source_name": "source"}))
    return [EvidenceRow(number=number, **row) for number, row in enumerate(rows, 1)]


def queries(settings: Settings) -> list[QueryRow]:
    """What each source of the settings is asked for, and what is left out."""
    return [_query(source, settings) for source in sorted(settings.sources, key=lambda one: one.name)]


def _query(source: Source, settings: Settings) -> QueryRow:
    if source.kind == "s3":
        query = "the latest version of every object below the prefix (ListObjectVersions, else ListObjectsV2)"
    elif source.kind == "folder":
        query = "every regular file below the folder, hidden ones included"
    else:
        query = "REST API: everything that audit collect github collects of it, page by page to the last"
    left = []
    if source.kind == "github":
        since = settings.github.since
        left.append(f"unchanged since {since}" if since else "unchanged since the trend's first quarter")
        left += [f"part {part}" for part in settings.github.leave_out]
    if source.format != "auto":
        left.append(f"records that are not {source.format}")
    if source.ended_at is not None:
        left.append(f"asked for no more: it ended on {source.ended_at.date()}")
    return QueryRow(source.name, query, "; ".join(left) or "nothing")


_LISTED = {"store", "s3", "engine", "scheduler", "organisation", "sources", "repositories"}
"""Settings that decide nothing, or that the report lists elsewhere."""


def parameters(settings: Settings) -> list[Parameter]:
    """Every setting that differs from the default and decides something, by dotted name."""
    found: list[Parameter] = []

    def walk(name: str, value: Any) -> None:
        if isinstance(value, dict) and value:
            for key in sorted(value):
                walk(f"{name}.{key}" if name else key, value[key])
        else:
            found.append(Parameter(name, json.dumps(value, sort_keys=True, ensure_ascii=False)))

    said = settings.model_dump(mode="json", exclude_defaults=True, exclude=_LISTED)
    for name in sorted(said):
        if isinstance(said[name], list) and any(isinstance(each, dict) for each in said[name]):
            for number, each in enumerate(said[name], 1):
                walk(f"{name}[{number}]", each)
        else:
            walk(name, said[name])
    return found
