"""What is asked of GitHub: each endpoint with the permission that it needs, and where its items stand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of GitHub's REST API, as its documentation names it.

    Attributes:
        path: path below the API's root, with the names that `asked` fills in.
        permission: what a fine-grained token or an App must be allowed.
        items: key of the body that holds the items of a page; empty where the body is the list itself.
        single: the answer is one object, not a page of a list.
        cursor: pages follow on each other by links alone; they have no numbers.
        query: parameters, without those of paging.
    """

    path: str
    permission: str
    items: str = ""
    single: bool = False
    cursor: bool = False
    query: str = ""

    def asked(self, **names: object) -> str:
        """Path and query of one request; the first page of a list."""
        parts = [part for part in (self.query, "" if self.single else "per_page=100") if part]
        return self.path.format(**names) + ("?" + "&".join(parts) if parts else "")


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
