"""How many items to look at, and what their deviations say of all: exact, by the hypergeometric distribution.

A sample of n with at most k deviations is large enough when a population whose deviation rate is the tolerable one
would give so few with a probability of no more than 1 - confidence. Rates are fractions, so that no size hangs on how
a computer rounds.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from audit.errors import UsageError

_RATE = re.compile(r"[0-9](?:\.[0-9]{1,17})?|\.[0-9]{1,17}")


@dataclass(frozen=True)
class Size:
    """A sample's size.

    Attributes:
        items: how many are looked at.
        allowed: deviations up to which the tolerable rate is met.
        everything: no smaller sample would do.
    """

    items: int
    allowed: int
    everything: bool


def rate(name: str, text: str, *, zero: bool = False) -> Fraction:
    """A rate as it was written, such as 0.05.

    Args:
        zero: 0 is allowed too.

    Raises:
        UsageError: it is no number between 0 and 1.
    """
    found = Fraction(text) if _RATE.fullmatch(text) else None
    if found is None or not (0 < found < 1 or (zero and found == 0)):
        raise UsageError(
            f"--{name}: '{text[:20]}' is no rate between 0 and 1", remedy=f"give it as in --{name} 0.05"
        )
    return found


def size(population: int, confidence: Fraction, tolerable: Fraction, expected: Fraction) -> Size:
    """The smallest sample that can show that the deviation rate is below the tolerable one.

    Args:
        population: how many items there are.
        expected: deviation rate that the sample must leave room for.

    Raises:
        UsageError: the expected rate is not below the tolerable one.
    """
    if expected >= tolerable:
        raise UsageError(
            f"--expected {float(expected):g} is not below --tolerable {float(tolerable):g}",
            remedy="no sample can show that: expect fewer deviations, or tolerate more",
        )
    deviations = -(-population * tolerable.numerator // tolerable.denominator)  # rounded up
    allowed = 0
    while allowed < deviations:
        items = _smallest(population, deviations, allowed, float(1 - confidence))
        needed = math.ceil(expected * items)
        if needed <= allowed:
            return Size(items, allowed, items == population)
        allowed = needed  # with fewer, no smaller sample would do, and this one expects more
    return Size(population, max(0, deviations - 1), everything=True)


def _smallest(population: int, deviations: int, allowed: int, risk: float) -> int:
    """The smallest sample in which no more than `allowed` of so many deviations are found with at most that risk."""
    low, high = allowed + 1, population
    while low < high:
        middle = (low + high) // 2
        if at_most(allowed, population, deviations, middle) <= risk:
            high = middle
        else:
            low = middle + 1
    return low


def at_most(found: int, population: int, deviations: int, items: int) -> float:
    """Probability that a sample of `items` holds no more than `found` of the population's deviations."""
    from scipy.stats import hypergeom  # noqa: PLC0415  # a second of CPU: only for those who sample

    return float(hypergeom.cdf(found, population, deviations, items))


def upper_limit(population: int, items: int, found: int, confidence: Fraction) -> int:
    """The most deviations that the population may have, at that confidence, when a sample of `items` has `found`."""
    risk = float(1 - confidence)
    low, high = found, population - (items - found)
    while low < high:
        middle = (low + high + 1) // 2
        if at_most(found, population, middle, items) > risk:
            low = middle
        else:
            high = middle - 1
    return low


def upper_rate(items: int, found: int, confidence: Fraction) -> float:
    """Clopper and Pearson's upper limit of the deviation rate of a population without end."""
    from scipy.stats import beta  # noqa: PLC0415  # as above

    return 1.0 if found >= items else float(beta.ppf(float(confidence), found + 1, items - found))
