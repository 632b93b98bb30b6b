"""What a lineage can't tell: the same landings as by looking at every pair."""

from __future__ import annotations

import random

import pandas as pd
import pytest

from audit import tables as t
from audit.controls.blind import _passed, _touching
from audit.controls.examples import AS_OF, PERIOD
from audit.controls.interface import Context, Control, Gap, Result, failures
from audit.controls.registry import CONTROLS
from audit.settings import Settings


def _rows(dice: random.Random, count: int, columns: tuple[str, str]) -> pd.DataFrame:
    """So many ranges of places in two repositories."""
    ranges = [sorted((dice.randrange(30), dice.randrange(30))) for _ in range(count)]
    made = pd.DataFrame(ranges, columns=list(columns), dtype="Int64")
    return made.assign(repo=pd.Series([dice.choice(["one", "two"]) for _ in ranges], dtype="str"))


@pytest.mark.parametrize("seed", range(30))
def test_landings_that_were_passed_or_touched_are_those_of_every_pair(seed: int) -> None:
    """A deployment passes what lies after its baseline and not after its place; backwards it passes nothing."""
    dice = random.Random(seed)
    landings = _rows(dice, dice.randrange(12), ("first_position", "position"))
    deployed = _rows(dice, dice.randrange(6), ("baseline", "position"))
    turned = deployed.rename(columns={"baseline": "position", "position": "baseline"})
    deployed = pd.concat(
        [deployed, turned.head(1), deployed.head(1).assign(baseline=pd.NA)], ignore_index=True
    )
    deployed = deployed.astype({"baseline": "Int64"})
    touched = _rows(dice, dice.randrange(8), ("other", "position"))
    pairs = list(landings.itertuples(index=False))
    passed = [
        any(
            d.repo == row.repo and not pd.isna(d.baseline) and d.baseline < row.position <= d.position
            for d in deployed.itertuples(index=False)
        )
        for row in pairs
    ]
    held = [
        any(
            place.repo == row.repo and row.first_position <= place.position <= row.position
            for place in touched.itertuples(index=False)
        )
        for row in pairs
    ]
    assert _passed(landings, deployed).tolist() == passed
    assert _touching(landings, touched).tolist() == held


def test_each_gap_is_told_once_and_cuts_exceptions_of_its_scope() -> None:
    """Gaps of one scope are many in words: all are told, in order, and what they hide is hidden once."""
    times = pd.to_datetime(["2026-07-02", "2026-08-02"] * 2, utc=True).astype("datetime64[us, UTC]")
    rows = pd.DataFrame({"subject": list("abcd"), "at": times, "cluster": ["dev", "dev", "prod", "prod"]})
    failed = failures(rows, expected="nothing", found="something", evidence="")
    moment = pd.Timestamp("2026-08-01", tz="UTC")
    told = [Gap(f"gap {number}", cluster="prod", after=moment) for number in range(3)]
    plain = Gap("nothing is hidden", cluster="dev")
    result = Result(rows[["subject", "at"]], failed, (*told, plain, *told))
    known = CONTROLS[0]
    control = Control(
        id="ONE-01", page=known.page, clause="", severity=known.severity, frameworks={}, needs=(), remediation="",
        examples=(), test=lambda _tables, _context: result,
    )  # fmt: skip
    context = Context(Settings.model_validate({"organisation": {"name": "NETBPF"}}), PERIOD, AS_OF)
    judged = control.judge({"waivers": t.empty(t.Waivers)}, context)
    assert judged.gaps == (*told, plain)
    assert judged.exceptions["subject"].tolist() == ["a", "b", "c"]
