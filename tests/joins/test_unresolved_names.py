"""Every name behind which nobody is known is told with what rests on it, and taken for nobody of the roster."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from joins_rows import REPO, T0, settings, table

from audit.joins.unresolved import unresolved
from audit.period import Period
from audit.tables import TABLES, empty

_LATER = T0 + timedelta(days=3)
_ROWS: dict[str, list[dict[str, Any]]] = {
    "people": [{"person": "ada", "name": "Ada"}],
    "identities": [
        {"system": "git", "identifier": "ada@acme.test", "person": "ada"},
        {"system": "github", "identifier": "ada", "person": "ada"},
        {"system": "iam", "identifier": "arn:aws:iam::1:user/ada", "person": "ada"},
        {"system": "github", "identifier": "gone", "person": "ada", "until": _LATER},
    ],
    "landings": [
        {"head_sha": "a", "authors": "ada@acme.test Old@acme.test noreply@github.com 12+y[bot]@users.noreply.github.com"},
        {"head_sha": "b", "authors": "7+mallory@users.noreply.github.com", "pusher": "Mallory", "landed_at": _LATER},
        {"head_sha": "c", "authors": "later@acme.test", "landed_at": datetime(2026, 10, 1, tzinfo=UTC)},
    ],
    "commits": [
        {"sha": "a", "author_email": "OLD@acme.test", "author_mailmap": "ada@acme.test", "committer_email": "old@acme.test"},
        {"sha": "b", "landed_by": 1, "author_email": "ada@acme.test", "committer_email": "hand@acme.test"},
        {"sha": "c", "landed_by": 1, "author_email": "ada@acme.test", "committer_email": "noreply@github.com"},
        {"sha": "d", "landed_by": 2, "author_email": "ada@acme.test", "committer_email": "unlanded@acme.test"},
    ],
    "pull_requests": [{"author": "mallory"}, {"author": "dependabot[bot]", "merged_by": "merger"}],
    "git_operations": [
        {"actor": "forcer", "operation": "force_push", "at": T0},
        {"actor": "ada", "operation": "force_push", "at": T0},
        {"actor": "pusher", "operation": "push", "at": T0},
    ],
    "forge_events": [
        {"actor": "unguard", "action": "protected_branch.destroy", "category": "protection", "at": T0},
        {"actor": "other", "action": "repo.rename", "category": "other", "at": T0},
        {"actor": "robot", "action": "repo.rename", "category": "other", "at": T0, "actor_is_bot": True},
    ],
    "access_rights": [
        {"person": "github:boss", "holder_kind": "person", "standing": "unknown", "system_kind": "repository", "listed_at": T0},
        {"person": "kubernetes:root:x", "holder_kind": "person", "standing": "unknown", "system_kind": "cluster",
         "listed_at": datetime(2026, 10, 1, tzinfo=UTC)},
        {"person": "ada", "holder_kind": "person", "standing": "there", "system_kind": "cluster", "listed_at": T0},
        {"person": "github:bot", "holder_kind": "machine", "standing": "unknown", "system_kind": "cluster", "listed_at": T0},
    ],
    "access_reviews": [
        {"reviewer": "looker", "listed_at": T0},
        {"reviewer": "", "listed_at": T0},
        {"reviewer": "Ada@acme.test", "listed_at": T0},
    ],
    "break_glass_records": [
        {"person": "opener@acme.test", "opened_at": T0, "reviewer": "judge"},
        {"person": "ada", "opened_at": T0, "reviewer": None},
    ],
    "cloud_events": [
        {"user_name": "cloudy", "at": T0, "identity_type": ""},
        {"arn": "arn:aws:iam::1:user/eve", "user_name": "eve", "at": T0, "identity_type": "IAMUser"},
        {"arn": "arn:aws:iam::1:user/ada", "at": T0, "identity_type": "IAMUser"},
        {"arn": "arn:aws:sts::123456789012:assumed-role/ops/s1", "at": T0, "identity_type": "AssumedRole",
         "issuer_arn": "arn:aws:iam::123456789012:role/ops"},
        {"arn": None, "user_name": None, "at": T0, "identity_type": "AWSService"},
    ],
    "reviews": [
        {"reviewer": "gone", "submitted_at": T0},
        {"reviewer": "gone", "submitted_at": _LATER},
        {"reviewer": None},
    ],
    "deployments": [
        {"initiated_by": "admin", "started_at": T0},
        {"initiated_by": None, "started_at": T0},
    ],
    "cluster_access": [
        {"audit_id": "1", "user": "kubernetes-admin", "verb": "get"},
        {"audit_id": "2", "user": "kubernetes-admin", "verb": "patch", "at": _LATER},
        {"audit_id": "3", "user": "system:serviceaccount:a:b"},
        {"audit_id": "4", "user": "oidc:ada@acme.test"},
        {"audit_id": "5", "user": None, "verb": "list"},
    ],
    "secret_access": [
        {"request_id": "1", "display_name": "approle-x", "entity": "e1", "at": T0},
        {"request_id": "2", "display_name": "kubernetes-web", "entity": "", "at": T0},
        {"request_id": "3", "display_name": "token", "entity": "known", "at": T0},
        {"request_id": "4", "display_name": "", "entity": "", "at": T0},
    ],
}  # fmt: skip


def test_names_that_nobody_is_known_by_are_told_with_what_rests_on_them() -> None:
    tables = {name: empty(one) for name, one in TABLES.items()} | {
        name: table(name, *rows) for name, rows in _ROWS.items()
    }
    chosen = settings(vault={"entities": ["known"]}, repositories=[{"name": REPO, "location": "x"}])
    found = unresolved(tables, chosen, Period.quarter("2026Q3"))
    told = [
        (row.system, row.name, row.times, row.first_seen == row.last_seen, row.matters)
        for row in found.itertuples()
    ]
    assert told == [
        ("argocd", "admin", 1, True, "deployed by hand"),
        ("git", "hand@acme.test", 1, True, "committed changes"),
        ("git", "old@acme.test", 1, True, "wrote changes"),
        ("github", "boss", 1, True, "holds rights in repositories"),
        ("github", "forcer", 1, True, "rewrote history"),
        ("github", "gone", 1, True, "reviewed changes"),
        ("github", "mallory", 3, False, "opened changes, pushed to the default branch, wrote changes"),
        ("github", "merger", 1, True, "merged changes"),
        ("github", "other", 1, True, "acted on the forge"),
        ("github", "pusher", 1, True, "changed branches or tags"),
        ("github", "unguard", 1, True, "changed protections"),
        ("iam", "arn:aws:iam::123456789012:role/ops", 1, True, "called the cloud"),
        ("iam", "arn:aws:iam::1:user/eve", 1, True, "called the cloud"),
        ("iam", "cloudy", 1, True, "called the cloud"),
        ("kubernetes", "kubernetes-admin", 2, False, "entered clusters, wrote to clusters"),
        ("kubernetes", "root:x", 1, True, "holds rights in clusters"),
        ("kubernetes", "unknown", 1, True, "entered clusters"),
        ("records", "judge", 1, True, "reviewed emergencies"),
        ("records", "looker", 1, True, "reviewed access"),
        ("records", "opener@acme.test", 1, True, "opened emergencies"),
        ("vault", "approle-x", 1, True, "asked Vault"),
        ("vault", "unknown", 1, True, "asked Vault"),
    ]
    assert found.set_index("name")["mailmap"].dropna().to_dict() == {"old@acme.test": "ada@acme.test"}
    assert found.set_index("name").loc["gone", "first_seen"] == _LATER
    assert not set(found["name"]) & {"ada", "ada@acme.test"}
