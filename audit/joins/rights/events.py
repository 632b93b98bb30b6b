"""Who granted rights, when: events of the forge, and writes of the clusters' bindings."""

from __future__ import annotations

import pandas as pd

from audit.joins.identity import Resolver
from audit.joins.rights.shapes import TIME, Tables

_GRANTS = r"add|accept|creat|grant|update|permission|edited"
_CREATES = r"add|accept|creat|grant"
_WRITTEN = ("rolebindings", "clusterrolebindings")
_FOLDERS = r"^.*/"
_AWS_AUTH = "configmaps/kube-system/aws-auth"


def grants(tables: Tables, resolver: Resolver) -> pd.DataFrame:
    """`object` (str, as the lists of rights name it), `at`, `by` (str: person) and `creates` (bool: there was none before)."""
    parts = [_of_forge(tables["forge_events"], resolver), _of_clusters(tables["cluster_writes"])]
    return pd.concat(parts, ignore_index=True).astype(
        {"object": "str", "at": TIME, "by": "str", "creates": bool}
    )


def _of_forge(rows: pd.DataFrame, resolver: Resolver) -> pd.DataFrame:
    rows = rows[rows["category"].eq("access") & rows["at"].notna() & rows["action"].str.contains(_GRANTS)]
    team = rows["action"].str.startswith(("team.", "membership."))
    slug = rows["subject"].str.replace(_FOLDERS, "", regex=True).str.lower()
    user, repo = rows["user"].str.lower(), rows["repo"]
    of_repo = ("repo/" + repo + "/" + user.where(~team, slug)).where(repo.notna())
    of_org = ("org/" + rows["org"] + "/" + user).where(~team)
    of_team = ("team/" + slug + "/" + user).where(team)
    return pd.DataFrame(
        {
            "object": of_repo.fillna(of_team).fillna(of_org),
            "at": rows["at"],
            "by": resolver.resolve(rows["actor"], "github", rows["at"])["person"],
            "creates": rows["action"].str.contains(_CREATES),
        }
    ).dropna(subset=["object"])


def _of_clusters(writes: pd.DataFrame) -> pd.DataFrame:
    """Writes that were done: of bindings, and of aws-auth."""
    plain = writes["resource"].str.replace(r"\..*", "", regex=True)
    name = plain + "/" + writes["namespace"] + "/" + writes["name"]
    done = writes["outcome"].isin(["done", "unknown"]) & writes["verb"].isin(["create", "update", "patch"])
    wanted = done & (plain.isin(_WRITTEN) | name.eq(_AWS_AUTH))
    rows = writes[wanted]
    return pd.DataFrame(
        {
            "object": "cluster/" + rows["cluster"] + "/" + name[wanted],
            "at": rows["at"],
            "by": rows["person"],
            "creates": rows["verb"].eq("create"),
        }
    )
