"""Small tables for the joins' tests: a row is a default with what matters in the test put over it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from audit.joins.identity import Resolver
from audit.settings import Settings
from audit.tables import TABLES, columns, frame

T0 = datetime(2026, 7, 1, 9, 0, tzinfo=UTC)
REPO = "netbpf/netbpf-gitops"
EVIDENCE = "e" * 64

_DEFAULTS: dict[str, dict[str, Any]] = {
    "landings": {
        "repo": REPO, "position": 1, "first_position": 1, "kind": "merge", "link": "merge sha",
        "confidence": "certain", "landed_at": T0, "landed_at_source": "forge", "subject": "A change",
        "mainline_commits": 1, "commits": 1, "authors": "", "files": 1, "added": 1, "deleted": 0, "evil": False,
    },
    "landing_environments": {"repo": REPO, "app": "shop", "environment": "prod", "made_by": "path rule"},
    "pull_requests": {
        "repo": REPO, "number": 1, "title_text": "A change", "state": "closed", "author": "alice",
        "created_at": T0 - timedelta(hours=5), "updated_at": T0, "merged_at": T0, "head_sha": "head",
        "head_ref": "feature", "base_ref": "main", "commits": 1, "labels": "", "draft": False,
        "evidence": EVIDENCE, "line": 1,
    },
    "reviews": {
        "repo": REPO, "number": 1, "review_id": 1, "reviewer": "bob", "state": "APPROVED",
        "submitted_at": T0 - timedelta(hours=1), "commit_sha": "head", "evidence": EVIDENCE, "line": 1,
    },
    "review_dismissals": {
        "repo": REPO, "number": 1, "review_id": 1, "dismissed_by": "carol", "state_before": "approved",
        "evidence": EVIDENCE, "line": 1,
    },
    "checks": {
        "repo": REPO, "kind": "check run", "check_id": 1, "head_sha": "head", "name": "validate", "status": "completed",
        "conclusion": "success", "started_at": T0 - timedelta(hours=2),
        "completed_at": T0 - timedelta(hours=2) + timedelta(minutes=5), "evidence": EVIDENCE, "line": 1,
    },
    "workflow_runs": {
        "repo": REPO, "run_id": 1, "attempt": 1, "workflow_id": 1, "event": "push", "head_sha": "head",
        "created_at": T0, "updated_at": T0, "evidence": EVIDENCE, "line": 1,
    },
    "commits": {
        "repo": REPO, "parents": "", "tree": "t", "author_name": "A", "author_email": "a@netbpf.com",
        "author_time": T0, "committer_name": "A", "committer_email": "a@netbpf.com", "committer_time": T0,
        "subject": "A change", "co_authors": "", "landed_by": 0,
    },
    "sync_records": {
        "cluster": "prod", "app": "argocd/shop", "operator": "argocd", "record": "history",
        "revision_kind": "git", "phase": "succeeded", "options": "", "evidence": EVIDENCE, "line": 1,
    },
    "applications": {
        "cluster": "prod", "app": "argocd/shop", "observed_at": T0, "operator": "argocd",
        "object_kind": "Application", "automated": True, "self_heal": True, "evidence": EVIDENCE, "line": 1,
    },
    "state_changes": {
        "cluster": "prod", "app": "argocd/shop", "at": T0, "aspect": "sync", "evidence": EVIDENCE, "line": 1,
    },
    "cluster_access": {
        "cluster": "prod", "audit_id": "a1", "variant": 0, "at": T0, "stage_rank": 2, "verb": "update",
        "user": "bob@netbpf.com", "groups": "", "api_group": "apps", "resource": "deployments",
        "subresource": "", "namespace": "shop", "name": "web", "code": 200, "dry_run": False,
        "evidence": EVIDENCE, "line": 1,
    },
    "deployments": {
        "cluster": "prod", "application": "argocd/shop", "operator": "argocd", "app": "shop",
        "environment": "prod", "repo": REPO, "revision_kind": "git", "on_branch": False, "status": "succeeded",
        "options": "", "changed": True, "evidence": EVIDENCE, "line": 1,
    },
    "evidence_objects": {
        "source_name": "forge", "key": "k", "version_id": "", "format": "", "repos": REPO, "apps": "", "sha256": EVIDENCE, "size": 1,
        "etag": "", "collected_at": T0, "records": 1, "kept": 1, "noise": 0, "quarantined": 0,
    },
    "people": {"kind": "person"},
}  # fmt: skip


def table(name: str, *rows: dict[str, Any]) -> pd.DataFrame:
    """A table of rows given by what differs from the default; what neither says is missing."""
    every = columns(TABLES[name])
    return frame(TABLES[name], [dict.fromkeys(every) | _DEFAULTS.get(name, {}) | row for row in rows])


def shuffled(data: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The same rows in another order."""
    return data.sample(frac=1, random_state=seed)


def settings(**values: Any) -> Settings:
    """Settings of an organisation with one repository and three clusters."""
    return Settings.model_validate(
        {
            "organisation": {"name": "NETBPF"},
            "repositories": [{"name": REPO, "location": "repo"}],
            "clusters": [{"name": e, "environment": e} for e in ("dev", "staging", "prod")],
        }
        | values
    )


def resolver() -> Resolver:
    """Resolves alice, bob, carol and the bot renovate, each under their names in every system."""
    names = ("alice", "bob", "carol")
    people = [{"person": name, "name": name.title()} for name in names]
    people.append({"person": "renovate", "name": "Renovate", "kind": "machine"})
    identities: list[dict[str, str]] = []
    for name in (*names, "renovate"):
        identities += [
            {"system": "git", "identifier": f"{name}@netbpf.com", "person": name},
            {"system": "github", "identifier": name, "person": name},
            {"system": "kubernetes", "identifier": f"{name}@netbpf.com", "person": name},
            {"system": "argocd", "identifier": name, "person": name},
        ]
    return Resolver(table("people", *people), table("identities", *identities))


def strs(values: Iterable[str | None]) -> pd.Series:
    """A series of names."""
    return pd.Series(list(values), dtype="str")
