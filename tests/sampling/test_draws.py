"""The same seed draws the same sample, on every machine and from rows in any order."""

from __future__ import annotations

import hashlib
from collections import Counter

import pandas as pd
import pytest

from audit.errors import UsageError
from audit.sampling.dice import Dice
from audit.sampling.draws import METHODS, allocated, draw


def _population(count: int) -> pd.DataFrame:
    numbers = range(1, count + 1)
    return pd.DataFrame(
        {
            "number": numbers,
            "subject": [f"item {number}" for number in numbers],
            "environment": [("dev", "dev,prod", "prod", "")[number % 4] for number in numbers],
            "targets": [number % 5 for number in numbers],
        }
    )


def test_numbers_are_digests_of_seed_purpose_and_count() -> None:
    """Whoever has sha256sum can check them."""
    dice = Dice(7, "random")
    digests = [int(hashlib.sha256(f"7\nrandom\n{count}".encode()).hexdigest(), 16) for count in range(3)]
    assert [dice.below(1000) for _ in digests] == [digest % 1000 for digest in digests]


def test_a_sample_is_the_same_for_ever() -> None:
    """Written down once: another version or platform that draws otherwise breaks what auditors have recorded."""
    assert Dice(1, "random").draw(6, 1_000) == FIRST
    assert draw(_population(200), "random", 5, seed=42)["number"].tolist() == SECOND


FIRST = [128, 360, 712, 760, 845, 910]
SECOND = [12, 61, 85, 133, 180]


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_rows_makes_no_difference(method: str) -> None:
    rows = _population(300)
    drawn = draw(rows, method, 40, seed=5)
    assert drawn.equals(draw(rows.sample(frac=1, random_state=3), method, 40, seed=5))
    assert drawn["hits"].sum() == 40
    assert drawn["number"].is_monotonic_increasing
    assert not all(drawn.equals(draw(rows, method, 40, seed=seed)) for seed in range(6, 16))


def test_every_item_is_as_likely() -> None:
    """Over many seeds each of ten items is drawn three times in ten."""
    counts = Counter(place for seed in range(3_000) for place in Dice(seed, "x").draw(3, 10))
    assert set(counts) == set(range(10))
    assert all(abs(count - 900) < 100 for count in counts.values())


def test_everything_can_be_drawn() -> None:
    assert Dice(1, "x").draw(10, 10) == list(range(10))
    assert Dice(1, "x").draw(0, 10) == []


def test_environments_get_their_share_by_the_largest_remainder() -> None:
    """10 of 70, 20 and 11: 6.93, 1.98 and 1.09; of equal remainders the first by name has it."""
    assert allocated({"prod": 70, "dev": 20, "staging": 11}, 10) == {"dev": 2, "prod": 7, "staging": 1}
    assert allocated({"b": 1, "a": 1, "c": 1}, 1) == {"a": 1, "b": 0, "c": 0}
    drawn = draw(_population(400), "environment", 40, seed=9)
    assert drawn["environment"].value_counts().to_dict() == {"dev": 10, "dev,prod": 10, "prod": 10, "": 10}


def test_what_reaches_more_is_likelier_and_what_reaches_nothing_is_never_drawn() -> None:
    """An item that reaches as much as the distance between two points is drawn whatever the start."""
    rows = pd.DataFrame({"number": [1, 2, 3, 4], "environment": "prod", "targets": [1, 0, 6, 5]})
    counts: Counter[int] = Counter()
    for seed in range(2_000):
        drawn = draw(rows, "targets", 2, seed=seed)
        counts.update(dict(zip(drawn["number"], drawn["hits"], strict=True)))
        assert 3 in set(drawn["number"])
    assert 2 not in counts
    assert abs(counts[4] / 4_000 - 5 / 12) < 0.03
    assert abs(counts[1] / 4_000 - 1 / 12) < 0.03


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_not_drawn_of(method: str) -> None:
    with pytest.raises(UsageError, match="nothing to draw"):
        draw(_population(0), method, 1, seed=1)
    if method == "targets":
        with pytest.raises(UsageError, match="no item reaches production"):
            draw(_population(3).assign(targets=0), method, 1, seed=1)
