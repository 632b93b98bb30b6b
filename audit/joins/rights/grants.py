"""Rights as the systems list them: repositories, the organisation, roles of clusters, identities that clusters let in."""

from __future__ import annotations

import pandas as pd

from audit.joins.matching import matches_any
from audit.joins.rights.lists import together
from audit.joins.rights.shapes import Tables, text
from audit.settings import Settings

FORMATS = (
    "github-collaborators",
    "github-teams",
    "github-team-repositories",
    "github-members",
    "rbac-object",
    "cluster-identities",
)
MASTERS = "system:masters"
CLUSTER_ADMIN = "cluster-admin"
_MACHINES = ("serviceaccount", "serviceprincipal")
_ONE = ("user", *_MACHINES)
"""Kinds of principals of Google Cloud and Azure that are one; all others are several, or anybody."""
_CLOUD_ADMINS = (
    "roles/container.admin", "roles/owner", "owner", "azure kubernetes service rbac cluster admin",
    "azure kubernetes service cluster admin role",
)  # fmt: skip
"""Roles of clouds by which somebody administers a cluster."""
_SERVICE_ACCOUNT = "system:serviceaccount:"
_EVERYBODY = ("system:authenticated", "system:unauthenticated", "system:anonymous")
_OWN_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease")
_FOR_ALL = ("system:basic-user", "system:discovery", "system:public-info-viewer")
"""Roles that Kubernetes itself binds to everybody."""
_ORG = r"(?:^|/)orgs/([^/]+)/"
_NO_ORG = "organisation"


def listed(tables: Tables, settings: Settings) -> pd.DataFrame:
    """Every right of every list (`LISTED`)."""
    return together(
        [
            _repositories(tables["repo_grants"]),
            _organisation(tables, settings),
            _bindings(tables["rbac_bindings"], settings),
            _identities(tables["cluster_identities"]),
        ]
    )


def _repositories(grants: pd.DataFrame) -> pd.DataFrame:
    """Levels of people and machines, which hold what comes by teams too; and of the teams themselves."""
    team = grants["holder_kind"].eq("team")
    return pd.DataFrame(
        {
            "system_kind": "repository",
            "system": grants["repo"],
            "holder": grants["holder"].str.lower(),
            "holder_kind": grants["holder_kind"].mask(team, "group"),
            "named_in": text("github", grants).mask(team, ""),
            "path": text("collaborator", grants).mask(team, "team"),
            "how": text("", grants).mask(team, "team of the organisation"),
            "right": grants["level"],
            "admin": grants["level"].eq("admin"),
            "object": "repo/" + grants["repo"] + "/" + grants["holder"].str.lower(),
            "evidence": grants["evidence"],
            "line": grants["line"],
        }
    )[grants["level"].ne("none")]


def _organisation(tables: Tables, settings: Settings) -> pd.DataFrame:
    """Members of organisations and of their teams."""
    rows = tables["memberships"]
    objects = tables["evidence_objects"]
    org = objects["key"].str.extract(_ORG, expand=False)
    of = dict(zip(objects["sha256"], org, strict=True))
    owners = {repository.name.split("/")[0] for repository in settings.repositories}
    name = rows["evidence"].map(of).astype("str").fillna(owners.pop() if len(owners) == 1 else _NO_ORG)
    team = rows["scope"].eq("team")
    owner = ~team & rows["role"].eq("admin")
    of_team = "team/" + rows["team"] + " as " + rows["role"]
    return pd.DataFrame(
        {
            "system_kind": "organisation",
            "system": name,
            "holder": rows["login"].str.lower(),
            "holder_kind": text("person", rows).mask(
                rows["kind"].eq("Bot").fillna(False).astype(bool), "machine"
            ),
            "named_in": "github",
            "path": text("member", rows).mask(team, "team/" + rows["team"]),
            "how": text("member of the organisation", rows).mask(team, "member of a team"),
            "right": text("member", rows).mask(owner, "owner").mask(team, of_team),
            "admin": owner.astype(bool),
            "object": ("org/" + name).mask(team, "team/" + rows["team"]) + "/" + rows["login"].str.lower(),
            "evidence": rows["evidence"],
            "line": rows["line"],
        }
    )


