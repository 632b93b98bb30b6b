"""What GitHub's alerts of code, secrets and dependencies give."""

from __future__ import annotations

import json
from typing import Any

import pytest
from evidence_records import CONTEXT, lines, parse_bytes, read, refused
from scan_records import CODE_ALERT, DEPENDENCY_ALERT, SECRET_ALERT

from audit import tables as t
from audit.normalise.interface import Context

TOLD = [name for name in t.columns(t.SecurityAlerts) if name not in ("evidence", "line")]


def row(record: Any, context: Context = CONTEXT) -> dict[str, Any]:
    (found,) = read(record, context=context).rows["security_alerts"]
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name in TOLD
        if (value := found[name]) is not None
    }


def test_a_dismissed_alert_of_code_scanning_says_who_when_and_why() -> None:
    assert row(CODE_ALERT) == {
        "repo": "netbpf/netbpf-gitops", "kind": "code", "number": 4, "state": "dismissed",
        "created_at": "2026-07-01T09:00:00+00:00", "updated_at": "2026-07-03T09:00:00+00:00",
        "closed_at": "2026-07-02T09:00:00+00:00", "closed_by": "ada", "reason": "false positive",
        "comment": "checked by grace", "rule": "py/sql-injection", "title": "SQL query", "severity": "critical",
        "severity_as_given": "critical", "tool": "CodeQL", "tool_version": "2.20.0", "path": "app.py", "line_in_file": 7,
        "ref": "refs/heads/main", "commit": "4f2a" * 10, "aliases": "",
    }  # fmt: skip


def test_a_resolved_alert_of_secret_scanning_tells_everything_but_the_secret() -> None:
    assert row(SECRET_ALERT) == {
        "repo": "netbpf/netbpf-gitops", "kind": "secret", "number": 5, "state": "resolved",
        "created_at": "2026-07-01T09:00:00+00:00", "closed_at": "2026-07-01T11:00:00+00:00", "closed_by": "grace",
        "reason": "revoked", "comment": "rotated", "rule": "aws_access_key_id", "title": "AWS key", "severity": "unknown",
        "severity_as_given": "", "tool": "secret scanning", "path": "deploy.sh", "line_in_file": 3, "commit": "4f2a" * 10,
        "aliases": "", "validity": "inactive", "public": False, "bypassed": True, "bypassed_by": "ada",
        "bypassed_at": "2026-07-01T08:59:00+00:00",
    }  # fmt: skip
    assert "pretend" not in refused(SECRET_ALERT | {"number": "pretend-number"})


def test_a_fixed_alert_of_dependabot_tells_package_versions_and_ids() -> None:
    assert row(DEPENDENCY_ALERT) == {
        "repo": "netbpf/netbpf-gitops", "kind": "dependency", "number": 6, "state": "fixed",
        "created_at": "2026-07-01T09:00:00+00:00", "updated_at": "2026-07-05T09:00:00+00:00",
        "closed_at": "2026-07-05T08:00:00+00:00", "rule": "GHSA-aaaa-bbbb-cccc", "title": "leaks", "severity": "medium",
        "severity_as_given": "moderate", "tool": "dependabot", "path": "requirements.txt", "package": "requests",
        "ecosystem": "pip", "scope": "runtime", "affected": "< 1.2", "fixed_version": "1.2", "aliases": "CVE-2026-0003",
    }  # fmt: skip


def test_an_alert_is_a_row_for_each_state_that_exports_show() -> None:
    before = DEPENDENCY_ALERT | {"state": "open", "fixed_at": None, "updated_at": "2026-07-01T09:00:00Z"}
    rows = parse_bytes(lines(before, DEPENDENCY_ALERT, DEPENDENCY_ALERT)).rows["security_alerts"]
    frame = t.frame(t.SecurityAlerts, rows).drop_duplicates(t.key(t.SecurityAlerts))
    assert t.conform(t.SecurityAlerts, frame)["state"].tolist() == ["open", "fixed"]


def test_coverage_is_by_the_moment_that_an_alert_last_tells_of() -> None:
    hours = [hour.isoformat() for _, hour in read(DEPENDENCY_ALERT).coverage]
    assert hours == ["2026-07-05T09:00:00+00:00"]


def test_the_repository_is_the_alerts_own_its_address_or_the_sources() -> None:
    assert row(CODE_ALERT | {"repository": {"full_name": "netbpf/other"}})["repo"] == "netbpf/other"
    assert row(CODE_ALERT | {"url": None})["repo"] == CONTEXT.repository
    assert "names a repository" in refused(CODE_ALERT | {"url": None}, context=Context("s", "k"))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"id": "r", "severity": "note"}, ("low", "note")),
        ({"id": "r", "severity": "error"}, ("high", "error")),
        ({"id": "r", "severity": "none"}, ("none", "none")),
        ({"id": "r", "severity": None}, ("unknown", "")),
    ],
)
def test_severity_is_that_of_security_else_the_level(rule: Any, expected: Any) -> None:
    found = row(CODE_ALERT | {"rule": rule})
    assert (found["severity"], found["severity_as_given"]) == expected


def test_pages_of_alerts_are_unwrapped_and_each_kind_is_told_apart() -> None:
    parsed = parse_bytes(json.dumps([CODE_ALERT, SECRET_ALERT, DEPENDENCY_ALERT]).encode())
    assert [found["kind"] for found in parsed.rows["security_alerts"]] == ["code", "secret", "dependency"]
    assert "pretend" not in json.dumps(parsed.rows, default=str)


def test_a_state_that_is_not_told_is_unknown_and_one_that_is_not_known_refused() -> None:
    assert row(CODE_ALERT | {"state": None})["state"] == "unknown"
    assert "state is not known: 'resolved'" in refused(CODE_ALERT | {"state": "resolved"})
    assert "rule's id is missing" in refused(CODE_ALERT | {"rule": {}})
    assert "tool's name is missing" in refused(CODE_ALERT | {"tool": {"name": ""}})
    assert row(DEPENDENCY_ALERT | {"state": "auto_dismissed"})["state"] == "auto_dismissed"
