"""Every example in a control's file holds, through the real runner."""

from __future__ import annotations

import pandas as pd
import pytest

from audit.controls.examples import expand, failures, frames, parse
from audit.controls.interface import Control
from audit.controls.registry import CONTROLS
from tests.controls.worlds import world_of


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_examples_come_to_their_conclusions_with_exactly_their_exceptions(control: Control) -> None:
    assert len({example.title for example in control.examples}) == len(control.examples)
    assert list(failures(control, world_of)) == []


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_every_control_shows_a_pass_a_failure_and_missing_evidence(control: Control) -> None:
    """A reader sees all three, whatever the control."""
    assert {"effective", "exceptions", "not tested"} <= {example.conclusion for example in control.examples}


def test_a_commit_may_be_abbreviated() -> None:
    """`a1…` is one and the same commit everywhere in an example."""
    assert expand("netbpf/x@a1… and a1…") == f"netbpf/x@a1{'0' * 38} and a1{'0' * 38}"


def test_columns_that_are_not_mentioned_say_least() -> None:
    """Missing where a value may be missing, else neutral; what is mentioned is typed."""
    row = frames("landings\n| landed_at | mainline_commits |\n| 2026-07-01 | 3 |")["landings"].iloc[0]
    assert row["landed_at"] == pd.Timestamp("2026-07-01", tz="UTC")
    assert (row["mainline_commits"], row["commits"], row["kind"], bool(row["evil"])) == (3, 1, "merge", False)
    assert row[["pr_number", "pusher"]].isna().all()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("landing\n| repo |\n| a |", "no table 'landing'"),
        ("landings\n| repository |\n| a |", "no column 'repository'"),
        ("landings\n| repo | kind |\n| a |", "1 cells under 2 columns"),
    ],
)
def test_a_slip_in_an_example_is_refused(text: str, reason: str) -> None:
    """An example that says something nobody reads would prove nothing."""
    with pytest.raises(ValueError, match=reason):
        frames(text)


def test_rows_without_a_table_stand_alone() -> None:
    """Expected exceptions are one table without a name."""
    assert parse("| subject |\n| a |\n| b |") == {"": [{"subject": "a"}, {"subject": "b"}]}
