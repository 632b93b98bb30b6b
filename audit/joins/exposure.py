"""Which images Git asked for from when until when, which scans looked at each, and which vulnerabilities each had meanwhile.

An image is named with its tag or digest, as `ghcr.io/netbpf/web:1.2.0` or `ghcr.io/netbpf/web@sha256:…`.
"""

from __future__ import annotations

import pandas as pd

from audit.joins.matching import matches_any
from audit.settings import Scanning

_PLACE = ["repo", "app", "environment", "image"]
FINDING = ["ref", "vulnerability", "package"]


def asked(image_changes: pd.DataFrame, landings: pd.DataFrame, rules: Scanning) -> pd.DataFrame:
    """Images with the time in which Git asked for each anywhere: `ref`, `image`, `since`, `until`, `repo`, `app`, `environment`.

    `until` (datetime64[us, UTC]) is missing while it is still asked for. What was set before the first change on
    record counts from the repository's first landing. `app` and `environment` name all places, separated by commas.

    Args:
        image_changes: `ImageChanges`. landings: `Landings`.
    """
    rows = image_changes[
        image_changes["environment"].ne("") & ~matches_any(image_changes["image"], rules.ignore)
    ]
    rows = rows[[*_PLACE, "position", "landed_at", "before", "after"]].drop_duplicates()
    turns = rows[[*_PLACE, "position", "landed_at"]].drop_duplicates([*_PLACE, "position"])
    turns = turns.sort_values([*_PLACE, "position"], kind="stable")
    turns = turns.assign(until=turns.groupby(_PLACE)["landed_at"].shift(-1))
    set_here = rows.rename(columns={"after": "version", "landed_at": "since"}).drop(columns="before")
    set_here = set_here.merge(turns[[*_PLACE, "position", "until"]], on=[*_PLACE, "position"])
    first = turns.drop_duplicates(_PLACE)[[*_PLACE, "position"]]
    began = landings.groupby("repo", as_index=False).agg(since=("landed_at", "min"))
    earlier = rows.merge(first, on=[*_PLACE, "position"]).rename(
        columns={"before": "version", "landed_at": "until"}
    )
    earlier = earlier.drop(columns="after").merge(began, on="repo")
    every = pd.concat([set_here, earlier], ignore_index=True).dropna(subset=["version"])
    mark = pd.Series(":", index=every.index, dtype="str").mask(
        every["version"].str.startswith("sha256:"), "@"
    )
    every = every.assign(ref=every["image"] + mark + every["version"])
    lasting = every["until"].isna().groupby(every["ref"]).any()
    found = every.groupby("ref", as_index=False).agg(
        image=("image", "first"), repo=("repo", "first"), since=("since", "min"), until=("until", "max")
    )
    found["until"] = found["until"].where(~found["ref"].map(lasting).astype(bool))
    for column in ("app", "environment"):
        named = every[["ref", column]].drop_duplicates().sort_values(["ref", column])
        found = found.merge(named.groupby("ref")[column].agg(",".join).astype("str").reset_index(), on="ref")
    return found.sort_values("ref", ignore_index=True)


def scans_of(images: pd.DataFrame, scans: pd.DataFrame) -> pd.DataFrame:
    """Scans of each image, each once: `ref`, `scan`, `run`, `scanner`, `at`, `evidence`, `line`.

    A scan is of an image when it names it, as its artifact or among its names, or when the image is named by its digest
    and the scan tells that digest. One that failed, or tells no time, counts for nothing.
    """
    done = scans[scans["at"].notna() & scans["succeeded"].fillna(True).astype(bool)]
    told = done["names"] + " " + done["artifact"] + " " + done["digest"].fillna("")
    every = done[["scan", "run", "scanner", "at", "evidence", "line"]].assign(name=told.str.split())
    every = every.explode("name").dropna(subset=["name"]).drop_duplicates(["name", "scan", "run"])
    digest = images["ref"].str.extract(r"(sha256:[0-9a-f]+)$", expand=False)
    keys = pd.concat(
        [
            images[["ref"]].assign(name=images["ref"]),
            images[["ref"]].assign(name=digest).dropna(subset=["name"]),
        ]
    )
    found = keys.merge(every.astype({"name": "str"}), on="name").drop_duplicates(["ref", "scan", "run"])
    return found.drop(columns="name").sort_values(
        ["ref", "at", "scan", "run"], kind="stable", ignore_index=True
    )


