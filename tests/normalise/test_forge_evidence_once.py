"""Whichever way the forge's evidence comes, and however often: what is built of it holds each thing once."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from evidence_records import (
    ACTIVITY,
    CHECK,
    CLI_PULL,
    CLI_RUN,
    GRAPHQL,
    PULL,
    REVIEW,
    STATUS,
    WEBHOOK,
    WORKFLOW_RUN,
)

from audit import pipeline
from audit import tables as t
from audit.build import gathering
from audit.joins.continuity import continuity
from audit.period import Period
from audit.settings import load

AS_OF = datetime(2026, 10, 2, tzinfo=UTC)
SETTINGS = """
[organisation]
name = "NETBPF"
[[repositories]]
name = "netbpf/netbpf-gitops"
location = "netbpf-gitops"
[[sources]]
name = "forge"
location = "file:forge"
repository = "netbpf/netbpf-gitops"
"""
_ENVELOPE = {name: WEBHOOK[name] for name in ("repository", "organization", "sender")}
HOOKS = [
    WEBHOOK,
    {"event": "pull_request", "delivery": "g-1", "payload": WEBHOOK},
    _ENVELOPE | {"action": "submitted", "review": REVIEW, "pull_request": PULL},
    _ENVELOPE | {"action": "completed", "check_run": CHECK},
    _ENVELOPE | {"action": "completed", "workflow_run": WORKFLOW_RUN, "workflow": {}},
    _ENVELOPE | {
        "ref": ACTIVITY["ref"], "before": ACTIVITY["before"], "after": ACTIVITY["after"], "created": False,
        "deleted": False, "forced": False, "pusher": {"name": "ada"},
        "repository": _ENVELOPE["repository"] | {"pushed_at": "2026-07-01T10:00:02Z"},
    },
]  # fmt: skip
OBJECTS: dict[str, Any] = {
    "hooks": HOOKS,
    "rest": [PULL, REVIEW, CHECK, STATUS, WORKFLOW_RUN, ACTIVITY],
    "graphql": [GRAPHQL],
    "cli": [CLI_PULL, CLI_RUN],
}
ONCE = {"pull_requests": 1, "reviews": 1, "checks": 2, "workflow_runs": 1, "git_operations": 1}


@pytest.mark.parametrize("bucket", [1, gathering.BUCKET])
def test_each_thing_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: int) -> None:
    """The row of the export that gives the forge's own number stays, wherever the table is cut."""
    monkeypatch.setattr(gathering, "BUCKET", bucket)
    (tmp_path / "forge").mkdir()
    for name, records in OBJECTS.items():
        text = "".join(json.dumps(record) + "\n" for record in records)
        (tmp_path / "forge" / f"{name}.json").write_text(text, encoding="utf-8")
    (tmp_path / "audit.toml").write_text(SETTINGS, encoding="utf-8")
    settings = load(tmp_path / "audit.toml")
    pipeline.collect(settings, AS_OF)
    built = pipeline.build(settings)
    tables = built.tables
    assert {name: len(tables[name]) for name in ONCE} == ONCE
    assert tables["reviews"]["review_id"].tolist() == [REVIEW["id"]]
    assert tables["checks"]["check_id"].tolist() == [CHECK["id"], STATUS["id"]]
    assert tables["git_operations"]["operation"].tolist() == [ACTIVITY["activity_type"]]
    assert tables["workflow_runs"]["actor"].tolist() == ["ada"]
    assert tables["pull_requests"]["merged_by"].tolist() == ["grace"]
    assert tables["quarantine"].empty


def test_a_page_that_is_missing_is_a_gap_of_what_was_built(tmp_path: Path) -> None:
    page = copy.deepcopy(GRAPHQL)
    page["data"]["repository"]["pullRequests"] |= {"pageInfo": {"hasNextPage": True}, "totalCount": 9}
    (tmp_path / "forge").mkdir()
    (tmp_path / "forge" / "pulls.json").write_text(json.dumps(page), encoding="utf-8")
    (tmp_path / "audit.toml").write_text(SETTINGS, encoding="utf-8")
    settings = load(tmp_path / "audit.toml")
    pipeline.collect(settings, AS_OF)
    tables = dict(pipeline.build(settings).tables)
    joined = {name: t.empty(t.TABLES[name]) for name in ("deployments", "landings")}
    gaps = continuity(tables | joined, settings, Period.quarter("2026Q3"), as_of=AS_OF)["evidence_gaps"]
    told = "netbpf/netbpf-gitops: repository.pullRequests holds 1 of 9 in the export, and there are more"
    assert gaps.loc[gaps["kind"].eq("cap"), "detail"].tolist() == [told]
