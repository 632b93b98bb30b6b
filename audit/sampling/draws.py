"""Drawing a sample: each method by the recorded seed alone, whatever the order of rows and the machine."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from itertools import accumulate

import pandas as pd

from audit.errors import UsageError
from audit.sampling.dice import Dice

METHODS = {
    "random": "every set of items is as likely as every other",
    "environment": "random within each environment, which gets its share of the sample (largest remainder)",
    "targets": "systematic, by how many applications of production an item reaches: what reaches more is likelier",
}
NOWHERE = "(none)"


def whole(population: pd.DataFrame, method: str) -> int:
    """What is drawn of: items; for `targets`, the applications of production that they reach, added up."""
    return int(population["targets"].sum()) if method == "targets" else len(population)


def draw(population: pd.DataFrame, method: str, count: int, seed: int) -> pd.DataFrame:
    """A sample.

    Args:
        population: as `audit.sampling.numbered` gives it.
        method: one of `METHODS`.
        count: how many to draw, no more than `whole`.

    Returns:
        The rows drawn, by number, with `hits` (int64): how often each was drawn, more than once by `targets` alone.

    Raises:
        UsageError: there is nothing to draw of.
    """
    if not whole(population, method):
        raise UsageError(
            f"nothing to draw by '{method}': "
            + ("no item reaches production" if len(population) else "the population is empty"),
            remedy="choose another population, method or quarter",
        )
    ordered = population.sort_values("number", ignore_index=True)
    if method == "targets":
        places = _systematic(ordered["targets"].tolist(), count, Dice(seed, "targets"))
    elif method == "environment":
        places = _stratified(ordered["environment"], count, seed)
    else:
        places = Counter(Dice(seed, "random").draw(count, len(ordered)))
    chosen = ordered.iloc[sorted(places)]
    return chosen.assign(hits=[places[place] for place in sorted(places)]).reset_index(drop=True)


def _stratified(environments: pd.Series, count: int, seed: int) -> Counter[int]:
    strata: dict[str, list[int]] = {}
    for place, name in enumerate(environments):
        strata.setdefault(name or NOWHERE, []).append(place)
    shares = allocated({name: len(places) for name, places in strata.items()}, count)
    chosen: Counter[int] = Counter()
    for name, share in shares.items():
        drawn = Dice(seed, f"environment\n{name}").draw(share, len(strata[name]))
        chosen.update(strata[name][place] for place in drawn)
    return chosen


def allocated(sizes: Mapping[str, int], count: int) -> dict[str, int]:
    """`count` shared out in proportion to sizes, by the largest remainder; among equal ones by name."""
    total = sum(sizes.values())
    exact = {name: Fraction(count * sizes[name], total) for name in sorted(sizes)}
    shares = {name: int(share) for name, share in exact.items()}
    left = count - sum(shares.values())
    for name in sorted(exact, key=lambda one: (shares[one] - exact[one], one))[:left]:
        shares[name] += 1
    return shares


def _systematic(weights: list[int], count: int, dice: Dice) -> Counter[int]:
    """Places hit by `count` points at equal distances over the weights laid end to end, from a random start."""
    ends = list(accumulate(weights))
    start = dice.below(ends[-1])  # in units of 1/count
    return Counter(bisect_right(ends, (start + step * ends[-1]) // count) for step in range(count))