def unscanned(subjects: pd.DataFrame, scanned: pd.DataFrame) -> pd.DataFrame:
    """Times between scans of each subject while it was asked for: its columns, with `start`, `end` and `pointers` of each.

    The first begins when the subject was first asked for, the last ends when it no longer was; `end` is missing where
    it still is.

    Args:
        subjects: `ref`, `since`, `until`, and whatever else. scanned: `ref`, `at` and `pointers` of scans.
    """
    times = scanned[["ref", "at", "pointers"]].drop_duplicates(["ref", "at"]).merge(subjects, on="ref")
    inside = (times["at"] >= times["since"]) & ~(times["at"] >= times["until"]).fillna(False).astype(bool)
    marks = pd.concat(
        [
            subjects.assign(start=subjects["since"], pointers=""),
            times[inside].rename(columns={"at": "start"}),
        ],
        ignore_index=True,
    )
    marks = marks.sort_values(["ref", "start"], kind="stable").drop_duplicates(["ref", "start"], keep="last")
    following = marks.groupby("ref")["start"].shift(-1)
    return marks.assign(end=following.fillna(marks["until"])).reset_index(drop=True)


def open_findings(
    images: pd.DataFrame, scanned: pd.DataFrame, vulnerabilities: pd.DataFrame, rules: Scanning
) -> pd.DataFrame:
    """Fixable vulnerabilities of the severities that have a limit, with the time in which each was open.

    `FINDING`, `severity`, `known` (first scan that shows it), `start` (the later of that and when the image was asked
    for), `end` (missing while it is open), `fixed_version`, `evidence`, and the columns of `images`.

    A finding is closed by the first later scan of the image by the same scanner that shows it no more, or when the
    image is no longer asked for. What was suppressed, or can't be fixed yet, is none.
    """
    rows = vulnerabilities[vulnerabilities["severity"].isin(list(rules.limits()))]
    rows = rows[rows["fixable"].fillna(False).astype(bool) & ~rows["suppressed"].astype(bool)]
    seen = (
        scanned[["ref", "scan", "run", "at"]]
        .merge(rows.drop(columns="at"), on=["scan", "run"])
        .sort_values([*FINDING, "at", "item"], kind="stable")
    )
    first = seen.drop_duplicates(FINDING).rename(columns={"at": "known"})
    last = seen.drop_duplicates(FINDING, keep="last")[[*FINDING, "at"]].rename(columns={"at": "last"})
    found = first.merge(last, on=FINDING).drop(columns=["scan", "run"])
    later = found[[*FINDING, "scanner", "last"]].merge(
        scanned[["ref", "scanner", "at"]], on=["ref", "scanner"]
    )
    clean = later[later["at"] > later["last"]].groupby(FINDING, as_index=False).agg(clean=("at", "min"))
    found = found.merge(clean, on=FINDING, how="left").merge(images, on="ref")
    found = found.assign(
        start=found[["known", "since"]].max(axis=1),
        end=found[["clean", "until"]].min(axis=1),
        evidence=found["evidence"] + ":" + found["line"].astype("str"),
    )
    ended = (found["end"] <= found["start"]).fillna(False).astype(bool)
    return found[~ended].sort_values(FINDING, kind="stable", ignore_index=True)


def undecided(
    images: pd.DataFrame, scanned: pd.DataFrame, vulnerabilities: pd.DataFrame, rules: Scanning
) -> pd.DataFrame:
    """As `open_findings`, those of which no scan of the image says whether they are fixable."""
    told = vulnerabilities["fixable"].notna()
    known = scanned[["ref", "scan", "run"]].merge(vulnerabilities[told], on=["scan", "run"])[FINDING]
    supposed = vulnerabilities[~told].assign(fixable=True)
    found = open_findings(images, scanned, supposed, rules)
    decided = found[FINDING].merge(known.drop_duplicates(), how="left", indicator=True)["_merge"].eq("both")
    return found[~decided.to_numpy()].reset_index(drop=True)
