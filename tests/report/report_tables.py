"""Plausible tables of a quarter, made from a seed: enough for a report, no more."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from audit import tables as t
from audit.controls import registry
from audit.joins.reconciling import OUTCOMES
from audit.model import Side
from audit.period import Period
from audit.settings import Settings, validate

PERIOD = Period.quarter("2026Q3", time_zone="Europe/Berlin")
AS_OF = datetime(2026, 10, 5, 8, tzinfo=UTC)
REPO = "example/gitops"
PEOPLE = [f"person-{number:02}" for number in range(1, 13)]
CLUSTERS = ["dev-eu1", "staging-eu1", "prod-eu1", "prod-us1"]


CATALOGUE = registry.catalogue()


def sha(*parts: object, length: int = 40) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:length]


def settings(**values: Any) -> Settings:
    whole: dict[str, Any] = {
        "organisation": {"name": "Example Organisation", "time_zone": "Europe/Berlin"},
        "repositories": [{"name": REPO, "location": "gitops.git"}],
        "clusters": [{"name": name, "environment": name.split("-")[0]} for name in CLUSTERS],
        "sources": [
            {"name": "forge", "location": "s3://audit-evidence/github/"},
            *(
                {
                    "name": f"{name}-audit",
                    "location": f"s3://audit-evidence/clusters/{name}/audit/",
                    "cluster": name,
                }
                for name in CLUSTERS
            ),
        ],
    }
    return validate(whole | values, where=Path("audit.toml"))


def empty() -> dict[str, pd.DataFrame]:
    return {name: t.empty(table) for name, table in t.TABLES.items()}


def conclusions(failed: dict[str, int] | None = None, **gaps: str) -> pd.DataFrame:
    rows = []
    for entry in CATALOGUE:
        count = (failed or {}).get(entry.id, 0)
        gap = gaps.get(entry.id.replace("-", "_"), "")
        conclusion = (
            "exceptions" if count else "not tested" if gap else "effective" if failed else "not applicable"
        )
        rows.append(
            {
                "control": entry.id,
                "title_text": entry.title,
                "clause": entry.clause,
                "severity": entry.severity,
                "conclusion": conclusion,
                "population": None if gap and not count else 203 if failed else 0,
                "exceptions": count,
                "waived": 0,
                "gaps": gap,
                "scoped_out": 4 if entry.id == "CLU-01" else 0,
                "scope": "dev: it is made anew every night" if entry.id == "CLU-01" else "",
                "design": "none",
                "design_reason": "no setting that enforces it is in evidence",
                "operation": "failed" if count else "not tested" if gap else "worked",
                "operation_reason": f"{count} items failed" if count else gap,
            }
        )
    return t.conform(t.Conclusions, t.frame(t.Conclusions, rows))


def quarter(landings: int = 203, objects: int = 60, seed: int = 1) -> dict[str, pd.DataFrame]:
    """A whole quarter: `landings` changes, a third of them failing something."""
    dice = random.Random(seed)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in t.TABLES}
    for number in range(landings):
        _landing(rows, dice, number, landings)
    _deployments(rows, dice)
    _writes(rows, dice)
    _evidence(rows, dice, objects)
    _metrics(rows, dice, landings)
    _reconciled(rows)
    _emergencies(rows)
    _access(rows)
    rows["repositories"].append(
        {
            "repo": REPO,
            "branch": "main",
            "tip": sha("tip"),
            "commits": 3138,
            "mainline": 1240,
            "observed_from": 0,
        }
    )
    made = {name: t.conform(t.TABLES[name], t.frame(t.TABLES[name], found)) for name, found in rows.items()}
    failed = {str(name): int(count) for name, count in made["exceptions"]["control"].value_counts().items()}
    gap = "the audit log of prod-us1 is silent from 2026-08-14T02:10:00Z to 2026-08-15T09:40:00Z, longer than 60 minutes"
    made["conclusions"] = conclusions(
        failed,
        EVD_02=gap,
        CHG_05="thresholds.required_checks names no check: say in audit.toml which must succeed",
    )
    return made


def _access(rows: dict[str, list[dict[str, Any]]]) -> None:
    """Rights of every kind of change and reason to look at them, and revocations of every outcome."""
    at, before = PERIOD.end + timedelta(hours=6), PERIOD.start + timedelta(hours=6)
    common: dict[str, Any] = {
        "scope": "", "how": "direct", "admin": False, "wildcard": False, "builtin": False, "held": True, "change": "none",
        "before": None, "listed_at": at, "compared_at": before, "since": before, "since_basis": "earlier", "granted_by": None,
        "last_used": at - timedelta(days=3), "usage": "used", "usage_note": "", "leaver": False, "dormant": False,
        "excessive": False, "excess": "", "evidence": sha("object", 1, length=64),
    }  # fmt: skip
    unlike: list[dict[str, Any]] = [
        {"change": "added", "since_basis": "event", "granted_by": PEOPLE[3]},
        {"change": "removed", "held": False},
        {
            "change": "changed",
            "before": "push",
            "right": "admin",
            "excessive": True,
            "excess": "may hold push",
        },
        {"leaver": True, "standing": "left", "usage": "unused", "dormant": True, "last_used": None},
        {"standing": "unknown", "usage": "untold", "usage_note": "the log has gaps", "last_used": None},
        {"builtin": True, "admin": True},
        {"change": "passing", "held": False, "since": None, "since_basis": "unknown"},
        {"holder_kind": "group", "standing": "group", "person": None, "scope": "shop"},
        {"system_kind": "vault", "system": "vault", "held": None, "right": "policy/apps", "change": "untold"},
        {},
    ]
    for number in range(200):
        person, cluster = PEOPLE[number % 12], number % 3 > 0
        own = {
            "right_id": f"R-{number:016x}", "line": number + 1, "system_kind": "cluster" if cluster else "repository",
            "system": CLUSTERS[number % 4] if cluster else REPO, "holder": f"{person}@example.org", "holder_kind": "person",
            "person": person, "standing": "there", "right": "ClusterRole/edit" if cluster else "push",
        }  # fmt: skip
        rows["access_rights"].append(common | own | (unlike[number % 10] if number % 7 == 0 else {}))
    decided = PERIOD.start + timedelta(days=9)
    for number, outcome in enumerate(("gone", "still there", "used after", "untold", "gone")):
        rows["access_decisions"].append(
            {
                "review": "AR-2026Q3", "listed_at": PERIOD.start, "system": CLUSTERS[2], "subject": f"{PEOPLE[number]}@example.org",
                "person": PEOPLE[number], "holder_kind": "person", "right": "ClusterRole/edit", "right_id": None, "decision": "revoke",
                "reviewer": PEOPLE[9], "reviewer_person": PEOPLE[9], "granted_by": None, "decided_at": decided,
                "due_at": PERIOD.start + timedelta(days=30), "removal_due_at": decided + timedelta(days=14),
                "removed_at": decided + timedelta(days=2) if number else None, "proof": "OPS-4411", "outcome": outcome,
                "checked_at": None if outcome == "untold" else at, "checked_in": sha("object", 2, length=64),
                "used_at": decided + timedelta(days=30) if outcome == "used after" else None,
                "used_in": f"{sha('object', 3, length=64)}:7" if outcome == "used after" else None,
                "evidence": sha("object", 2, length=64), "line": number + 2,
            }
        )  # fmt: skip


def exception(control: str, subject: str, number: int, **values: Any) -> dict[str, Any]:
    severity = next(entry.severity for entry in CATALOGUE if entry.id == control)
    return {
        "exception_id": f"{control}-{sha(control, subject, length=10)}",
        "control": control,
        "subject": subject,
        "severity": severity,
        "at": PERIOD.start + timedelta(hours=number),
        "resolved_at": None,
        "person": PEOPLE[number % 12],
        "person_raw": f"{PEOPLE[number % 12]}@example.org",
        "repo": None,
        "path": None,
        "cluster": None,
        "environment": "prod,staging",
        "app": "checkout",
        "expected": "an approval by someone other than the authors, before the merge",
        "found": "approved only by its opener, 4 minutes after the merge",
        "waiver": None,
        "evidence": f"{sha('object', number % 9, length=64)}:{number + 1} {REPO}@{sha(number)}",
    } | values


def _landing(rows: dict[str, list[dict[str, Any]]], dice: random.Random, number: int, whole: int) -> None:
    at = PERIOD.start + (PERIOD.end - PERIOD.start) * (number + 0.5) / max(whole, 1)
    kind = dice.choices(["squash", "merge", "rebase", "direct"], [60, 25, 9, 6])[0]
    head, pr = sha(number), None if kind == "direct" else 1000 + number
    author, approver = dice.sample(PEOPLE, 2)
    rows["landings"].append(
        {
            "repo": REPO, "head_sha": head, "base_sha": sha(number - 1), "first_position": number,
            "position": number, "kind": kind, "pr_number": pr,
            "via": "push" if pr is None else "pull request", "change": None,
            "link": "none" if pr is None else "merge sha", "confidence": "none" if pr is None else "certain",
            "landed_at": at, "landed_at_source": "forge", "pusher": author,
            "subject": dice.choice([
                "Raise memory of checkout to 512Mi", "Roll back payments to 2.14.1", "Add NetworkPolicy for search",
                "Pin the base image of catalogue by digest and drop the mutable tag from every overlay that used it",
                "Bump ingress-nginx from 4.10.0 to 4.11.1",
            ]),
            "mainline_commits": 1, "commits": 1, "authors": f"{author}@example.org", "files": dice.randint(1, 9),
            "added": 10, "deleted": 3, "evil": False, "reverts": None,
            "reinstates": None, "picks": None,
        }
    )  # fmt: skip
    for environment in ("prod", "staging"):
        rows["landing_environments"].append(
            {
                "repo": REPO,
                "head_sha": head,
                "app": "checkout",
                "environment": environment,
                "made_by": "path rule",
                "path": f"apps/checkout/overlays/{environment}/kustomization.yaml",
                "through": "",
            }
        )
    subject = f"{REPO}@{head}" if pr is None else f"{REPO}#{pr}"
    if pr is None:
        found = "a push of 1 commit to main with no pull request behind it"
        rows["exceptions"].append(
            exception("CHG-01", subject, number, at=at, person=author, repo=REPO, found=found)
        )
    elif dice.random() < 0.12:
        control = dice.choice(["CHG-02", "CHG-03", "CHG-04"])
        rows["exceptions"].append(exception(control, subject, number, at=at, person=author, repo=REPO))
    if pr is None:
        return
    rows["landing_pulls"].append(
        {
            "repo": REPO, "head_sha": head, "pr_number": pr, "link": "merge sha", "confidence": "certain",
            "aside": False, "authors": f"{author}@example.org",
        }
    )  # fmt: skip
    rows["changes"].append(
        {
            "repo": REPO, "head_sha": head, "pr_number": pr, "landed_at": at, "opener": author,
            "opener_login": author, "opener_kind": "person", "authors": author, "authors_known": True, "bound": "",
            "pr_head_sha": sha("head", number), "evil": False, "approvals_before": 1, "approvals_after": 0,
            "approvals_standing": 1, "approvals_independent": 1, "approvals_covering": 1, "approvers": approver,
            "first_review_at": at, "first_approval_at": at, "created_at": at, "checks_wanting": "",
            "evidence": sha("object", number % 9, length=64), "line": number + 1,
        }
    )  # fmt: skip


def _deployments(rows: dict[str, list[dict[str, Any]]], dice: random.Random) -> None:
    for number, landing in enumerate(rows["landings"][::3]):
        started = landing["landed_at"] + timedelta(hours=5)
        if started >= PERIOD.end:
            continue
        by_hand = dice.random() < 0.08
        cluster = CLUSTERS[2 + number % 2]
        key = {
            "cluster": cluster,
            "application": "argocd/checkout-prod",
            "started_at": started.replace(microsecond=0),
        }
        rows["deployments"].append(
            key
            | {
                "finished_at": started + timedelta(minutes=3), "operator": "argocd", "app": "checkout",
                "environment": "prod", "repo": REPO, "path": "apps/checkout/overlays/prod",
                "revision": landing["head_sha"], "revision_kind": "git", "position": landing["position"],
                "on_branch": False, "status": "succeeded" if dice.random() > 0.06 else "failed",
                "automated": not by_hand, "initiated_by": PEOPLE[3] if by_hand else None,
                "person": PEOPLE[3] if by_hand else None, "options": "", "changed": True, "message": None,
                "evidence": sha("object", 3, length=64), "line": number + 1,
            }
        )  # fmt: skip
        rows["deployment_landings"].append(
            key | {"repo": REPO, "head_sha": landing["head_sha"], "app": "checkout", "environment": "prod"}
        )
        if by_hand:
            subject = f"{cluster}/argocd/checkout-prod@{key['started_at']:%Y-%m-%dT%H:%M:%SZ}"
            found = "started by person-04 with options force, prune"
            rows["exceptions"].append(
                exception(
                    "DEP-02",
                    subject,
                    number,
                    cluster=cluster,
                    found=found,
                    expected="started by the operator",
                )
            )


def _writes(rows: dict[str, list[dict[str, Any]]], dice: random.Random) -> None:
    for number in range(7):
        audit_id = sha("write", number, length=36)
        cluster = dice.choice(CLUSTERS)
        rows["exceptions"].append(
            exception(
                "CLU-01", f"{cluster}/{audit_id}", number, cluster=cluster, app=None, path=None,
                expected="changes to managed objects come from Git",
                found=f"patch of deployments.apps checkout/checkout by {PEOPLE[number % 3]} with kubectl/v1.31.0",
            )
        )  # fmt: skip


def _reconciled(rows: dict[str, list[dict[str, Any]]]) -> None:
    """One item of each outcome; of landings, all others were deployed."""
    others = len(rows["landings"]) - sum(one.listed for one in OUTCOMES[Side.LANDING])
    for side, outcomes in OUTCOMES.items():
        for number, one in enumerate(outcomes):
            facts = {
                "side": side.value,
                "outcome": str(one.name),
                "standing": one.standing.value,
                "control": one.control,
            }
            rows["reconciled_counts"].append(
                facts
                | {"meaning": one.meaning, "items": 1 if one.listed else max(0, others), "listed": one.listed}
            )
            if one.listed:
                item = f"prod-eu1/{sha(side, number, length=36)}"
                rows["reconciled_changes"].append(
                    facts | {
                        "item": item, "subject": item, "at": PERIOD.start + timedelta(days=number), "explanation": one.meaning,
                        "repo": None, "cluster": "prod-eu1", "environment": "prod", "app": None, "person": PEOPLE[0],
                        "evidence": f"{sha('object', number, length=64)}:{number + 1}",
                    }
                )  # fmt: skip


def _emergencies(rows: dict[str, list[dict[str, Any]]]) -> None:
    """One with every step, and one of which only the settings tell."""
    opened = PERIOD.start + timedelta(days=3)
    told = {
        "cluster": "prod-eu1",
        "environment": "prod",
        "person": PEOPLE[1],
        "opened_at": opened,
        "ends_at": opened + timedelta(hours=2),
    }
    steps = {
        "first_action_at": opened,
        "last_action_at": opened,
        "closed_at": opened,
        "reviewed_at": opened,
        "returned_at": opened,
    }
    rows["emergencies"] += [
        told | steps | {
            "ticket": "INC-1", "told_by": "both", "actions": 2, "changes": 2, "reviewer": PEOPLE[2], "returned": f"{REPO}@{sha(3)}",
            "evidence": f"{sha('object', 3, length=64)}:7",
        },
        told | dict.fromkeys(steps) | {
            "ticket": "INC-2", "told_by": "settings", "actions": None, "changes": None, "reviewer": None, "returned": "", "evidence": "",
        },
    ]  # fmt: skip


def _evidence(rows: dict[str, list[dict[str, Any]]], dice: random.Random, objects: int) -> None:
    sources = ["forge", *(f"{name}-audit" for name in CLUSTERS)]
    for number in range(objects):
        source = sources[number % len(sources)]
        kept, noise, bad = dice.randint(5, 900), dice.randint(0, 90000), int(number % 17 == 5)
        digest = sha("object", number, length=64)
        key = f"2026/{7 + number % 3:02}/{1 + number % 28:02}/{source}-{number:06}.json.gz"
        rows["evidence_objects"].append(
            {
                "source_name": source, "key": key, "version_id": sha("version", number, length=32),
                "format": "github-pulls,github-reviews" if source == "forge" else "kubernetes-audit",
                "envelopes": "",
                "cluster": None if source == "forge" else source.removesuffix("-audit"), "sha256": digest,
                "repos": "", "apps": "", "replaced_by": None, "size": dice.randint(10_000, 9_000_000), "etag": digest[:32], "last_modified": AS_OF, "checksum": "", "verified": False, "retention": "",
                "collected_at": AS_OF, "records": kept + noise + bad, "kept": kept, "noise": noise, "quarantined": bad,
            }
        )  # fmt: skip
        if bad:
            rows["quarantine"].append(
                {"source_name": source, "key": key, "evidence": digest, "line": 77, "offset": 40_112, "reason": "not JSON: unexpected end of data at byte 1188"}
            )  # fmt: skip
    for source in sources:
        for table in ("pull_requests", "reviews") if source == "forge" else ("cluster_access",):
            rows["reconciliation"].append(
                {"source_name": source, "table": table, "parsed": 5000, "duplicates": 120, "out_of_period": 880, "kept": 4000}
            )  # fmt: skip
    for number, cluster in enumerate(CLUSTERS):
        hours = pd.date_range(PERIOD.start, PERIOD.end, freq="h", inclusive="left")
        for hour in hours if number < 3 else hours[:1060].append(hours[1092:]):
            rows["coverage"].append(
                {
                    "source_name": f"{cluster}-audit", "cluster": cluster, "format": "kubernetes-audit", "hour": hour, "records": 1200,
                    "first_at": hour, "last_at": hour + timedelta(minutes=59), "evidence": sha("object", number, length=64),
                }
            )  # fmt: skip


def _metrics(rows: dict[str, list[dict[str, Any]]], dice: random.Random, landings: int) -> None:
    ratios = [
        ("review_coverage", "Changes approved before merge", "share", "Landings through a pull request with an approval by a person before the merge, of all landings"),
        ("lead_time", "Lead time to production (median)", "hours", "From landing to the start of the first successful production deployment that carried it"),
        ("change_failure_rate", "Change failure rate", "share", "Production deployments followed within 24 h by a rollback, a revert or failed health, of all"),
        ("time_to_first_review", "Time to first review", "hours", "Median hours from the opening of a pull request to the first review"),
        ("sync_success_rate", "Successful syncs", "share", "Sync operations that succeeded, divided by those that succeeded or failed"),
        ("restore_time", "Time to restore (median)", "hours", "From a failed production deployment to the next healthy state"),
    ]  # fmt: skip
    kinds = [row["kind"] for row in rows["landings"]]
    for index, label in enumerate(["2025Q4", "2026Q1", "2026Q2", "2026Q3"]):
        common = {"quarter": label, "denominator": None, "undetermined": 0, "note": ""}
        whole = landings if label == "2026Q3" else 140 + 20 * index
        definition = "Arrivals on the default branch in the quarter"
        change = {
            "metric": "change_volume",
            "title_text": "Changes landed",
            "unit": "landings",
            "definition": definition,
            **common,
        }
        rows["metrics"].append(change | {"dimension": "all", "group": "", "value": whole, "numerator": whole})
        for kind in ("merge", "squash", "rebase", "direct"):
            value = (
                kinds.count(kind)
                if label == "2026Q3"
                else int(whole * {"merge": 0.3, "squash": 0.55, "rebase": 0.1, "direct": 0.05}[kind])
            )
            rows["metrics"].append(
                change | {"dimension": "kind", "group": kind, "value": value, "numerator": value}
            )
        rows["metrics"].append(
            {"metric": "deployment_frequency", "title_text": "Production deployments", "unit": "deployments", "definition": "Production deployments that changed the revision", **common,
             "dimension": "all", "group": "", "value": 50 + 7 * index, "numerator": 50 + 7 * index}
        )  # fmt: skip
        for metric, title, unit, meaning in ratios:
            value = dice.uniform(0.02, 0.99) if unit == "share" else dice.uniform(2, 90)
            missing = metric == "restore_time" and index == 0
            rows["metrics"].append(
                {"metric": metric, "title_text": title, "unit": unit, "definition": meaning, "quarter": label, "dimension": "all", "group": "",
                 "value": None if missing else value, "numerator": None if missing else 17, "denominator": 20 if unit == "share" else None, "undetermined": index,
                 "note": "no failed deployment was followed by a healthy state" if missing else "fewer than 10 items" if metric == "restore_time" else ""}
            )  # fmt: skip
