"""Rights of which only logs tell: groups in which people came to clusters, and policies of the tokens that Vault saw."""

from __future__ import annotations

import pandas as pd

from audit.joins.rights.grants import MASTERS
from audit.joins.rights.lists import ids, together
from audit.joins.rights.shapes import TIME, Span, Tables, text

_REFUSED = (401, 403)
_DEFAULT, _ROOT = "default", "root"
_LOGIN = r"^(?:oidc|ldap|userpass|github|jwt|okta|cert)-"
_SERVICE_ACCOUNT = "system:serviceaccount:"


def seen(tables: Tables, span: Span, machines: pd.Series) -> pd.DataFrame:
    """Rights (`LISTED`) that were seen in use in the quarter, with `right_id`, `last_used` and all that lists would tell.

    Args:
        machines: of each request of `cluster_access` whether a machine made it (bool).
    """
    access, secrets = tables["cluster_access"], tables["secret_access"]
    before = access["at"].lt(span.stop)
    parts = [
        _groups(access[before], machines[before]),
        _vault(secrets[secrets["at"].lt(span.stop)]),
    ]
    times = pd.concat([part[["at"]] for part in parts], ignore_index=True)["at"]
    rows = together(parts).assign(at=times.astype(TIME))
    rows = rows.assign(right_id=ids(rows))
    rows = rows.sort_values(["right_id", "at", "evidence", "line"], kind="stable")
    rows = rows.assign(first=rows.groupby("right_id")["at"].transform("min").astype(TIME))
    rows = rows[rows["at"].ge(span.start)].drop_duplicates("right_id", keep="last")
    return rows.rename(columns={"at": "last_used"}).assign(
        since=rows["first"],
        since_basis="use",
        listed_at=rows["at"],
        compared_at=pd.Series(pd.NaT, index=rows.index, dtype=TIME),
        held=pd.Series(pd.NA, index=rows.index, dtype="boolean"),
        change="untold",
        before=None,
        granted_by=None,
    )


def _groups(rows: pd.DataFrame, machines: pd.Series) -> pd.DataFrame:
    """In which groups people were let into clusters; groups that Kubernetes itself gives are left out, but its masters."""
    refused = rows["code"].isin(_REFUSED).fillna(False).astype(bool)
    rows = rows[~refused & ~machines & rows["user"].notna() & rows["groups"].ne("")]
    rows = rows.sort_values("at", kind="stable")
    first = rows.drop_duplicates(["cluster", "user", "groups"])
    rows = pd.concat([first, rows.drop_duplicates(["cluster", "user", "groups"], keep="last")])
    rows = rows.assign(group=rows["groups"].str.split(",")).explode("group", ignore_index=True)
    rows = rows[~rows["group"].str.startswith("system:") | rows["group"].eq(MASTERS)]
    return pd.DataFrame(
        {
            "system_kind": "cluster",
            "system": rows["cluster"],
            "holder": rows["user"],
            "named_in": "kubernetes",
            "path": "seen",
            "how": "as the cluster's log saw it",
            "right": "group/" + rows["group"],
            "admin": rows["group"].eq(MASTERS),
            "at": rows["at"],
            "evidence": rows["evidence"],
            "line": rows["line"],
        }
    )


def _vault(rows: pd.DataFrame) -> pd.DataFrame:
    """Policies of the tokens that made requests; the default one only where a token has no other."""
    rows = rows[rows["type"].eq("request") & rows["policies"].ne("")]
    rows = rows.assign(policy=rows["policies"].str.split(",")).explode("policy", ignore_index=True)
    alone = rows["policies"].eq(_DEFAULT)
    rows = rows[rows["policy"].ne(_DEFAULT) | alone]
    name = rows["display_name"].where(rows["display_name"].ne(""), "entity " + rows["entity"])
    name = name.mask(rows["display_name"].eq("") & rows["entity"].eq(""), "a token without a name")
    return pd.DataFrame(
        {
            "system_kind": "vault",
            "system": "vault",
            "holder": name,
            "named_in": "vault",
            "path": "token",
            "how": text("policy of a token", rows).mask(
                rows["namespace"].ne(""), "in namespace " + rows["namespace"]
            ),
            "right": "policy/" + rows["policy"],
            "scope": rows["namespace"],
            "admin": rows["policy"].eq(_ROOT),
            "at": rows["at"],
            "evidence": rows["evidence"],
            "line": rows["line"],
        }
    )


def vault_names(names: pd.Series) -> pd.Series:
    """Display names of tokens (str) without the way of signing in that stands before them."""
    return names.str.replace(_LOGIN, "", regex=True)
