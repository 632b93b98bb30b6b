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
        {"system": "github", "identifier": "gone", "person": "ada", "until": _LATER},
    ],
    "landings": [
        {"head_sha": "a", "authors": "ada@acme.test Old@acme.test noreply@github.com 12+y[bot]@users.noreply.github.com"},
        {"head_sha": "b", "authors": "7+mallory@users.noreply.github.com", "pusher": "Mallory", "landed_at": _LATER},
        {"head_sha": "c", "authors": "later@acme.test", "landed_at": datetime(2026, 10, 1, tzinfo=UTC)},
    ],
    "commits": [{"sha": "a", "author_email": "OLD@acme.test", "author_mailmap": "ada@acme.test"}],
    "pull_requests": [{"author": "mallory"}, {"author": "dependabot[bot]"}],
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
        ("git", "old@acme.test", 1, True, "wrote changes"),
        ("github", "gone", 1, True, "reviewed changes"),
        ("github", "mallory", 3, False, "opened changes, pushed to the default branch, wrote changes"),
        ("kubernetes", "kubernetes-admin", 2, False, "entered clusters, wrote to clusters"),
        ("kubernetes", "unknown", 1, True, "entered clusters"),
        ("vault", "approle-x", 1, True, "asked Vault"),
        ("vault", "unknown", 1, True, "asked Vault"),
    ]
    assert found.set_index("name")["mailmap"].dropna().to_dict() == {"old@acme.test": "ada@acme.test"}
    assert found.set_index("name").loc["gone", "first_seen"] == _LATER
    assert not set(found["name"]) & {"ada", "ada@acme.test"}
