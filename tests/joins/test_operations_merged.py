"""Each sync operation is told once, however often and wherever it was recorded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from joins_rows import T0, shuffled, table

from audit.joins.operations import operations

S = timedelta(seconds=1)
END = T0 + 30 * S
HISTORY: dict[str, Any] = {"record": "history", "started_at": T0, "finished_at": END, "revision": "r1"}
OPERATION: dict[str, Any] = HISTORY | {"record": "operation", "message": "successfully synced"}
STARTED: dict[str, Any] = {"record": "event", "phase": "running", "finished_at": T0, "revision": "r1"}
COMPLETED: dict[str, Any] = {"record": "event", "finished_at": END, "revision": "r1"}
FLUX: dict[str, Any] = {"operator": "flux", "app": "flux-system/db", "finished_at": T0, "revision": "r1"}


def told(*rows: dict[str, Any]) -> pd.DataFrame:
    return operations(table("sync_records", *({"line": n} | row for n, row in enumerate(rows, 1))))


def summary(*rows: dict[str, Any]) -> list[tuple[int, int | None, str]]:
    """(start, finish, status) of each operation, in seconds from T0."""
    found = told(*rows)
    return [
        (int((s - T0).total_seconds()), None if pd.isna(f) else int((f - T0).total_seconds()), status)
        for s, f, status in zip(found["started_at"], found["finished_at"], found["status"], strict=True)
    ]


FAILED = {"phase": "failed"}


@pytest.mark.parametrize(
    ("why", "rows", "expected"),
    [
        ("history alone", [HISTORY], [(0, 30, "succeeded")]),
        ("history and operation share the start", [HISTORY, OPERATION], [(0, 30, "succeeded")]),
        ("daily snapshots repeat it", [HISTORY, HISTORY | {"evidence": "f" * 64}], [(0, 30, "succeeded")]),
        ("events are the same operation", [HISTORY, STARTED, COMPLETED], [(0, 30, "succeeded")]),
        ("events within five seconds", [HISTORY, STARTED | {"finished_at": T0 + 5 * S}, COMPLETED | {"finished_at": END - 5 * S}], [(0, 30, "succeeded")]),
        ("a completion six seconds off is another", [HISTORY, COMPLETED | {"finished_at": END + 6 * S}], [(0, 30, "succeeded"), (36, 36, "succeeded")]),
        ("another application's events", [HISTORY, COMPLETED | {"app": "argocd/other"}], [(30, 30, "succeeded"), (0, 30, "succeeded")]),
        ("another cluster's events", [HISTORY, COMPLETED | {"cluster": "dev"}], [(30, 30, "succeeded"), (0, 30, "succeeded")]),
        ("a failure beside a success is another", [HISTORY, COMPLETED | FAILED], [(0, 30, "succeeded"), (30, 30, "failed")]),
        ("a failure known from events alone", [STARTED, COMPLETED | FAILED], [(0, 30, "failed")]),
        ("two failures, one start: the first has it", [STARTED, COMPLETED | FAILED, COMPLETED | FAILED | {"finished_at": T0 + 90 * S}], [(0, 30, "failed"), (90, 90, "failed")]),
        ("a start before a completed operation is not a later failure's", [HISTORY, STARTED, COMPLETED, COMPLETED | FAILED | {"finished_at": T0 + 90 * S}], [(0, 30, "succeeded"), (90, 90, "failed")]),
        ("a start without an end goes on", [STARTED], [(0, None, "running")]),
        ("seen running, then completed", [OPERATION | {"phase": "running", "finished_at": T0 + 4 * S}, OPERATION], [(0, 30, "succeeded")]),
        ("seen running, its failure known from an event", [OPERATION | {"phase": "running", "finished_at": T0 + 4 * S}, COMPLETED | FAILED], [(0, 30, "failed")]),
        ("an operation that failed", [OPERATION | FAILED, COMPLETED | FAILED], [(0, 30, "failed")]),
        ("history without a start, near the operation's end", [OPERATION, HISTORY | {"started_at": None, "finished_at": END + S}], [(0, 30, "succeeded")]),
        ("history without a start, of another revision", [OPERATION, HISTORY | {"started_at": None, "revision": "r2"}], [(0, 30, "succeeded"), (30, 30, "succeeded")]),
        ("flux: event and status of one second", [FLUX | {"record": "event", "finished_at": T0 + 0.4 * S}, FLUX | {"finished_at": T0 + 0.9 * S}], [(0, 0, "succeeded")]),
        ("flux: the next second, another revision, is another", [FLUX | {"record": "event"}, FLUX | {"finished_at": T0 + S, "revision": "r2"}], [(0, 0, "succeeded"), (1, 1, "succeeded")]),
        ("flux: the same revision again at each interval is routine", [FLUX | {"record": "event", "finished_at": T0 + n * S} for n in (0, 10, 20)], [(0, 0, "succeeded")]),
        ("flux: the same failure again is routine", [FLUX | FAILED | {"finished_at": T0 + n * S} for n in (0, 10)], [(0, 0, "failed")]),
        ("flux: the same revision on request is no routine", [FLUX, FLUX | {"finished_at": T0 + S, "options": "requested"}], [(0, 0, "succeeded"), (1, 1, "succeeded")]),
        ("flux: success after failure is no routine", [FLUX | FAILED, FLUX | {"finished_at": T0 + S}], [(0, 0, "failed"), (1, 1, "succeeded")]),
        ("flux: back to a revision that was there is no routine", [FLUX, FLUX | {"finished_at": T0 + S, "revision": "r2"}, FLUX | {"finished_at": T0 + 2 * S}], [(0, 0, "succeeded"), (1, 1, "succeeded"), (2, 2, "succeeded")]),
        ("flux: a chart released again with other values is no routine", [FLUX | {"revision_kind": "chart"}, FLUX | {"revision_kind": "chart", "finished_at": T0 + S}], [(0, 0, "succeeded"), (1, 1, "succeeded")]),
        ("flux: events of two revisions are two", [FLUX | {"record": "event"}, FLUX | {"record": "event", "revision": "r2"}], [(0, 0, "succeeded"), (0, 0, "succeeded")]),
        ("flux: exports of one entry of the history are one", [FLUX, FLUX | {"revision": "r2"}], [(0, 0, "succeeded")]),
        ("flux: the history names a later revision than the event", [FLUX | {"record": "event"}, FLUX | {"revision": "r9"}], [(0, 0, "succeeded")]),
        ("flux: two events are two, the history is of one", [FLUX | {"record": "event"}, FLUX | {"record": "event", "revision": "r2"}, FLUX | {"revision": "r2"}], [(0, 0, "succeeded"), (0, 0, "succeeded")]),
        ("flux: an event without a revision is of the history's", [FLUX | FAILED | {"record": "event", "revision": None}, FLUX | FAILED], [(0, 0, "failed")]),
        ("flux: pending in the same second", [FLUX | {"phase": "running", "finished_at": T0 + 0.5 * S}, FLUX | {"finished_at": T0 + 0.5 * S}], [(0, 0, "succeeded")]),
        ("flux: failures without a revision", [FLUX | FAILED | {"revision": None}], [(0, 0, "failed")]),
        ("flux: progress belongs to its end", [FLUX | {"phase": "running"}, FLUX | {"finished_at": END}], [(0, 30, "succeeded")]),
        ("flux: progress of another revision goes on", [FLUX | {"phase": "running"}, FLUX | {"finished_at": END, "revision": "r2"}], [(0, None, "running"), (30, 30, "succeeded")]),
        ("flux: a start that the record says", [FLUX | {"started_at": T0 - 9 * S}, FLUX | {"record": "event"}], [(-9, 0, "succeeded")]),
        ("flux: a failed release in the status", [FLUX | FAILED], [(0, 0, "failed")]),
    ],
)  # fmt: skip
def test_what_is_one_operation(why: str, rows: list[dict[str, Any]], expected: list[Any]) -> None:
    assert summary(*rows) == expected, why
    assert summary(*rows[::-1]) == expected, f"{why}, in another order"


def test_the_records_complete_each_other() -> None:
    found = told(
        HISTORY | {"path": "apps/shop/overlays/prod", "repo_url": "https://github.com/netbpf/netbpf-gitops"},
        OPERATION | {"options": "prune"},
        STARTED | {"initiated_by": "bob", "automated": False, "options": "force,prune"},
        COMPLETED,
    ).iloc[0]
    assert (found["initiated_by"], found["automated"], found["options"]) == ("bob", False, "force,prune")
    assert (found["path"], found["message"]) == ("apps/shop/overlays/prod", "successfully synced")
    assert found["line"] == 2, "the operation itself is the best witness"


@pytest.mark.parametrize(
    ("said", "automated"),
    [([None, None], None), ([True, None], True), ([None, False], False), ([True, False], False)],
)
def test_by_hand_as_soon_as_one_record_says_so(said: list[bool | None], automated: bool | None) -> None:
    found = told(HISTORY | {"automated": said[0]}, OPERATION | {"automated": said[1]})["automated"].iloc[0]
    assert (None if pd.isna(found) else bool(found)) is automated


def test_operations_of_one_instant_are_kept_apart() -> None:
    events = [FLUX | {"record": "event", "revision": revision} for revision in ("r1", "r2", "r3")]
    starts = told(*events)["started_at"]
    assert starts.tolist() == [T0, T0 + timedelta(microseconds=1), T0 + timedelta(microseconds=2)]


def test_nothing_gives_nothing_and_order_does_not_matter() -> None:
    assert operations(table("sync_records")).empty
    rows = table(
        "sync_records",
        *(
            row | {"app": f"argocd/{app}", "line": n + 1, "evidence": e * 64}
            for app in "xyz"
            for e in "ab"
            for n, row in enumerate([HISTORY, OPERATION, STARTED, COMPLETED, COMPLETED | FAILED, FLUX])
        ),
    )
    whole = operations(rows)
    for seed in range(5):
        pd.testing.assert_frame_equal(operations(shuffled(rows, seed)), whole)


def test_the_first_revision_of_an_entry_of_flux_history_is_its_deployment() -> None:
    """The entry is renewed when a commit leaves the object's content as it was."""
    exports = [
        FLUX | {"message": "ReconciliationSucceeded; 10 times until 2026-07-03T00:00:00Z", "revision": "r3"},
        FLUX | {"message": "ReconciliationSucceeded; 9 times until 2026-07-02T00:00:00Z", "revision": "r2"},
        FLUX | {"message": "ReconciliationSucceeded", "revision": "r1"},
    ]
    for count in (3, 2, 1):
        expected = {3: "r1", 2: "r2", 1: "r3"}[count]
        for given in (exports[:count], exports[:count][::-1]):
            assert told(*given)["revision"].tolist() == [expected]
    event = FLUX | {"record": "event", "revision": "r0", "message": "Reconciliation finished"}
    assert told(*exports, event)[["revision", "message"]].to_numpy().tolist() == [
        ["r0", "Reconciliation finished"]
    ]


def test_a_commit_says_more_than_the_branch_that_was_asked_for() -> None:
    commit = "c" * 40
    asked = STARTED | {"revision": "main", "revision_kind": "chart"}
    found = told(asked, COMPLETED | FAILED | {"revision": commit})
    assert found[["revision", "revision_kind"]].to_numpy().tolist() == [[commit, "git"]]
    found = told(
        OPERATION | FAILED | {"revision": "HEAD", "revision_kind": "chart"},
        COMPLETED | FAILED | {"revision": commit},
    )
    assert found[["revision", "revision_kind"]].to_numpy().tolist() == [[commit, "git"]]
