"""Which formats of evidence were read at all: what a control may lean on, and what is missing."""

from __future__ import annotations

import pandas as pd


def formats_read(evidence_objects: pd.DataFrame) -> pd.DataFrame:
    """Formats with at least one readable record, by source and cluster.

    Args:
        evidence_objects: `EvidenceObjects`; an object read as several formats names them separated by commas.

    Returns:
        `source_name` (str), `cluster` (str, missing for a source of no cluster), `format` (str), `records`
        (Int64: readable records of the objects that hold the format), one row for each, sorted.
    """
    readable = evidence_objects.assign(
        format=evidence_objects["format"].str.split(","),
        records=evidence_objects["records"] - evidence_objects["quarantined"],
    )
    readable = readable[readable["records"] > 0].explode("format")
    readable["format"] = readable["format"].astype("str").str.strip()
    readable = readable[readable["format"].fillna("").ne("")]
    by = ["source_name", "cluster", "format"]
    return (
        readable.groupby(by, dropna=False, sort=True)["records"].sum().reset_index()
        if len(readable)
        else readable[[*by, "records"]].reset_index(drop=True)
    )


def exported(evidence_objects: pd.DataFrame, formats: tuple[str, ...]) -> frozenset[str]:
    """Repositories of which objects with readable records of one of the formats speak.

    That rows of a table are there proves no export: a webhook may have told them, one by one.
    """
    readable = evidence_objects["records"] > evidence_objects["quarantined"]
    named = evidence_objects["format"].str.split(",").explode().str.strip()
    held = named.isin(formats).groupby(level=0).any()
    repos = evidence_objects.loc[(readable & held).astype(bool), "repos"]
    return frozenset(name for names in repos for name in names.split(" ") if name)


def formats_of(evidence_objects: pd.DataFrame, cluster: str | None = None) -> frozenset[str]:
    """Formats with at least one readable record: of one cluster, or of all sources."""
    read = formats_read(evidence_objects)
    if cluster is not None:
        read = read[read["cluster"].eq(cluster)]
    return frozenset(read["format"])
