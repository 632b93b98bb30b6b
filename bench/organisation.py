"""Typed tables of a large organisation, made by arithmetic: what parsing and mining would have given, without either.

One repository whose mainline is merged pull requests, applications in three environments, a cluster for each, and the
writes to them. Sizes are the caller's; the same sizes give the same tables.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from audit import tables as t
from audit.settings import Settings

START, DAYS = pd.Timestamp("2026-07-01", tz="UTC"), 92
REPO = "netbpf/netbpf-gitops"
ENVIRONMENTS = ("dev", "staging", "prod")
_EVIDENCE = "e" * 64
_PEOPLE = 300
_APPS = 200
_FORMATS = (
    ("github-pulls", None),
    ("github-reviews", None),
    ("github-activity", None),
    *((kind, cluster) for cluster in ENVIRONMENTS for kind in ("argocd-application", "kubernetes-audit")),
)
Tables = dict[str, pd.DataFrame]
Columns = dict[str, Any]


def settings() -> Settings:
    """Those of the organisation."""
    return Settings.model_validate(
        {
            "organisation": {"name": "bench"},
            "repositories": [{"name": REPO, "location": f"https://github.com/{REPO}.git"}],
            "clusters": [{"name": name, "environment": name} for name in ENVIRONMENTS],
        }
    )


def make(writes: int, landings: int, deployments: int) -> Tables:
    """Every git, normalised and people table; those that are not about the three are empty."""
    tables = {name: t.empty(table) for name, table in t.TABLES.items()}
    made = (
        _history(landings)
        | _forge(landings)
        | _operators(landings, deployments)
        | _people()
        | _evidence()
        | {"cluster_access": _access(writes)}
    )
    return tables | {name: _typed(name, columns) for name, columns in made.items()}


def _typed(name: str, columns: Columns) -> pd.DataFrame:
    """Columns as the table declares them; one that may be missing and is not given is missing, a text is empty."""
    size = next(len(values) for values in columns.values() if isinstance(values, np.ndarray | pd.Series))
    whole = {"evidence": _EVIDENCE, "line": 1} | columns
    found = {}
    for column, declared in t.columns(t.TABLES[name]).items():
        value = whole.get(column, pd.NA if declared.nullable else "")
        values = value if isinstance(value, np.ndarray | pd.Series) else [value] * size
        found[column] = pd.Series(values).reset_index(drop=True)
    return t.conform(t.TABLES[name], pd.DataFrame(found))


def _times(count: int) -> pd.Series:
    """So many times, spread evenly over the quarter."""
    step = DAYS * 86_400_000_000 // max(count, 1)
    return pd.Series(START + pd.to_timedelta(np.arange(count) * step, unit="us")).astype(
        "datetime64[us, UTC]"
    )


def _named(prefix: str, numbers: np.ndarray, suffix: str = "") -> pd.Series:
    return pd.Series(prefix + pd.Series(numbers).astype("str") + suffix, dtype="str")


def _sha(kind: str, numbers: np.ndarray) -> pd.Series:
    return pd.Series(kind + pd.Series(numbers).astype("str").str.zfill(39), dtype="str")


def _history(landings: int) -> dict[str, Columns]:
    """A merge for each landing, and the commit that it brought."""
    number, at = np.arange(landings), _times(landings)
    author = _named("person-", number % _PEOPLE, "@example.org")
    person = {"author_name": "Someone", "committer_name": "Someone", "tree": "0" * 40}
    merges = {
        "sha": _sha("a", number), "author_time": at, "committer_time": at, "position": pd.array(number, dtype="Int64"),
        "parents": pd.Series(np.where(number > 0, _sha("a", number - 1) + " ", "")) + _sha("b", number),
        "subject": "Merge pull request #" + _named("", number + 1) + " from netbpf/change",
    }  # fmt: skip
    before = at - pd.Timedelta(hours=5)
    brought = {
        "sha": _sha("b", number), "author_time": before, "committer_time": before, "parents": _sha("c", number),
        "position": pd.array([pd.NA] * landings, dtype="Int64"), "subject": pd.Series(["Set image"] * landings),
    }  # fmt: skip
    commits = {name: pd.concat([pd.Series(merges[name]), pd.Series(brought[name])]) for name in merges}
    both = pd.concat([author, author])
    place = number[number % 50 != 0]  # what the others change reaches nothing that is known
    placed = {
        "repo": REPO, "sha": _sha("a", place), "app": _named("app-", place % _APPS), "path": _folder(place) + "/values.yaml",
        "environment": pd.Series(np.array(ENVIRONMENTS, dtype=object)[place // _APPS % 3], dtype="str"),
    }  # fmt: skip
    version = place // (3 * _APPS)
    head = {"repo": pd.Series([REPO]), "branch": "main", "tip": _sha("a", number[-1:])}
    return {
        "commits": commits | person | {
            "repo": REPO, "author_email": both, "committer_email": both, "landed_by": np.tile(number, 2),
        },
        "file_changes": {
            "repo": REPO, "sha": _sha("a", number), "status": np.where(number < 3 * _APPS, "A", "M"), "added": 1, "deleted": 1,
            "path": _folder(number) + "/values.yaml",
        },
        "commit_environments": placed | {"made_by": "build graph"},
        "image_settings": placed | {
            "locator": "image.tag", "set_by": "helm values", "image": placed["app"], "before": _named("v", version),
            "after": _named("v", version + 1),
        },
        "repositories": head | {"commits": 2 * landings, "mainline": landings, "observed_from": 0},
    }  # fmt: skip


def _folder(number: np.ndarray) -> pd.Series:
    """Path of the overlay that each number means."""
    environment = pd.Series(np.array(ENVIRONMENTS, dtype=object)[number // _APPS % 3], dtype="str")
    return _named("apps/app-", number % _APPS) + "/overlays/" + environment


def _forge(landings: int) -> dict[str, Columns]:
    number, at = np.arange(landings), _times(landings)
    pulls = {
        "repo": REPO, "number": number + 1, "title_text": "Set image", "state": "closed", "merged_at": at,
        "author": _named("login-", number % _PEOPLE), "created_at": at - pd.Timedelta(hours=4), "updated_at": at,
        "merge_sha": _sha("a", number), "head_sha": _sha("b", number), "head_ref": "change", "base_ref": "main",
        "commits": 1, "draft": False, "line": number + 1,
    }  # fmt: skip
    reviews = {
        "repo": REPO, "number": number + 1, "review_id": number + 1, "state": "APPROVED",
        "reviewer": _named("login-", (number + number % 7) % _PEOPLE), "submitted_at": at - pd.Timedelta(hours=1),
        "commit_sha": _sha("b", number), "line": number + 1,
    }  # fmt: skip
    checks = {
        "repo": REPO, "kind": "check run", "check_id": number + 1, "head_sha": _sha("b", number), "name": "validate",
        "status": "completed", "conclusion": "success", "started_at": at - pd.Timedelta(hours=3),
        "completed_at": at - pd.Timedelta(hours=2), "line": number + 1,
    }  # fmt: skip
    return {"pull_requests": pulls, "reviews": reviews, "checks": checks}


def _operators(landings: int, deployments: int) -> dict[str, Columns]:
    number, at = np.arange(deployments), _times(deployments)
    place = number % (3 * _APPS)
    environment = pd.Series(np.array(ENVIRONMENTS, dtype=object)[place // _APPS % 3], dtype="str")
    place_of = {
        "cluster": environment, "app": _named("argocd/app-", place % _APPS), "operator": "argocd", "path": _folder(place),
        "repo_url": f"https://github.com/{REPO}.git", "revision": _sha("a", number * landings // max(deployments, 1)),
    }  # fmt: skip
    syncs = place_of | {
        "record": "history", "history_id": number, "revision_kind": "git", "started_at": at, "phase": "succeeded",
        "finished_at": at + pd.Timedelta(minutes=2), "automated": True, "line": number + 1,
    }  # fmt: skip
    states = {
        "cluster": environment, "app": place_of["app"], "at": at + pd.Timedelta(minutes=1), "aspect": "health",
        "before": np.where(number % 11, "Progressing", "Healthy"), "after": np.where(number % 11, "Healthy", "Degraded"),
    }  # fmt: skip
    seen = {
        "observed_at": at, "object_kind": "Application", "target_revision": "main", "automated": True, "self_heal": True,
        "sync_status": "Synced", "health_status": "Healthy", "namespace": "shop", "line": number + 1,
    }  # fmt: skip
    return {"sync_records": syncs, "state_changes": states, "applications": place_of | seen}


def _access(writes: int) -> Columns:
    """Six in ten by the operator, three by controllers, one by people."""
    number = np.arange(writes)
    operator = pd.Series(["system:serviceaccount:argocd:argocd-application-controller"] * writes, dtype="str")
    machine = _named("system:serviceaccount:kube-system:controller-", number % 20)
    people = _named("person-", number // 10 % _PEOPLE, "@example.org")
    user = operator.mask(number % 10 >= 6, machine).mask(number % 10 == 9, people)
    names = pd.Series(np.array(ENVIRONMENTS, dtype=object)[number % 3], dtype="str")
    return {
        "cluster": names, "audit_id": _named("request-", number), "variant": 0, "at": _times(writes), "stage_rank": 2,
        "verb": pd.Series(np.array(["update", "patch", "create"], dtype=object)[number % 7 % 3], dtype="str"),
        "user": user, "api_group": "apps", "resource": "deployments", "namespace": _named("app-", number % _APPS),
        "name": _named("web-", number % 997), "code": 200, "dry_run": False, "truncated": False, "line": number + 1,
        "user_agent": pd.Series(np.where(number % 10 == 9, "kubectl/v1.33", "controller"), dtype="str"),
    }  # fmt: skip


def _people() -> dict[str, Columns]:
    number = np.arange(_PEOPLE)
    person = _named("person-", number)
    systems = {"git": _named("person-", number, "@example.org"), "github": _named("login-", number)}
    return {
        "people": {"person": person, "name": person, "kind": "person"},
        "roles": {"person": person, "team": _named("team-", number % 12)},
        "identities": {
            "person": pd.concat([person] * len(systems)), "identifier": pd.concat(systems.values()),
            "system": np.repeat(list(systems), _PEOPLE),
        },
    }  # fmt: skip


def _evidence() -> dict[str, Columns]:
    """An object of each format, and a record of it in every hour."""
    names = pd.Series([f"{name}-{cluster or 'forge'}" for name, cluster in _FORMATS], dtype="str")
    formats = pd.Series([name for name, _ in _FORMATS], dtype="str")
    clusters = pd.Series([cluster for _, cluster in _FORMATS], dtype="str")
    shas = pd.Series([f"{number:064x}" for number in range(len(_FORMATS))], dtype="str")
    objects = {
        "source_name": names, "key": names, "format": formats, "cluster": clusters, "repos": REPO, "sha256": shas,
        "size": 1, "verified": True, "collected_at": START + pd.Timedelta(days=DAYS), "records": 1, "kept": 1,
        "noise": 0, "quarantined": 0,
    }  # fmt: skip
    hours = DAYS * 24
    hour = pd.concat([_times(hours)] * len(_FORMATS), ignore_index=True)
    each = {
        name: values.repeat(hours).reset_index(drop=True)
        for name, values in (
            ("source_name", names), ("cluster", clusters), ("format", formats), ("evidence", shas),
        )
    }  # fmt: skip
    coverage = each | {"hour": hour, "records": 1, "first_at": hour, "last_at": hour}
    return {"evidence_objects": objects, "coverage": coverage}
