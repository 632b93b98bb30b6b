"""What is to be said of each right: whose it is, how it comes, and whether somebody should look at it."""

from __future__ import annotations

import pandas as pd

from audit.joins.identity import Resolver, System, matches_any
from audit.joins.rights.seen import vault_names
from audit.joins.rights.shapes import Span, Tables, text
from audit.model import PrincipalKind
from audit.settings import Settings

LEVELS = {name: rank for rank, name in enumerate(("none", "pull", "triage", "push", "maintain", "admin"))}
"""Levels in a repository, by what they allow."""
_SYSTEMS: tuple[System, ...] = ("github", "kubernetes")


def whose(rows: pd.DataFrame, tables: Tables, settings: Settings) -> pd.DataFrame:
    """`person`, `holder_kind` and `standing` (all str) of each right, with its index.

    Args:
        rows: rights (`LISTED`), with `listed_at`.
    """
    resolver = Resolver(tables["people"], tables["identities"], settings.machines)
    person, kind = rows["holder"].copy(), rows["holder_kind"].copy()
    known = pd.Series(False, index=rows.index)
    for system in _SYSTEMS:
        mine = rows["named_in"].eq(system)
        name = rows["holder"].where(rows["template"].isna(), rows["template"])[mine]
        who = resolver.resolve(name, system)
        person[mine], known[mine] = who["person"], who["known"]
        kind[mine] = kind[mine].where(
            kind[mine].ne("") & ~(kind[mine].eq("group") & who["known"]), who["kind"]
        )
    ours, vault = _of_vault(rows[rows["named_in"].eq("vault")], tables, settings)
    known[ours.index], person[ours.index] = ours.notna(), ours.fillna("vault:" + rows["holder"][ours.index])
    kind[ours.index] = vault
    people = tables["people"].drop_duplicates("person").set_index("person")
    facts = people[["joined", "left"]].reindex(person).set_axis(rows.index)
    standing = text("unknown", rows).mask(known, "there")
    standing = standing.mask(known & facts["joined"].gt(rows["listed_at"]).fillna(False), "not yet there")
    standing = standing.mask(known & facts["left"].le(rows["listed_at"]).fillna(False), "left")
    standing = standing.mask(~known & kind.eq("machine"), "known").mask(kind.eq("group"), "group")
    return pd.DataFrame({"person": person.where(kind.ne("group")), "holder_kind": kind, "standing": standing})


def _of_vault(rows: pd.DataFrame, tables: Tables, settings: Settings) -> tuple[pd.Series, pd.Series]:
    """Roster ids (str; missing where nobody matches) and kinds (str) of Vault's tokens."""
    name = vault_names(rows["holder"].str.casefold())
    identities = tables["identities"].drop_duplicates("identifier").set_index("identifier")["person"]
    person = name.map(identities).astype("str")
    kinds = tables["people"].drop_duplicates("person").set_index("person")["kind"]
    kind = person.map(kinds).astype("str").fillna(PrincipalKind.PERSON.value)
    return person, kind.mask(
        matches_any(rows["holder"], settings.vault.workloads), PrincipalKind.MACHINE.value
    )


def excess(rows: pd.DataFrame, tables: Tables, settings: Settings) -> pd.Series:
    """In what each right is excessive (str), separated by '; '; empty for nothing.

    Args:
        rows: rights with `person`, `holder_kind` and `standing`.
    """
    people = tables["people"].drop_duplicates("person").set_index("person")
    facts = people[["role", "team"]].reindex(rows["person"]).set_axis(rows.index)
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
