"""Valid records of who may do what on GitHub, as small as they can be."""

from __future__ import annotations

from typing import Any

_API = "https://api.github.com"
_NOTHING = {"pull": False, "triage": False, "push": False, "maintain": False, "admin": False}

COLLABORATOR: dict[str, Any] = {
    "login": "ada", "id": 1, "type": "User", "site_admin": False, "organizations_url": f"{_API}/users/ada/orgs",
    "permissions": _NOTHING | {"pull": True, "triage": True, "push": True}, "role_name": "write",
}  # fmt: skip
TEAM: dict[str, Any] = {
    "id": 8, "slug": "platform", "name": "Platform", "privacy": "closed", "permission": "push",
    "permissions": _NOTHING | {"pull": True, "push": True}, "parent": {"slug": "everyone"},
    "html_url": "https://github.com/orgs/netbpf/teams/platform", "members_url": f"{_API}/teams/8/members{{/member}}",
    "repositories_url": f"{_API}/teams/8/repos",
}  # fmt: skip
MEMBER: dict[str, Any] = {
    "login": "grace", "id": 2, "type": "User", "site_admin": False, "organizations_url": f"{_API}/users/grace/orgs",
}  # fmt: skip
TEAM_REPOSITORY: dict[str, Any] = {
    "id": 77, "full_name": "netbpf/netbpf-gitops", "default_branch": "main", "owner": {"login": "netbpf"},
    "permissions": _NOTHING | {"pull": True, "admin": True}, "role_name": "admin",
}  # fmt: skip
ENVIRONMENT: dict[str, Any] = {
    "id": 5, "name": "prod", "url": f"{_API}/repos/netbpf/netbpf-gitops/environments/prod", "can_admins_bypass": True,
    "deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": False},
    "protection_rules": [
        {"id": 1, "type": "wait_timer", "wait_timer": 30},
        {"id": 2, "type": "required_reviewers", "prevent_self_review": True, "reviewers": [
            {"type": "User", "reviewer": {"login": "grace"}}, {"type": "Team", "reviewer": {"slug": "platform"}},
        ]},
        {"id": 3, "type": "branch_policy"},
    ],
}  # fmt: skip

RIGHTS: dict[str, list[dict[str, Any]]] = {
    "github-collaborators": [COLLABORATOR],
    "github-teams": [TEAM],
    "github-environments": [ENVIRONMENT],
}
KEYED: dict[str, list[dict[str, Any]]] = {
    "github-members": [MEMBER],
    "github-team-repositories": [TEAM_REPOSITORY],
}
"""What can be read only where the object's key tells whose it is."""
