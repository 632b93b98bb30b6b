"""Who of the cloud is behind a user of a cluster: an IAM user, or a session of an IAM role.

EKS tells the ARN in the audit log; without it, what the cluster lets in (`aws-auth`, access entries) says which users
stand for which principals. The name of a session is chosen by whoever assumes the role, so that it tells who that is
only for roles that the settings name, which only the single sign-on assumes. A user that is made of such a name is no
more believed than the session is.
"""

from __future__ import annotations

import re

import pandas as pd

from audit.joins.matching import matches_any

ASSUMED = r"^(arn:aws[a-z-]*):sts::(\d{12}):assumed-role/([^/]+)/(.+)$"
"""The ARN of a session: partition, account, role, and the session's name."""
_ROLE = re.compile(r"^(arn:aws[a-z-]*):iam::(\d{12}):role/(?:.*/)?([^/]+)$")
_SESSION = re.compile(r"\\\{\\\{SessionName(?:Raw)?\\\}\\\}")
_OTHER = re.compile(r"\\\{\\\{\w+\\\}\\\}")


class CloudUsers:
    """What is known of the cloud's identities.

    Args:
        cluster_identities: `ClusterIdentities`, of any number of snapshots.
        session_roles: names of roles, as regular expressions, whose sessions are named by the single sign-on alone.
    """

    def __init__(self, cluster_identities: pd.DataFrame, session_roles: tuple[str, ...]) -> None:
        self._let_in = cluster_identities.dropna(subset=["username"])[["cluster", "username", "principal"]]
        self._let_in = self._let_in.drop_duplicates(ignore_index=True)
        self._session_roles = session_roles

    def arns(self, rows: pd.DataFrame) -> pd.Series:
        """The ARN (str) behind each request of `ClusterAccess`; missing where there is none, or several may be meant."""
        arn = rows["cloud_arn"].fillna(rows["user"].where(rows["user"].str.startswith("arn:aws")))
        if self._let_in.empty:
            return arn
        asked = rows.loc[arn.isna(), ["cluster", "user"]].drop_duplicates().dropna()
        found = [_standing_for(asked, *entry) for entry in self._let_in.itertuples(index=False, name=None)]
        known = pd.concat(found).drop_duplicates().drop_duplicates(["cluster", "user"], keep=False)
        guessed = rows[["cluster", "user"]].merge(known, on=["cluster", "user"], how="left")["arn"]
        return arn.fillna(guessed.set_axis(rows.index).astype("str"))

    def believed(self, roles: pd.Series) -> pd.Series:
        """Of which roles (str, names) the names of sessions tell who somebody is (bool)."""
        return matches_any(roles, self._session_roles)


def _standing_for(asked: pd.DataFrame, cluster: str, username: str, principal: str) -> pd.DataFrame:
    """Which (`cluster`, `user`) an entry of a cluster lets in, and as which `arn`."""
    own = asked[asked["cluster"].eq(cluster)]
    pattern = _OTHER.sub(".+", _SESSION.sub("(.+)", re.escape(username), count=1))
    role = _ROLE.match(principal)
    if re.compile(pattern).groups == 0 or role is None:
        return own[own["user"].str.fullmatch(pattern)].assign(arn=principal)
    session = own["user"].str.extract(f"^{pattern}$", expand=False)
    partition, account, name = role.groups()
    return own.assign(arn=f"{partition}:sts::{account}:assumed-role/{name}/" + session).dropna()
