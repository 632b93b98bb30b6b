"""Emergencies in clusters: what the settings and the tickets say of each, what was done in it, and what brought it back to Git.

A span excuses what its person does in its cluster from its opening until before its end. The settings say both where they name
the ticket; else the record does, once it is closed: one that never was closed excuses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from audit.joins.access import break_glass
from audit.joins.availability import formats_of
from audit.joins.identity import Resolver
from audit.joins.principals import principals
from audit.joins.waivers import named
from audit.settings import BreakGlass, Settings
from audit.tables import Emergencies, conform

Tables = dict[str, pd.DataFrame]

_KEY = ["ticket", "cluster", "person"]
_SPAN = [*_KEY, "opened_at"]
_DONE = ["cluster", "person", "at", "audit_id", "change", "break_glass", "evidence", "line"]
_READS = ("get", "list", "watch")
_SHOWN = 5  # pointers to what was done in it
_LOGS = ("kubernetes-audit", "gke-audit")
_PULL = r"(?:(?P<repo>[^\s#@]+))?#(?P<number>\d{1,9})\b"


def spans(records: pd.DataFrame, settings: Settings, resolver: Resolver) -> pd.DataFrame:
    """Every emergency, with what is said of it: `ticket`, `cluster`, `person`, `opened_at`, `ends_at`, `told_by`, and the record.

    One ticket may be opened again: each opening is an emergency of its own. The settings' span and the record are of one
    emergency where they overlap; of several records the one that was opened nearest to the span, the others stand alone.

    Args:
        records: `BreakGlassRecords`; of one emergency the record counts that says most, and of those the last one.
    """
    told = _told(records, resolver)
    said = _said(settings.break_glass, resolver)
    both = said.merge(_met(said, told), on=_SPAN, how="left")
    both = both.assign(told_by=both["opened_at_told"].notna().map({True: "both", False: "settings"}))
    met = pd.MultiIndex.from_frame(both[[*_KEY, "opened_at_told"]])
    alone = told[~pd.MultiIndex.from_frame(told[_SPAN]).isin(met)].assign(told_by="record")
    rows = pd.concat([both.drop(columns="opened_at_told"), alone], ignore_index=True)
    return rows.assign(
        told_by=rows["told_by"].astype("str"), ends_at=rows["ends_at"].fillna(rows["closed_at"])
    ).sort_values(["opened_at", *_KEY], kind="stable", ignore_index=True)


def _met(said: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    """The record of each span of the settings that has one: `_SPAN`, the record's columns, and `opened_at_told`.

    A record that was never closed lasts until the next one of its ticket, cluster and person.
    """
    told = told.sort_values(_SPAN, kind="stable")
    told = told.assign(until=told["closed_at"].fillna(told.groupby(_KEY)["opened_at"].shift(-1)))
    pairs = said.merge(told.rename(columns={"opened_at": "opened_at_told"}), on=_KEY, suffixes=("", "_told"))
    apart = pairs["opened_at_told"] - pairs["opened_at"]
    overlap = pairs["opened_at_told"].lt(pairs["ends_at"]) & ~pairs["until"].le(pairs["opened_at"])
    pairs = pairs.assign(apart=apart.abs())[overlap | apart.eq(pd.Timedelta(0))]
    nearest = pairs.sort_values([*_SPAN, "apart", "opened_at_told"], kind="stable").drop_duplicates(_SPAN)
    return nearest.drop(columns=["ends_at", "ends_at_told", "until", "apart"], errors="ignore")


def _said(names: Iterable[BreakGlass], resolver: Resolver) -> pd.DataFrame:
    """The spans of the settings, each once."""
    rows = pd.DataFrame(
        [(one.ticket, one.cluster, one.person, one.opened, one.closed) for one in names],
        columns=[*_KEY, "opened_at", "ends_at"],
    )
    rows = rows.astype(
        {**dict.fromkeys(_KEY, "str"), **dict.fromkeys(("opened_at", "ends_at"), "datetime64[us, UTC]")}
    )
    rows = rows.assign(person=resolver.resolve(rows["person"], "roster", rows["opened_at"])["person"])
    return rows.sort_values([*_KEY, "opened_at", "ends_at"]).drop_duplicates(_SPAN, keep="last")


def _told(records: pd.DataFrame, resolver: Resolver) -> pd.DataFrame:
    """The records, one for each opening."""
    rows = records.assign(person=named(records["person"], resolver, records["opened_at"]))
    told = rows[["closed_at", "reviewed_at", "returned"]].notna().sum(axis=1)
    last = rows[["opened_at", "closed_at", "reviewed_at"]].max(axis=1)
    rows = rows.assign(says=told, last=last)
    rows = rows.sort_values([*_SPAN, "says", "last", "evidence", "line"], kind="stable")
    return rows.drop_duplicates(_SPAN, keep="last").drop(columns=["says", "last"])


def allowing(spans: pd.DataFrame, settings: Settings) -> Settings:
    """Settings whose `break_glass` names the closed emergencies too of which records alone tell."""
    told = spans[spans["told_by"].eq("record") & spans["ends_at"].notna()]
    more = tuple(
        BreakGlass.model_construct(
            ticket=ticket, person=person, cluster=cluster, opened=opened, closed=closed
        )
        for ticket, person, cluster, opened, closed in zip(
            told["ticket"], told["person"], told["cluster"], told["opened_at"], told["ends_at"], strict=True
        )
    )
    return settings.model_copy(update={"break_glass": (*settings.break_glass, *more)})


def emergencies(
    spans: pd.DataFrame, tables: Tables, *, resolver: Resolver, settings: Settings
) -> pd.DataFrame:
    """`Emergencies`.

    Args:
        spans: as `spans` gives them.
        tables: `cluster_writes`, `cluster_access`, `landings`, `landing_pulls`, `pull_requests` and `evidence_objects`.
    """
    rows = spans.assign(
        environment=[settings.environment_of(cluster) for cluster in spans["cluster"]],
        reviewer=named(spans["reviewer"].fillna(""), resolver, spans["reviewed_at"]).where(
            spans["reviewer"].notna()
        ),
        record=(spans["evidence"] + ":" + spans["line"].astype("str")).where(spans["evidence"].notna()),
    ).drop(columns=["returned", "evidence"])
    writes = tables["cluster_writes"]
    done = writes[writes["break_glass"].notna() & writes["outcome"].isin(["done", "unknown"])]
    read = _read(spans, tables["cluster_access"], resolver, settings)
    rows = rows.merge(_actions(spans, pd.concat([done, read], ignore_index=True)), on=_SPAN, how="left")
    logged = _logged(tables["evidence_objects"])
    for name in ("actions", "changes"):
        rows[name] = rows[name].where(rows[name].notna() | ~rows["cluster"].isin(logged), 0)
    rows = rows.merge(_returned(spans, tables), on=_SPAN, how="left")
    pointers = rows["record"].fillna("").str.cat(rows["pointers"].fillna(""), sep=" ").str.strip()
    return conform(Emergencies, rows.assign(returned=rows["returned"].fillna(""), evidence=pointers))


def _logged(evidence_objects: pd.DataFrame) -> set[str]:
    """Clusters of whose audit log there is evidence."""
    read = evidence_objects.dropna(subset=["cluster"])
    return {str(cluster) for cluster, own in read.groupby("cluster") if not formats_of(own).isdisjoint(_LOGS)}


def _read(spans: pd.DataFrame, access: pd.DataFrame, resolver: Resolver, settings: Settings) -> pd.DataFrame:
    """Requests under a ticket that read Secrets, with the columns of `ClusterWrites` that `_actions` asks for."""
    rows = access[
        access["resource"].eq("secrets")
        & access["verb"].isin(_READS)
        & access["cluster"].isin(spans["cluster"])
        & ~access["code"].ge(400).fillna(False).astype(bool)
    ]
    rows = rows.assign(person=principals(rows, resolver, settings)["person"], change=False)
    rows = rows.assign(break_glass=break_glass(rows, settings.break_glass, resolver))
    return rows.loc[rows["break_glass"].notna(), _DONE]


def _actions(spans: pd.DataFrame, done: pd.DataFrame) -> pd.DataFrame:
    """What was done in each emergency: `actions`, of these `changes`, `first_action_at`, `last_action_at`, `pointers`."""
    done = done[_DONE].rename(columns={"break_glass": "ticket"})
    done = done.merge(spans[[*_SPAN, "ends_at"]], on=_KEY)
    done = done[done["at"].ge(done["opened_at"]) & done["at"].lt(done["ends_at"])]
    done = done.assign(pointers=done["evidence"] + ":" + done["line"].astype("str"))
    done = done.sort_values([*_SPAN, "at", "audit_id"], kind="stable")
    by = done.groupby(_SPAN, sort=True)
    found = by.agg(
        actions=("at", "size"), changes=("change", "sum"), first_action_at=("at", "min"), last_action_at=("at", "max")
    )  # fmt: skip
    shown = by.head(_SHOWN).groupby(_SPAN, sort=True)["pointers"].agg(" ".join)
    return found.join(shown).reset_index()


def _returned(spans: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """What brought each emergency back to Git: `returned_at` and `returned`."""
    named = spans[[*_SPAN, "returned"]]
    told = named["returned"].str.extractall(_PULL).reset_index(level=1, drop=True)
    told = named.drop(columns="returned").join(told, how="inner").dropna(subset=["number"])
    told = told.assign(pr_number=told["number"].astype("int64"))
    pulls = tables["pull_requests"][["repo", "number", "title_text"]].rename(columns={"number": "pr_number"})
    words = pulls.assign(ticket=pulls["title_text"].str.findall(r"[A-Za-z0-9][A-Za-z0-9_-]*")).explode(
        "ticket"
    )
    titled = named.drop(columns="returned").merge(
        words[["repo", "pr_number", "ticket"]].dropna().astype({"ticket": "str"}), on="ticket"
    )
    landed = pd.concat(
        [
            tables["landings"][["repo", "head_sha", "pr_number"]].dropna(),
            tables["landing_pulls"][["repo", "head_sha", "pr_number"]],
        ]
    ).drop_duplicates()
    landed = landed.merge(tables["landings"][["repo", "head_sha", "landed_at"]], on=["repo", "head_sha"])
    whole = told[told["repo"].notna()].merge(landed, on=["repo", "pr_number"])
    short = told[told["repo"].isna()].drop(columns="repo").merge(landed, on="pr_number")
    found = pd.concat([whole, short, titled.merge(landed, on=["repo", "pr_number"])], ignore_index=True)
    found = found[found["landed_at"] >= found["opened_at"]].drop_duplicates([*_SPAN, "repo", "head_sha"])
    found = found.assign(commit=found["repo"] + "@" + found["head_sha"]).sort_values(
        [*_SPAN, "landed_at", "commit"]
    )
    by = found.groupby(_SPAN, sort=True)
    return pd.DataFrame(
        {"returned_at": by["landed_at"].min(), "returned": by["commit"].agg(" ".join)}
    ).reset_index()
