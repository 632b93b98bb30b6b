"""What webhooks tell of the protection of branches, where the forge's log does not."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from audit.controls.examples import REPOSITORY, frames
from audit.joins.protections import events, lapses

HEAD = "forge_events\n| document_id | told_by | at | action | category | repo | branch | before | after | detail |\n"


def judged(*rows: dict[str, Any]) -> pd.DataFrame:
    """Events of the default branch's protection, each given by what differs."""
    text = HEAD
    for number, row in enumerate(rows):
        told = {
            "id": f"d{number}",
            "by": "webhook",
            "at": "2026-07-03 10:00",
            "branch": "main",
            "category": "protection",
        }
        told |= {"before": {}, "after": {}, "detail": {}} | row
        said = " | ".join(json.dumps(told[name]) for name in ("before", "after", "detail"))
        text += f"| {told['id']} | {told['by']} | {told['at']} | {told['action']} | {told['category']} | {REPOSITORY} | "
        text += f"{told['branch']} | {said} |\n"
    tables = frames(text + "\nrepositories\n| tip |\n| a1… |\n")
    return events(tables["forge_events"], tables["repositories"], 1)


EDITED = "branch_protection_rule.edited"
RULESET = {"category": "ruleset", "branch": "~DEFAULT_BRANCH"}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"action": "branch_protection_rule.deleted"}, [("protection", "weak")]),
        ({"action": "branch_protection_rule.created"}, [("protection", "strong")]),
        ({"action": "branch_protection_rule.deleted", "branch": "release/*"}, []),
        ({"action": EDITED, "before": {"admin_enforced": True}, "after": {"admin_enforced": False}},
         [("admin_enforced", "weak")]),
        ({"action": EDITED, "before": {"required_approving_review_count": 2, "allow_deletions_enforcement_level": "everyone"},
          "after": {"required_approving_review_count": 0, "allow_deletions_enforcement_level": "off"}},
         [("allow_deletions_enforcement_level", "strong"), ("required_approving_review_count", "weak")]),
        ({"action": EDITED, "before": {"admin_enforced": False}, "after": {"admin_enforced": False}},
         [("protection", "other")]),
        ({"action": EDITED, "before": {"name": "x"}, "after": {"name": "main"}}, [("protection", "other")]),
        (RULESET | {"action": "repository_ruleset.deleted", "detail": {"repository_ruleset": {"id": 31}}},
         [("ruleset 31", "weak")]),
        (RULESET | {"action": "repository_ruleset.edited",
                    "detail": {"repository_ruleset": {"id": 31, "enforcement": "disabled"}}}, [("ruleset 31", "weak")]),
        (RULESET | {"action": "repository_ruleset.edited",
                    "detail": {"repository_ruleset": {"id": 31, "enforcement": "active"},
                               "changes": {"rules": {"deleted": [{"type": "deletion"}]}}}}, [("ruleset 31", "loosened")]),
        (RULESET | {"action": "repository_ruleset.edited",
                    "detail": {"repository_ruleset": {"id": 31, "enforcement": "active"},
                               "changes": {"rules": {"deleted": []}}}}, [("ruleset 31", "strong")]),
        (RULESET | {"action": "repository_ruleset.deleted", "branch": "refs/tags/**"}, []),
    ],
)  # fmt: skip
def test_what_a_webhook_tells_is_judged_as_what_the_log_tells(
    row: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    found = judged(row)
    assert sorted(zip(found["rule"], found["kind"], strict=True)) == expected


@pytest.mark.parametrize(("at", "count"), [("2026-07-03 10:05", 1), ("2026-07-03 10:20", 2)])
def test_what_the_log_tells_too_is_one_event(at: str, count: int) -> None:
    log = {"by": "log", "action": "protected_branch.destroy", "at": at}
    found = judged({"action": "branch_protection_rule.deleted"}, log)
    assert len(found) == count
    assert "log" in found["told_by"].tolist()


def test_a_lapse_that_only_webhooks_tell_begins_and_ends() -> None:
    off = {"action": EDITED, "before": {"admin_enforced": True}, "after": {"admin_enforced": False}}
    on = {"action": EDITED, "before": {"admin_enforced": False}, "after": {"admin_enforced": True}}
    (lapse,) = lapses(judged(off, on | {"at": "2026-07-03 12:00"})).to_dict("records")
    assert (lapse["rule"], lapse["value"]) == ("admin_enforced", "false")
    assert lapse["end"] - lapse["at"] == pd.Timedelta(hours=2)
