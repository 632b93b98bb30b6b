"""When something wanted was missing: the same spans as by looking at every change for everything wanted."""

from __future__ import annotations

import random

import pandas as pd
import pytest

from audit.joins.presence import missing

_PATHS = (
    "README.md",
    "apps/web/base/a.yaml",
    "apps/web/overlays/prod/v.yaml",
    "apps/web-two/base/a.yaml",
    "apps/x",
    "docs/",
)
_WANTED = (
    ("README.md", ""), ("docs/", ""), ("apps/web/base/", "apps/web/"), ("apps/web/base/a.yaml", "apps/web/overlays/"),
    ("apps/web-two/overlays/prod/", "apps/web-two/"), ("CODEOWNERS", ""),
)  # fmt: skip
_WHAT = ["repo", "item", "within"]


def _plainly(arrived: pd.DataFrame, wanted: pd.DataFrame) -> list[tuple[object, ...]]:
    """Spans by the definition: for everything wanted, place by place, over every change of its repository."""
    spans: list[tuple[object, ...]] = []
    for want in wanted.itertuples(index=False):
        have = call = 0
        since = None
        own = arrived[arrived["repo"].eq(want.repo)]
        for _, rows in own.groupby("position", sort=True):
            for row in rows.itertuples(index=False):
                inside = row.path == want.item or (want.item.endswith("/") and row.path.startswith(want.item))
                have += row.delta if inside else 0
                call += row.delta if row.path.startswith(want.within) else 0
            gone = have <= 0 < call
            at = rows["landed_at"].iloc[0]
            if gone and since is None:
                since = (want.repo, want.item, want.within, rows["head_sha"].iloc[0], at)
            elif not gone and since is not None:
                spans += [(*since, at)] if at != since[-1] else []
                since = None
        spans += [(*since, None)] if since is not None else []
    return sorted(spans, key=str)


@pytest.mark.parametrize("seed", range(40))
def test_spans_are_those_of_the_definition(seed: int) -> None:
    """Of random histories of two repositories; changes that leave a file where it was are among them."""
    dice = random.Random(seed)
    held: set[tuple[str, str]] = set()
    rows = []
    for position in range(12):
        at = pd.Timestamp("2026-07-01", tz="UTC") + pd.Timedelta(hours=position - position % 2)
        for repo in ("one", "two"):
            for path in dice.sample(_PATHS[:5], dice.randrange(3)):
                here = (repo, path) in held
                delta = dice.choice([0, -1]) if here else 1
                held ^= {(repo, path)} if delta else set()
                rows.append((repo, path, delta, position, f"{position:040x}", at))
    arrived = pd.DataFrame(
        rows, columns=["repo", "path", "delta", "position", "head_sha", "landed_at"]
    ).astype({"repo": "str", "path": "str", "head_sha": "str", "position": "Int64", "delta": "int64"})
    wanted = pd.DataFrame(
        [(repo, *want) for repo in ("one", "two", "three") for want in _WANTED], columns=_WHAT, dtype="str"
    )
    found = missing(arrived, wanted)
    spans = [tuple(None if pd.isna(item) else item for item in row) for row in found.itertuples(index=False)]
    assert sorted(spans, key=str) == _plainly(arrived, wanted)
    assert found[_WHAT].equals(found[_WHAT].sort_values(_WHAT, ignore_index=True))
