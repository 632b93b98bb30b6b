"""Spans in which rules of policy engines were relaxed, from snapshots and from what the API server logged."""

from __future__ import annotations

import pandas as pd
import pytest

from audit.controls.examples import frames
from audit.joins.enforcement import lapses, snapshots
from audit.settings import Policies

_HEADER = """
policy_constraints
| engine | api_group | kind | name | role | refuses | enforcement | exempts | generation | digest | created_at | observed_at | evidence |
"""
_OWNER = "| gatekeeper | constraints.gatekeeper.sh | K8sRequiredLabels | owner | rule | true | deny |"


def _found(text: str, rules: Policies | None = None) -> list[tuple[str, str, str, str]]:
    """Name, state, start and end of each lapse."""
    tables = frames(_HEADER + text)
    seen = snapshots(tables["policy_constraints"], tables["evidence_objects"], rules or Policies())
    rows = lapses(seen, tables["cluster_access"])
    times = rows[["start", "end"]].apply(lambda column: column.dt.strftime("%m-%d %H:%M"))
    return list(zip(rows["name"], rows["state"], times["start"], times["end"].fillna(""), strict=True))


def test_an_object_that_was_made_anew_was_deleted_though_no_log_says_so() -> None:
    rows = f"""
    {_OWNER} | 5 | d | 2026-01-01 00:00 | 2026-07-01 00:00 | 1 |
    {_OWNER} | 1 | d | 2026-07-01 20:00 | 2026-07-02 00:00 | 2 |
    """
    assert _found(rows) == [("owner", "it was deleted", "07-01 00:00", "07-01 20:00")]


def test_a_single_change_that_left_the_same_rule_is_no_lapse() -> None:
    rows = f"""
    {_OWNER} | 1 | d1 | | 2026-07-01 00:00 | 1 |
    {_OWNER} | 2 | d1 | | 2026-07-02 00:00 | 2 |
    {_OWNER} | 4 | d2 | | 2026-07-03 00:00 | 3 |
    """
    assert _found(rows) == []


def test_an_export_of_another_kind_does_not_say_that_a_rule_is_gone() -> None:
    rows = f"""
    {_OWNER} | 1 | d1 | | 2026-07-01 00:00 | 1 |
    | gatekeeper | constraints.gatekeeper.sh | K8sDisallowedTags | tags | rule | true | deny | | 1 | d2 | | 2026-07-02 00:00 | 2 |
    """
    assert _found(rows) == []


def test_an_exemption_that_came_later_is_a_lapse_and_its_end_is_when_it_is_emptied() -> None:
    rows = f"""
    {_OWNER} | 1 | d1 | | 2026-07-01 00:00 | 1 |
    | gatekeeper | config.gatekeeper.sh | Config | config | exemption | | | {{"match":[{{"excludedNamespaces":["shop"]}}]}} | 1 | e1 | | 2026-07-02 00:00 | 2 |
    | gatekeeper | config.gatekeeper.sh | Config | config | exemption | | | {{"match":[{{"excludedNamespaces":["kube-system"]}}]}} | 2 | e2 | | 2026-07-03 00:00 | 3 |
    """
    found = _found(rows)
    assert found == [("config", "it left out shop", "07-02 00:00", "07-03 00:00")]


def test_what_was_retired_by_decision_may_go() -> None:
    rows = f"""
    {_OWNER} | 1 | d1 | | 2026-07-01 00:00 | 1 |
    | gatekeeper | constraints.gatekeeper.sh | K8sRequiredLabels | other | rule | true | deny | | 1 | d2 | | 2026-07-01 00:00 | 1 |
    {_OWNER.replace("owner", "other")} | 1 | d2 | | 2026-07-02 00:00 | 2 |
    """
    assert _found(rows) == [("owner", "it was deleted", "07-02 00:00", "")]
    assert _found(rows, Policies(retired=("own.*",))) == []


@pytest.mark.parametrize("verb", ["get", "list", "watch"])
def test_reads_of_a_rule_do_not_date_a_lapse(verb: str) -> None:
    rows = f"""
    {_OWNER} | 1 | d1 | | 2026-07-01 00:00 | 1 |
    {_OWNER.replace("true | deny", "false | warn")} | 2 | d2 | | 2026-07-02 00:00 | 2 |
    cluster_access
    | audit_id | at               | verb   | api_group                 | resource          | name  | code |
    | 1        | 2026-07-01 10:00 | {verb} | constraints.gatekeeper.sh | k8srequiredlabels | owner | 200  |
    """
    assert _found(rows) == [("owner", "it did not refuse (warn)", "07-02 00:00", "")]


def test_a_snapshot_without_any_time_tells_no_span() -> None:
    tables = frames(_HEADER + f"{_OWNER} | 1 | d1 | | | 1 |".replace("true | deny", "false | warn"))
    seen = snapshots(tables["policy_constraints"], tables["evidence_objects"], Policies())
    assert seen["at"].isna().all()
    assert lapses(seen, tables["cluster_access"]).empty
    objects = pd.DataFrame({"sha256": ["1"], "last_modified": [pd.Timestamp("2026-07-05", tz="UTC")]})
    dated = snapshots(tables["policy_constraints"], objects.astype({"sha256": "str"}), Policies())
    assert dated["at"].dt.strftime("%m-%d").tolist() == ["07-05"]
