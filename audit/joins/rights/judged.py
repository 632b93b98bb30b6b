"""What is to be said of each right: whose it is, how it comes, and whether somebody should look at it."""

from __future__ import annotations

import pandas as pd

from audit.joins.identity import Resolver, System
from audit.joins.matching import matches_any
from audit.joins.rights.seen import vault_names
from audit.joins.rights.shapes import Span, Tables, text
from audit.model import PrincipalKind
from audit.settings import Settings

LEVELS = {name: rank for rank, name in enumerate(("none", "pull", "triage", "push", "maintain", "admin"))}
"""Levels in a repository, by what they allow."""
_SYSTEMS: tuple[System, ...] = ("github", "kubernetes", "vault")
_CLOUD: System = "iam"


def whose(rows: pd.DataFrame, tables: Tables, settings: Settings, resolver: Resolver) -> pd.DataFrame:
    """`person`, `holder_kind` and `standing` (all str) of each right at the time of its list, with its index.

    Args:
        rows: rights (`LISTED`), with `listed_at`.
    """
    person, kind = rows["holder"].copy(), rows["holder_kind"].copy()
    known = pd.Series(False, index=rows.index)
    names = rows["holder"].where(rows["template"].isna(), rows["template"])
    names = names.mask(rows["named_in"].eq("vault"), vault_names(rows["holder"]))
    for place, system, name in (
        *((rows["named_in"].eq(system), system, names) for system in _SYSTEMS),
        (rows["template"].notna(), _CLOUD, rows["holder"]),
    ):
        who = resolver.resolve(name[place], system, rows["listed_at"][place])
        new = ~known[place] | who["known"]
        person[place] = person[place].where(~new, who["person"])
        known[place] |= who["known"]
        named = kind[place].ne("") & ~(kind[place].eq("group") & who["known"])
        kind[place] = kind[place].where(named, who["kind"])
    vault = rows["named_in"].eq("vault")
    kind = kind.mask(
        vault & matches_any(rows["holder"], settings.vault.workloads), PrincipalKind.MACHINE.value
    )
    people = tables["people"].drop_duplicates("person").set_index("person")
    facts = people[["joined", "left"]].reindex(person).set_axis(rows.index)
    standing = text("unknown", rows).mask(known, "there")
    standing = standing.mask(known & facts["joined"].gt(rows["listed_at"]).fillna(False), "not yet there")
    standing = standing.mask(known & facts["left"].le(rows["listed_at"]).fillna(False), "left")
    standing = standing.mask(~known & kind.eq("machine"), "known").mask(kind.eq("group"), "group")
    return pd.DataFrame({"person": person.where(kind.ne("group")), "holder_kind": kind, "standing": standing})


def excess(rows: pd.DataFrame, settings: Settings, resolver: Resolver) -> pd.Series:
    """In what each right is excessive (str), separated by '; '; empty for nothing.

    Args:
        rows: rights with `person`, `holder_kind` and `standing`.
    """
    facts = resolver.held(rows["person"], rows["listed_at"])
    rules = settings.access
    of_repo, of_cluster = rows["system_kind"].eq("repository"), rows["system_kind"].eq("cluster")
    allowed = facts["role"].map(dict(rules.roles)).astype("str").fillna(rules.level)
    above = of_repo & rows["right"].map(LEVELS).gt(allowed.map(LEVELS)) & rows["holder_kind"].ne("group")
    environment = rows["system"].map({one.name: one.environment for one in settings.clusters})
    may = {(who, each) for who, environments in rules.environments.items() for each in environments}
    enters = pd.Series(not may, index=rows.index)
    for column in ("role", "team"):
        pairs = zip(facts[column].astype(object), environment.astype(object), strict=True)
        enters |= pd.Series([pair in may for pair in pairs], index=rows.index, dtype=bool)
    person = rows["holder_kind"].eq("person") & rows["standing"].isin(["there", "left", "not yet there"])
    parts = (
        (above, "may hold " + allowed),
        (of_cluster & person & ~enters, "neither role nor team may enter " + environment),
        (of_cluster & rows["admin"], text("gives everything in the cluster", rows)),
        (rows["system_kind"].eq("vault") & rows["admin"], text("the root policy", rows)),
        (rows["wildcard"].fillna(False).astype(bool), text("its role names all verbs or resources", rows)),
    )
    found = text("", rows)
    for holds, words in parts:
        found = found + (words + "; ").fillna("").where(
            holds.fillna(False).astype(bool) & ~rows["builtin"], ""
        )
    return found.str.removesuffix("; ")


def dormant(rows: pd.DataFrame, span: Span) -> pd.Series:
    """Which rights were held all the time in which logs that are whole show no use of them (bool)."""
    held = rows["held"].fillna(False).astype(bool) & ~rows["builtin"]
    long = rows["since"].le(span.unused).fillna(False).astype(bool)
    return held & long & rows["usage"].eq("unused")


def ways(rows: pd.DataFrame) -> pd.Series:
    """How the level of each holder in a repository comes about (str): by teams, as an owner, directly; else as it was."""
    direct = rows["path"].eq("collaborator")
    grants = rows[rows["path"].eq("team")][["system", "holder", "right"]]
    grants = grants.rename(columns={"holder": "team", "right": "level"})
    members = rows[rows["path"].str.startswith("team/") & rows["system_kind"].eq("organisation")]
    members = members[["holder", "path"]].assign(team=members["path"].str.removeprefix("team/"))
    by_team = grants.merge(members[["holder", "team"]].drop_duplicates(), on="team")
    mine = rows[direct][["right_id", "system", "holder", "right"]].merge(by_team, on=["system", "holder"])
    mine = mine[mine["level"].map(LEVELS).ge(mine["right"].map(LEVELS))]
    named = mine.sort_values(["right_id", "team"]).groupby("right_id")["team"].agg(", ".join)
    owners = rows.loc[rows["right"].eq("owner") & rows["system_kind"].eq("organisation"), "holder"]
    owner = direct & rows["right"].eq("admin") & rows["holder"].isin(owners)
    otherwise = "direct" if len(members) else "direct, or by a team"
    how = ("by team " + rows["right_id"].map(named).astype("str")).fillna(otherwise)
    return rows["how"].mask(direct, how.mask(owner, "owner of the organisation"))
