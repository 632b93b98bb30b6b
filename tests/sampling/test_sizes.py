"""Sizes of samples and upper limits: published tables, and brute force."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from audit.errors import UsageError
from audit.sampling.sizes import at_most, rate, size, upper_limit, upper_rate

LARGE = 1_000_000
R95, R90, NONE = Fraction("0.95"), Fraction("0.90"), Fraction(0)

PUBLISHED_95 = {
    ("0.02", "0"): (149, 0), ("0.03", "0"): (99, 0), ("0.04", "0"): (74, 0), ("0.05", "0"): (59, 0),
    ("0.06", "0"): (49, 0), ("0.07", "0"): (42, 0), ("0.08", "0"): (36, 0), ("0.09", "0"): (32, 0),
    ("0.10", "0"): (29, 0), ("0.15", "0"): (19, 0), ("0.20", "0"): (14, 0),
    ("0.05", "0.01"): (93, 1), ("0.05", "0.0125"): (124, 2), ("0.05", "0.0175"): (153, 3), ("0.05", "0.02"): (181, 4),
    ("0.10", "0.01"): (46, 1),
}  # fmt: skip
"""Attribute sample sizes at 95 % confidence for large populations, by tolerable and expected rate, as auditing tables
print them: size and allowed deviations."""

PUBLISHED_90 = {
    ("0.02", "0"): (114, 0), ("0.03", "0"): (76, 0), ("0.05", "0"): (45, 0), ("0.10", "0"): (22, 0), ("0.05", "0.01"): (77, 1),
}  # fmt: skip


@pytest.mark.parametrize(
    ("confidence", "table"), [(R95, PUBLISHED_95), (R90, PUBLISHED_90)], ids=["95 %", "90 %"]
)
def test_sizes_for_large_populations_are_those_of_the_published_tables(
    confidence: Fraction, table: dict[tuple[str, str], tuple[int, int]]
) -> None:
    found = {
        (tolerable, expected): size(LARGE, confidence, Fraction(tolerable), Fraction(expected))
        for tolerable, expected in table
    }
    assert {key: (one.items, one.allowed) for key, one in found.items()} == table


def _plain(found: int, population: int, deviations: int, items: int) -> Fraction:
    """Probability of no more than `found` deviations, by counting every sample."""
    ways = sum(
        math.comb(deviations, k) * math.comb(population - deviations, items - k) for k in range(found + 1)
    )
    return Fraction(ways, math.comb(population, items))


@pytest.mark.parametrize("population", [1, 2, 7, 20, 59, 60, 100, 250])
@pytest.mark.parametrize(
    ("tolerable", "expected"), [("0.05", "0"), ("0.1", "0.02"), ("0.25", "0.1"), ("0.06", "0.05")]
)
def test_sizes_of_small_populations_are_those_of_counting_every_sample(
    population: int, tolerable: str, expected: str
) -> None:
    """The first size for which some number of allowed deviations does; else everything."""
    found = size(population, R95, Fraction(tolerable), Fraction(expected))
    deviations = math.ceil(population * Fraction(tolerable))
    plainly = population
    for items in range(1, population):
        allowed = math.ceil(items * Fraction(expected))
        if _plain(allowed, population, deviations, items) <= 1 - R95:
            plainly = items
            break
    assert found.items == plainly
    assert found.everything == (plainly == population)
    assert found.items == population or at_most(found.allowed, population, deviations, found.items) <= 0.05


def test_finite_populations_need_fewer() -> None:
    sizes = [
        size(count, R95, Fraction("0.05"), NONE).items for count in (100, 200, 500, 1_000, 10_000, LARGE)
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < 59
    assert sizes[-1] == 59


@pytest.mark.parametrize(("population", "items"), [(20, 5), (50, 30), (40, 40)])
def test_the_upper_limit_is_the_last_number_that_the_sample_does_not_rule_out(
    population: int, items: int
) -> None:
    for found in range(items + 1):
        possible = [
            number
            for number in range(found, population - (items - found) + 1)
            if _plain(found, population, number, items) > 1 - R95
        ]
        assert upper_limit(population, items, found, R95) == max(possible, default=found)


def test_the_upper_rate_is_that_of_clopper_and_pearson() -> None:
    """None of 59: just under five in a hundred; the limit is where so few would be found one time in twenty."""
    assert upper_rate(59, 0, R95) == pytest.approx(1 - 0.05 ** (1 / 59))
    assert upper_rate(59, 0, R95) < 0.05 < upper_rate(58, 0, R95)
    limit = upper_rate(93, 1, R95)
    assert (1 - limit) ** 93 + 93 * limit * (1 - limit) ** 92 == pytest.approx(0.05)
    assert upper_rate(5, 5, R95) == 1.0


def test_what_was_allowed_meets_the_tolerable_rate_and_one_more_does_not() -> None:
    """The size and the evaluation speak of the same limit."""
    for population in (80, 333, 5_000):
        found = size(population, R95, Fraction("0.05"), Fraction("0.01"))
        assert upper_limit(population, found.items, found.allowed, R95) < population * 0.05
        assert upper_limit(population, found.items, found.allowed + 1, R95) >= population * 0.05


@pytest.mark.parametrize(
    "text", ["0", "1", "-0.1", "5", "1.5", "nan", "five", "", "1e-999999999", "1/0", "0." + "1" * 30]
)
def test_rates_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--tolerable"):
        rate("tolerable", text)


def test_no_sample_shows_a_rate_below_the_one_expected() -> None:
    with pytest.raises(UsageError, match="not below"):
        size(100, R95, Fraction("0.05"), Fraction("0.05"))
