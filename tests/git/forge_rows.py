"""Rows of the forge's evidence, with everything that a test does not care about filled in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from audit import tables as t

REPO = "acme/gitops"
ZEROS = "0" * 40


def at(minute: int) -> datetime:
    return datetime(2026, 7, 1, 12, minute, tzinfo=UTC)


def pull(number: int, merge_sha: str | None, **more: Any) -> dict[str, Any]:
    return {
        "repo": REPO, "number": number, "title_text": "t", "state": "closed", "author": "ann", "created_at": at(0),
        "updated_at": at(30), "merged_at": at(10), "merged_by": "bob", "merge_sha": merge_sha, "head_sha": "c" * 40,
        "head_ref": "side", "base_ref": "main", "commits": 1, "labels": "", "draft": False, "evidence": "e", "line": 1,
    } | more  # fmt: skip


def pulls(*rows: dict[str, Any]) -> pd.DataFrame:
    return t.conform(t.PullRequests, t.frame(t.PullRequests, rows))


def push(number: int, before: str, after: str, operation: str = "push", **more: Any) -> dict[str, Any]:
    return {
        "repo": REPO, "operation_id": number, "at": at(number), "ref": "refs/heads/main", "before": before, "after": after,
        "operation": operation, "actor": "cyd", "evidence": "e", "line": 1,
    } | more  # fmt: skip


def operations(*rows: dict[str, Any]) -> pd.DataFrame:
    return t.conform(t.GitOperations, t.frame(t.GitOperations, rows))
