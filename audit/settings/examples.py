"""The examples that `audit init` writes: one entry of each list, and a roster; and which of them somebody left as they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audit.settings import Settings

ENTRIES: dict[str, list[dict[str, Any]]] = {
    "repositories": [{"name": "netbpf/netbpf-gitops", "location": "../netbpf-gitops", "branch": "main"}],
    "sources": [
        {
            "name": "github-exports",
            "location": "s3://audit-evidence/github/",
            "repository": "netbpf/netbpf-gitops",
        },
        {
            "name": "prod-audit",
            "location": "s3://audit-evidence/kubernetes/prod/",
            "format": "kubernetes-audit",
            "cluster": "prod",
        },
        {"name": "prod-operators", "location": "file:export/prod-operators", "cluster": "prod"},
    ],
    "clusters": [{"name": "prod", "environment": "prod"}],
    "path_rules": [
        {"pattern": "apps/{app}/overlays/{environment}/**"},
        {"pattern": "apps/{app}/**", "environments": ["dev", "staging", "prod"]},
        {"pattern": "infrastructure/{app}/**", "environments": ["dev", "staging", "prod"]},
        {"pattern": "clusters/{environment}/**"},
    ],
}
"""What a new user fills in first: one entry of each list, from the policy's own layout."""

ROSTER = """\
# Who is who. Replace these examples by your people and bots; a person is the same wherever a name here is met.
# Write names as each system's evidence has them: e-mails of commits, forge logins, Kubernetes users with their prefix.
people:
  - id: alindqvist              # stable: what the report and break-glass spans call the person
    name: Ada Lindqvist
    kind: person
    team: platform
    role: lead
    joined: 2024-02-10
    # left: 2026-08-01          # first day no longer there
    # roles: [{role: engineer, until: 2026-09-01}, {role: lead, from: 2026-09-01}]   # what was not so all along
    identities:
      git: [ada.lindqvist@netbpf.com]
      github: [ada-lindqvist]
      kubernetes: ["oidc:ada-lindqvist"]
      argocd: [ada.lindqvist@netbpf.com]
  - id: release-bot
    name: Release bot
    kind: machine               # a bot of your own: it may deploy, and approves nothing
    identities:
      github: ["netbpf-release[bot]"]
"""
"""A roster that is valid as it stands, to be filled in."""

_MUST_CHANGE = ("repositories", "sources")
"""Lists whose examples are nobody's: path rules and clusters may well be as the policy has them."""
_PEOPLE = {"alindqvist", "release-bot"}


def left(settings: Settings) -> list[str]:
    """The examples among an organisation's repositories and sources that are as `audit init` wrote them, each by list and name."""
    return [
        f"{name} {each.name}"
        for name in _MUST_CHANGE
        for each in getattr(settings, name)
        if any(all(getattr(each, key) == value for key, value in one.items()) for one in ENTRIES[name])
    ]


def left_people(persons: Iterable[str]) -> list[str]:
    """The people of a roster that has none but those of the example."""
    found = set(persons)
    return [f"people {name}" for name in sorted(found)] if found <= _PEOPLE else []
