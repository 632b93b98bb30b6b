"""How evidence was kept until it was read: which of it concerns the quarter, and what proves that it is what was stored."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from audit.controls.interface import Context, Gap, Tables

OBJECT = ["source_name", "sha256"]
_SHOWN = 3  # sources named in a gap about several


def concerned(tables: Tables, context: Context) -> pd.DataFrame:
    """Evidence objects with a record of the quarter, and those none of whose records tells a time.

    What was collected or written before the quarter began does not concern it.

    Returns:
        rows of `EvidenceObjects` with `at`: the first time in the quarter that a record speaks of (missing without any).
    """
    objects = tables["evidence_objects"]
    hours = tables["coverage"].rename(columns={"evidence": "sha256"})
    inside = hours[(hours["last_at"] >= context.start) & (hours["first_at"] < context.stop)]
    inside = inside.assign(at=inside["first_at"].where(inside["first_at"] >= context.start, context.start))
    timed = hours[OBJECT].drop_duplicates().assign(timed=True)
    rows = objects.merge(inside.groupby(OBJECT)["at"].min().reset_index(), on=OBJECT, how="left")
    rows = rows.merge(timed, on=OBJECT, how="left")
    before = (rows["collected_at"] < context.start) | (rows["last_modified"] < context.start)
    concerns = rows["at"].notna() | (rows["timed"].isna() & ~before.fillna(False).astype(bool))
    return rows[concerns].drop(columns="timed").reset_index(drop=True)


@dataclass(frozen=True)
class Kept:
    """Every object's version, retention lock and checksum, as its source tells them; nothing is left unlisted.

    What an API gave when it was asked was never stored elsewhere.
    """

    name: str = "evidence"
    what: str = "objects of every source, with their versions, locks and checksums"

    def gaps(self, tables: Tables, context: Context) -> list[Gap]:
        """One without any evidence; else one for each source of which some of it does not hold."""
        if tables["evidence_objects"].empty:
            return [Gap("no evidence was collected", blind=True)]
        asked = {source.name for source in context.settings.sources if source.kind == "github"}
        return self._unlisted(tables, context) + self._unproved(tables, context, asked)

    def _unlisted(self, tables: Tables, context: Context) -> list[Gap]:
        named = [source.name for source in context.settings.sources]
        counts = tables["source_counts"].sort_values("source_name")
        counts = counts[counts["source_name"].isin(named)]
        broken = {
            "gave nothing": counts["stored"].eq(0),
            "could not be listed to its end": counts["complete"].eq(False),
            "has numbers that do not tie": counts["ties"].eq(False),
        }
        return [
            Gap(f"{name} {what}")
            for what, rows in broken.items()
            for name in counts.loc[rows.fillna(False).astype(bool), "source_name"]
        ]

    def _unproved(self, tables: Tables, context: Context, asked: set[str]) -> list[Gap]:
        rows = concerned(tables, context)
        rows = rows[~rows["source_name"].isin(list(asked))]
        lacking = {
            "no version, so that one that was replaced before it was read would not be told": rows[
                "version_id"
            ].eq(""),
            "no lock on record, so that one that was removed for good would not be told": rows[
                "retention"
            ].eq(""),
            "no checksum of the source that they were held against": ~rows["verified"].astype(bool),
        }
        return [
            Gap(
                f"{int(which.sum())} of {len(rows)} objects have {what}: {_shares(rows.loc[which, 'source_name'])}"
            )
            for what, which in lacking.items()
            if which.any()
        ]


def _shares(names: pd.Series) -> str:
    """The first sources in order, each with how often it stands there."""
    counts = names.value_counts().sort_index()
    shown = ", ".join(f"{name} ({count})" for name, count in counts.iloc[:_SHOWN].items())
    return shown + (f" and {len(counts) - _SHOWN} more sources" if len(counts) > _SHOWN else "")


def bucket_of(location: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://bucket/prefix`; the prefix ends in `/`, or is empty."""
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    return bucket, prefix if prefix == "" or prefix.endswith("/") else prefix + "/"


def places(context: Context) -> list[tuple[str, str, str]]:
    """Source, bucket and prefix of every source that lies in a bucket, or is a copy of what does; sorted."""
    found = []
    for source in context.settings.sources:
        location = source.location if source.kind == "s3" else source.copy_of
        if location is not None:
            found.append((source.name, *bucket_of(location)))
    return sorted(found)
