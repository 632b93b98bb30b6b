"""What enforced a rule, and whether it worked: each control says both, or that it has one of them alone."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from audit import tables as t
from audit.controls.registry import CONTROLS
from audit.controls.sides import ENFORCED, SET_ALONE, with_sides


def _row(control: str, conclusion: str = "effective", **values: Any) -> dict[str, Any]:
    return {
        "control": control,
        "conclusion": conclusion,
        "population": 5,
        "exceptions": 0,
        "waived": 0,
        "gaps": "",
    } | values


def _failed(*rows: tuple[str, str, str | None]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["control", "subject", "waiver"]).astype("str")


def sides(
    control: str, rows: list[dict[str, Any]], *failed: tuple[str, str, str | None]
) -> tuple[str, str, str, str]:
    found = {row["control"]: row for row in with_sides(rows, _failed(*failed))}[control]
    return found["design"], found["design_reason"], found["operation"], found["operation_reason"]


def test_every_setting_that_is_named_belongs_to_a_control_and_every_control_has_a_side() -> None:
    known = {control.id for control in CONTROLS}
    enforcing = {what.by for what in ENFORCED.values()}
    assert known >= ENFORCED.keys() | enforcing | SET_ALONE
    assert not ENFORCED.keys() & (SET_ALONE | enforcing)
    rows = with_sides([_row(name) for name in sorted(known)], _failed())
    declared = t.columns(t.Conclusions)
    for row in rows:
        assert (row["design"], row["operation"]) != ("none", "none"), row
        for side in ("design", "operation"):
            assert (
                row[side]
                in next(c for c in declared[side].checks if c.name == "isin").statistics["allowed_values"]
            )
            assert row[f"{side}_reason"]


def test_a_setting_that_stood_and_worked_on_every_item() -> None:
    rows = [_row("CHG-05"), _row("CHG-06")]
    assert sides("CHG-05", rows) == (
        "in place", "checks that the forge requires (CHG-06)", "worked", "all of 5 items passed",
    )  # fmt: skip
    assert sides("CHG-06", rows)[2:] == ("worked", "CHG-05: all of 5 items passed")


@pytest.mark.parametrize(
    ("subject", "lapsed"),
    [
        ("netbpf/gitops:protection:checks", {"CHG-05"}),
        ("netbpf/gitops:required_status_checks@2026-07-03T10:00:00Z", {"CHG-05"}),
        ("netbpf/gitops:protection:approvals", {"CHG-02", "CHG-03", "CHG-04"}),
        ("netbpf/gitops:protection:force pushes", {"CHG-07"}),
        ("netbpf/gitops:protection:bypass", {"CHG-01", "CHG-02", "CHG-03", "CHG-04", "CHG-05", "CHG-07"}),
    ],
)
def test_a_setting_lapses_for_the_rules_that_it_enforces(subject: str, lapsed: set[str]) -> None:
    """A rule can have worked while nothing enforced it: that is told apart."""
    mine = [name for name, what in ENFORCED.items() if what.by == "CHG-06"]
    rows = [_row("CHG-06", "exceptions", exceptions=1), *(_row(name) for name in mine)]
    failed = ("CHG-06", subject, None)
    found = {name for name in mine if sides(name, rows, failed)[0] == "lapsed"}
    if "approvals" in subject:
        found.discard("CHG-01")  # main takes a direct push where no review is required
    assert found == lapsed
    assert all(sides(name, rows, failed)[2] == "worked" for name in mine)
    assert sides("CHG-06", rows, failed)[:2] == ("lapsed", "1 of 5 items failed")


def test_what_is_waived_is_no_lapse_and_is_told() -> None:
    rows = [
        _row("CLU-03", "effective", exceptions=1, waived=1),
        _row("CLU-04", "exceptions", exceptions=2, waived=1),
    ]
    failed = [("CLU-03", "prod/argocd/web", "W-1"), ("CLU-04", "prod/argocd/web", None)]
    assert sides("CLU-04", rows, *failed) == (
        "in place", "self-heal of every application (CLU-03)", "failed", "1 of 5 items failed, 1 more waived",
    )  # fmt: skip
    assert sides("CLU-03", rows, *failed)[2:] == ("failed", "CLU-04: 1 of 5 items failed, 1 more waived")


def test_missing_evidence_is_neither_in_place_nor_working() -> None:
    rows = [
        _row("POL-01", "not tested", gaps="no rules"), _row("POL-02", "not tested", gaps="no audits"), _row("TRN-01"),
        _row("CLU-04", "not applicable", population=0),
    ]  # fmt: skip
    assert sides("POL-02", rows) == (
        "not tested", "constraints that enforce (POL-01): evidence is missing: no rules",
        "not tested", "evidence is missing: no audits",
    )  # fmt: skip
    assert sides("POL-01", rows)[::2] == ("not tested", "not tested")
    assert sides("TRN-01", rows)[0] == "none"
    assert sides("CLU-04", rows) == (
        "not tested",
        "CLU-03 was not run",
        "not applicable",
        "there was no item",
    )
