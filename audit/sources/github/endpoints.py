"""What is asked of GitHub: each endpoint with the permission that it needs, and where its items stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of GitHub's REST API, as its documentation names it.

    Attributes:
        path: path below the API's root, with the names that `asked` fills in.
        permission: what a fine-grained token or an App must be allowed.
        items: key of the body that holds the items of a page; empty where the body is the list itself.
        single: the answer is one object, not a page of a list.
        cursor: pages follow on each other by links alone; they have no numbers.
        query: parameters, without those of paging; they too may hold names.
    """

    path: str
    permission: str
    items: str = ""
    single: bool = False
    cursor: bool = False
    query: str = ""

    def asked(self, **names: Any) -> str:
        """Path and query of one request; the first page of a list."""
        parts = [part for part in (self.query, "" if self.single else "per_page=100") if part]
        quoted = {
            name: quote(str(value), safe="/" if name == "repo" else "") for name, value in names.items()
        }
        return (self.path + ("?" + "&".join(parts) if parts else "")).format(**quoted)


PER_PAGE = 100
"""Items of a full page: the most that GitHub gives."""

_PULLS = "Pull requests: read"

REPOSITORY = Endpoint("/repos/{repo}", "Metadata: read", single=True)
PULLS = Endpoint("/repos/{repo}/pulls", _PULLS, query="state=all&sort=created&direction=asc")
PULL = Endpoint("/repos/{repo}/pulls/{number}", _PULLS, single=True)
REVIEWS = Endpoint("/repos/{repo}/pulls/{number}/reviews", _PULLS)
EVENTS = Endpoint("/repos/{repo}/issues/{number}/events", "Issues: read")
CHECK_RUNS = Endpoint(
    "/repos/{repo}/commits/{sha}/check-runs", "Checks: read", items="check_runs", query="filter=all"
)
STATUSES = Endpoint("/repos/{repo}/commits/{sha}/statuses", "Commit statuses: read")

ACTIVITY = Endpoint("/repos/{repo}/activity", "Contents: read", cursor=True)
DEPLOYMENTS = Endpoint("/repos/{repo}/deployments", "Deployments: read")
DEPLOYMENT_STATUSES = Endpoint("/repos/{repo}/deployments/{deployment}/statuses", "Deployments: read")
RUNS = Endpoint(
    "/repos/{repo}/actions/runs",
    "Actions: read",
    items="workflow_runs",
    query="created={first}..{last}",
)
PROTECTION = Endpoint("/repos/{repo}/branches/{branch}/protection", "Administration: read", single=True)
RULESETS = Endpoint("/repos/{repo}/rulesets", "Metadata: read", query="includes_parents=true")
RULESET = Endpoint(
    "/repos/{repo}/rulesets/{ruleset}", "Metadata: read", single=True, query="includes_parents=true"
)
COLLABORATORS = Endpoint("/repos/{repo}/collaborators", "Metadata: read", query="affiliation=all")
REPOSITORY_TEAMS = Endpoint("/repos/{repo}/teams", "Administration: read")
ENVIRONMENTS = Endpoint("/repos/{repo}/environments", "Actions: read", items="environments")

ORGANISATION = Endpoint("/orgs/{org}", "Metadata: read", single=True)
MEMBERS = Endpoint("/orgs/{org}/members", "Members: read (of the organisation)", query="role={role}")
TEAMS = Endpoint("/orgs/{org}/teams", "Members: read (of the organisation)")
TEAM_MEMBERS = Endpoint(
    "/orgs/{org}/teams/{team}/members", "Members: read (of the organisation)", query="role={role}"
)
TEAM_REPOSITORIES = Endpoint("/orgs/{org}/teams/{team}/repos", "Members: read (of the organisation)")
ORGANISATION_RULESETS = Endpoint("/orgs/{org}/rulesets", "Administration: write (of the organisation)")
ORGANISATION_RULESET = Endpoint(
    "/orgs/{org}/rulesets/{ruleset}", "Administration: write (of the organisation)", single=True
)
AUDIT_LOG = Endpoint(
    "/orgs/{org}/audit-log",
    "Administration: read (of the organisation)",
    cursor=True,
    query="include=all&order=asc&phrase=created:>={first}",
)
