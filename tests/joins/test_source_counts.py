"""Objects tie from the listing to the quarter, and say so when they do not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import tables as t
from audit.evidence.manifest import Listed, latest_counts
from audit.joins.counts import source_counts
from audit.period import Period

Q3 = Period.quarter("2026Q3")


def sha(number: int) -> str:
    return f"{number:064x}"


def evidence(*objects: tuple[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(source, what) of each object; what: `inside`, `outside`, `both`, `timeless`, `half` or `broken`."""
    rows: list[dict[str, Any]] = []
    hours: list[dict[str, Any]] = []
    for number, (source, what) in enumerate(objects):
        broken = what in ("broken", "half")
        rows.append(
            {
                **dict.fromkeys(t.columns(t.EvidenceObjects)),
                "source_name": source, "key": f"{number}.log", "version_id": "", "format": "", "repos": "", "apps": "",
                "sha256": sha(number), "size": 1, "etag": "", "collected_at": Q3.end,
                "records": 1 + (what == "half"), "kept": 0, "noise": int(what != "broken"), "quarantined": int(broken),
            }
        )  # fmt: skip
        times = {"inside": [0], "half": [0], "outside": [-1], "both": [-1, 0]}.get(what, [])
        for hour in times:
            at = Q3.start + timedelta(hours=hour)
            hours.append(
                {
                    "source_name": source, "cluster": None, "format": "kubernetes-audit", "hour": at, "records": 1,
                    "first_at": at, "last_at": at, "evidence": sha(number),
                }
            )  # fmt: skip
    return t.frame(t.EvidenceObjects, rows), t.frame(t.Coverage, hours)


def counted(
    *objects: tuple[str, str], sources: tuple[str, ...] = (), **listed: Listed
) -> list[dict[str, Any]]:
    rows = source_counts(*evidence(*objects), listed, Q3, sources=sources)
    return rows.astype(object).where(rows.notna(), None).to_dict("records")


def told(listed: int, read: int, unread: int = 0, *, failed: bool = False) -> Listed:
    return Listed(listed, read, unread, 0, 0, 0, failed=failed)


def test_each_object_is_counted_where_it_belongs() -> None:
    [row] = counted(
        ("a", "inside"), ("a", "outside"), ("a", "both"), ("a", "timeless"), ("a", "half"), ("a", "broken"),
        a=told(7, 6, 1),
    )  # fmt: skip
    assert row == {
        "source_name": "a", "listed": 7, "collected": 6, "unread": 1, "complete": True, "stored": 6, "read": 4,
        "out_of_period": 1, "quarantined": 1, "ties": True,
    }  # fmt: skip


def test_a_source_that_was_never_asked_and_one_that_gave_nothing_are_there_too() -> None:
    silent, unasked = counted(sources=("silent", "unasked"), silent=told(0, 0, failed=True))
    assert (silent["listed"], silent["complete"], silent["stored"], silent["ties"]) == (0, False, 0, True)
    assert (unasked["listed"], unasked["complete"], unasked["ties"]) == (None, None, True)


@pytest.mark.parametrize(
    "listed",
    [told(3, 1, 1), told(2, 2, 0)],
    ids=["one listed, and neither read nor unread", "one is gone from the store"],
)
def test_numbers_that_do_not_tie_say_so(listed: Listed) -> None:
    [row] = counted(("a", "inside"), a=listed)
    assert row["ties"] is False


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"),
            st.sampled_from(["inside", "outside", "both", "timeless", "half", "broken"]),
        ),
        max_size=30,
    )
)
def test_whatever_was_stored_is_counted_once(objects: list[tuple[str, str]]) -> None:
    rows = counted(*objects)
    assert sum(row["stored"] for row in rows) == len(objects)
    for row in rows:
        assert row["stored"] == row["read"] + row["out_of_period"] + row["quarantined"]
        own = [what for source, what in objects if source == row["source_name"]]
        assert (own.count("broken"), own.count("outside")) == (row["quarantined"], row["out_of_period"])


@dataclass(frozen=True)
class Told:
    """What `latest_counts` looks at of a manifest."""

    as_of: datetime
    counts: dict[str, Listed]


@pytest.mark.parametrize(
    ("whole_at", "counts_failed"),
    [(Q3.end - timedelta(microseconds=1), True), (Q3.end, False)],
    ids=["before the quarter was over", "when it was over"],
)
def test_a_listing_that_fails_takes_nothing_from_one_that_was_whole_when_the_quarter_was_over(
    whole_at: datetime, counts_failed: bool
) -> None:
    whole, failed, grown = told(3, 3), told(0, 0, failed=True), told(5, 5)
    later = Q3.end + timedelta(days=9)
    chain: Any = [Told(whole_at, {"a": whole, "b": failed}), Told(later, {"a": failed, "b": failed})]
    assert latest_counts(chain, over=Q3.end) == {"a": failed if counts_failed else whole, "b": failed}
    assert latest_counts(chain) == {"a": failed, "b": failed}
    chain.append(Told(later, {"a": grown}))
    assert latest_counts(chain, over=Q3.end)["a"] == grown