def _bindings(rows: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Who is bound to which role of a cluster."""
    account = rows["subject_kind"].eq("ServiceAccount")
    group = rows["subject_kind"].eq("Group")
    space = rows["subject_namespace"].where(rows["subject_namespace"].ne(""), rows["namespace"])
    holder = rows["subject"].mask(account, _SERVICE_ACCOUNT + space + ":" + rows["subject"])
    role = rows["role_kind"] + "/" + rows["role"]
    kind = rows["kind"].str.lower() + "s"
    return pd.DataFrame(
        {
            "system_kind": "cluster",
            "system": rows["cluster"],
            "holder": holder,
            "holder_kind": text("", rows).mask(group, "group").mask(account, "machine"),
            "named_in": text("kubernetes", rows).mask(group, ""),
            "path": rows["kind"] + "/" + rows["binding"],
            "how": rows["kind"] + " " + rows["binding"],
            "right": role,
            "scope": rows["namespace"],
            "admin": role.eq(f"ClusterRole/{CLUSTER_ADMIN}"),
            "builtin": _own(rows, account, settings),
            "object": "cluster/"
            + rows["cluster"]
            + "/"
            + kind
            + "/"
            + rows["namespace"]
            + "/"
            + rows["binding"],
            "created_at": rows["created_at"],
            "evidence": rows["evidence"],
            "line": rows["line"],
        }
    )


def _own(rows: pd.DataFrame, account: pd.Series, settings: Settings) -> pd.Series:
    """Which bindings are Kubernetes' own (bool): its roles, for its own users, groups and controllers."""
    roles = matches_any(rows["role"], settings.access.builtin_roles)
    everybody = rows["subject"].isin(_EVERYBODY) | rows["subject"].str.startswith("system:serviceaccounts")
    its = ~account & rows["subject"].str.startswith("system:") & ~everybody
    its |= account & rows["subject_namespace"].isin(_OWN_NAMESPACES)
    its |= everybody & rows["role"].isin(_FOR_ALL)
    masters = rows["role"].eq(CLUSTER_ADMIN) & rows["subject"].eq(MASTERS) & rows["subject_kind"].eq("Group")
    return ((roles & its) | masters).astype(bool)


def _identities(rows: pd.DataFrame) -> pd.DataFrame:
    """Identities of the cloud that a cluster lets in: one right for each group or policy."""
    rows = rows.assign(group=rows["groups"].str.split(",")).explode("group", ignore_index=True)
    policy = rows["kind"].eq("access policy")
    assigned = rows["kind"].eq("role assignment")
    of = rows["entry_type"].fillna("").str.lower()
    account = rows["kind"].eq("account")
    name = rows["policy"].str.replace(r"^.*/", "", regex=True)
    group = rows["group"].astype("str")
    right = ("group/" + group).mask(group.eq(""), "may enter")
    right = right.mask(policy, "policy/" + name).mask(assigned, "cloud role/" + rows["policy"])
    right = right.mask(account, "whoever the account has")
    shared = account | rows["principal"].str.contains(":role/", regex=False) | (assigned & ~of.isin(_ONE))
    machine = assigned & of.isin(_MACHINES)
    nodes = rows["username"].fillna("").str.startswith("system:node:")
    entry = rows["kind"].str.startswith("access")
    return pd.DataFrame(
        {
            "system_kind": "cluster",
            "system": rows["cluster"],
            "holder": rows["principal"],
            "holder_kind": text("", rows).mask(shared, "group").mask(machine, "machine"),
            "named_in": text("kubernetes", rows),
            "path": rows["kind"],
            "how": text("aws-auth, ", rows).mask(entry, "EKS ").mask(assigned, "cloud ") + rows["kind"],
            "right": right,
            "scope": rows["scope"],
            "admin": (
                group.eq(MASTERS)
                | (policy & name.str.endswith("ClusterAdminPolicy"))
                | (assigned & rows["policy"].str.lower().isin(_CLOUD_ADMINS))
            ).astype(bool),
            "builtin": nodes.astype(bool),
            "object": ("cluster/" + rows["cluster"] + "/configmaps/kube-system/aws-auth").mask(
                entry | assigned, ""
            ),
            "template": rows["username"],
            "created_at": rows["changed_at"],
            "evidence": rows["evidence"],
            "line": rows["line"],
        }
    )


def wildcards(tables: Tables, dated: pd.DataFrame) -> pd.DataFrame:
    """Roles with their rules, list by list: `system`, `right`, `scope` (empty for a ClusterRole), `made`, `wild` (bool).

    A rule is wild that names all verbs, or all resources together with a verb that writes.
    """
    rules = tables["rbac_rules"].merge(dated[["evidence", "made"]], on="evidence")
    verbs, resources = (set_of(rules[name]) for name in ("verbs", "resources"))
    writes = [bool(each - {"get", "list", "watch"}) for each in verbs]
    every = pd.Series(["*" in each for each in verbs], index=rules.index, dtype=bool)
    wild = every & rules["resources"].ne("")
    wild |= pd.Series(["*" in each for each in resources], index=rules.index, dtype=bool) & pd.Series(
        writes, index=rules.index, dtype=bool
    )
    rules = rules.assign(
        system=rules["cluster"],
        right=rules["kind"] + "/" + rules["role"],
        scope=rules["namespace"],
        wild=wild,
    )
    return rules.groupby(["system", "right", "scope", "made"], sort=True)["wild"].any().reset_index()


def set_of(values: pd.Series) -> list[set[str]]:
    """Names separated by commas, as sets; each distinct text is parted once."""
    known = {each: set(each.split(",")) - {""} for each in values.unique()}
    return [known[each] for each in values]
