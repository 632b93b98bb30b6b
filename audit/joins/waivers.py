"""What reviewed files waive: findings of secrets by fingerprint, and exceptions by scope and time."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from audit.joins.identity import Resolver, System
from audit.settings import Settings
from audit.tables import SecretFindings, Waivers, conform

_LANDING = ["repo", "head_sha"]
_NARROW = ["app", "path", "subject"]
_SCOPE = ["repository", "environment", "cluster", *_NARROW]


def waived(findings: pd.DataFrame, waivers: pd.DataFrame, *, as_of: datetime) -> pd.DataFrame:
    """`SecretFindings` with `waived` and `waiver`, from `SecretWaivers` of the same repositories.

    Args:
        as_of: the moment of which the build speaks: a waiver that has ended by then holds no more.
    """
    ended = (waivers["expires"] <= pd.Timestamp(as_of)).fillna(False).astype(bool)
    holding = waivers[~ended]
    text = (holding["place"] + ": " + holding["reason"]).rename("waiver")
    rows = findings.drop(columns=["waived", "waiver"]).merge(
        holding[["repo", "fingerprint"]].assign(waiver=text), on=["repo", "fingerprint"], how="left"
    )
    return conform(SecretFindings, rows.assign(waived=rows["waiver"].notna()))


def granted(
    entries: pd.DataFrame,
    landings: pd.DataFrame,
    changes: pd.DataFrame,
    *,
    resolver: Resolver,
    settings: Settings,
) -> pd.DataFrame:
    """`Waivers`: each entry with the landing that brought it, who approved that, what it covers, and its flaws.

    Args:
        entries: `WaiverEntries`. landings: `Landings`. changes: `Changes`, of which an entry's approvals are taken.
    """
    rows = _landed(entries, landings, "position", ["head_sha", "landed_at"])
    rows = rows[rows["head_sha"].notna()]
    rows = _landed(rows, landings, "ended", ["landed_at"]).rename(columns={"landed_at_ended": "withdrawn_at"})
    said = changes.sort_values("pr_number").groupby(_LANDING, sort=True)[["approvers", "authors"]]
    rows = rows.merge(said.agg(" ".join).reset_index(), on=_LANDING, how="left")
    start = rows["starts"].fillna(rows["landed_at"])
    until = rows[["expires", "withdrawn_at"]].min(axis=1)
    rows = rows.assign(
        unreviewed=rows["approvers"].isna(),
        approvers=rows["approvers"].fillna("").astype("str"),
        authors=rows["authors"].fillna("").astype("str"),
        requester=named(rows["requester"], resolver, rows["landed_at"]),
        approver=named(rows["approver"], resolver, rows["landed_at"]),
        covers_from=start,
        covers_until=until.astype("datetime64[us, UTC]"),
        after_the_fact=start < rows["landed_at"],
        broad=rows[_NARROW].isna().all(axis=1),
    )
    return conform(Waivers, rows.assign(flaws=_flaws(rows, resolver, settings)))


def _landed(rows: pd.DataFrame, landings: pd.DataFrame, place: str, columns: list[str]) -> pd.DataFrame:
    """`rows` with columns of the landing that holds the mainline commit at their `place`; missing without a place."""
    heads = landings[["repo", "position", *columns]].sort_values("position", kind="stable")
    heads = heads.rename(columns={"position": "at"}).astype({"at": "float64"})
    keyed = rows.assign(at=rows[place].astype("Float64").astype("float64"))
    there = keyed[keyed["at"].notna()].sort_values("at", kind="stable")
    found = pd.merge_asof(there, heads, on="at", by="repo", direction="forward", suffixes=("", f"_{place}"))
    return pd.concat([found, keyed[keyed["at"].isna()]], ignore_index=True).drop(columns="at")


def named(names: pd.Series, resolver: Resolver, at: pd.Series) -> pd.Series:
    """Who a file names by roster id, login or e-mail, at `at`; empty where it names nobody."""
    found = resolver.resolve(names, "github", at)["person"]
    systems: tuple[System, ...] = ("git", "roster")
    for system in systems:
        who = resolver.resolve(names, system, at)
        found = found.mask(who["known"], who["person"])
    return found.mask(names.eq(""), "").astype("str")


def _among(persons: pd.Series, groups: pd.Series) -> pd.Series:
    """Whether each person stands in the group (names separated by spaces) beside them (bool)."""
    held = [person in group.split(" ") for person, group in zip(persons, groups, strict=True)]
    return pd.Series(held, index=persons.index, dtype=bool)


def _flaws(rows: pd.DataFrame, resolver: Resolver, settings: Settings) -> pd.Series:
    """Why each waiver does not hold, separated by '; '."""
    requester, approver = rows["requester"], rows["approver"]
    limit = pd.Timedelta(days=settings.waivers.longest_days)
    approved = _among(approver, rows["approvers"])
    checks = {
        "it names no requester": requester.eq(""),
        "its requester is not in the roster": requester.ne("") & ~requester.isin(resolver.people),
        "it names no approver": approver.eq(""),
        "its approver is not in the roster": approver.ne("") & ~approver.isin(resolver.people),
        "requester and approver are the same": requester.eq(approver) & requester.ne(""),
        "no pull request is known to have brought it": rows["unreviewed"],
        "its approver did not approve the pull request that brought it": ~rows["unreviewed"] & ~approved,
        "its approver is an author of the change that brought it": approved
        & _among(approver, rows["authors"]),
        "it gives no reason": rows["reason"].eq(""),
        "it names no compensating control": rows["compensating_control"].eq(""),
        "it has no scope": rows[_SCOPE].isna().all(axis=1),
        "it does not expire": rows["expires"].isna(),
        "it ends before it begins": rows["expires"].le(rows["covers_from"]).fillna(False).astype(bool),
        f"it covers more than {settings.waivers.longest_days} days": (
            (rows["expires"] - rows["covers_from"]).gt(limit).fillna(False).astype(bool)
        ),
        "waivers can't be waived": rows["control"].eq("WVR-01"),
    }
    said = pd.DataFrame({text: wrong.map({True: text, False: ""}) for text, wrong in checks.items()})
    texts = ["; ".join(filter(None, row)) for row in said.itertuples(index=False, name=None)]
    return pd.Series(texts, index=rows.index, dtype="str")
