"""One row stays for each key, chosen by what it says and not by the order in which objects were read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from joins_rows import T0, shuffled, table

from audit.joins.dedupe import deduplicate

A, B = "a" * 64, "b" * 64
LATER = T0 + timedelta(hours=1)


@pytest.mark.parametrize(
    ("name", "rows", "column", "stays"),
    [
        ("pull_requests", [{"updated_at": LATER, "evidence": B, "title_text": "new"}, {"evidence": A}], "title_text", "new"),
        ("pull_requests", [{"merged_by": None, "commits": None, "evidence": A}, {"merged_by": "grace", "commits": 1, "evidence": B}], "commits", 1),
        ("pull_requests", [{"merged_at": None, "evidence": A, "state": "open"}, {"evidence": B}], "state", "closed"),
        ("reviews", [{"state": "APPROVED", "evidence": A}, {"state": "DISMISSED", "evidence": B}], "state", "DISMISSED"),
        ("reviews", [{"state": "DISMISSED", "evidence": A}, {"state": "APPROVED", "evidence": B}], "state", "DISMISSED"),
        ("reviews", [{"state": "PENDING", "evidence": A}, {"state": "COMMENTED", "evidence": B}], "state", "COMMENTED"),
        ("checks", [{"status": "in_progress", "conclusion": None, "completed_at": None, "evidence": A}, {"evidence": B}], "conclusion", "success"),
        ("checks", [{"evidence": A}, {"completed_at": LATER, "conclusion": "failure", "evidence": B}], "conclusion", "failure"),
        ("workflow_runs", [{"status": "queued", "evidence": A}, {"updated_at": LATER, "status": "completed", "evidence": B}], "status", "completed"),
        ("cluster_access", [{"stage_rank": 0, "code": None, "evidence": A}, {"code": 403, "evidence": B}], "code", 403),
        ("cluster_access", [{"evidence": A, "line": 2, "source_ip": "two"}, {"evidence": A, "line": 10, "source_ip": "ten"}], "source_ip", "two"),
        ("state_changes", [{"after": "Synced", "evidence": B}, {"after": "Synced", "evidence": A}], "evidence", A),
    ],
)  # fmt: skip
def test_which_row_stays(name: str, rows: list[dict[str, Any]], column: str, stays: object) -> None:
    for given in (rows, rows[::-1]):
        kept, left_out = deduplicate(name, table(name, *given))
        assert kept[column].tolist() == [stays]
        assert len(left_out) == 1


@pytest.mark.parametrize(
    ("other", "variants"),
    [
        ({}, 1),
        ({"source_ip": "192.0.2.7", "at": LATER, "user_agent": "kube-aggregator"}, 1),
        ({"stage_rank": 0, "code": None}, 1),
        ({"stage_rank": 0, "code": None, "name": ""}, 1),
        ({"stage_rank": 0, "code": None, "impersonated": "eve"}, 1),
        ({"stage_rank": 0, "code": None, "name": "api"}, 2),
        ({"user": "eve"}, 2),
        ({"user": None}, 2),
        ({"verb": "delete"}, 2),
        ({"namespace": "bank"}, 2),
        ({"resource": "leases", "stage_rank": 0}, 2),
        ({"name": "api"}, 2),
        ({"code": 403}, 2),
        ({"impersonated": "eve"}, 2),
        ({"dry_run": True}, 2),
    ],
)
def test_different_requests_that_claim_one_id_all_stay(other: dict[str, Any], variants: int) -> None:
    """A client may choose its request's id: it can't make another's request disappear by it."""
    rows = [{"evidence": A}, {"evidence": B} | other]
    for given in (rows, rows[::-1]):
        kept, left_out = deduplicate("cluster_access", table("cluster_access", *given))
        assert kept["variant"].tolist() == list(range(variants))
        assert len(left_out) == 2 - variants
        assert set(kept["evidence"]) == ({A, B} if variants == 2 else set(kept["evidence"]))
        if other.get("stage_rank") == 0 and variants == 1:
            assert kept["stage_rank"].tolist() == [2], "the last stage knows most"


def test_variants_are_counted_by_what_they_say() -> None:
    """Whichever object comes first; each is there once, however often it was delivered."""
    rows = table(
        "cluster_access",
        *({"user": user, "evidence": e * 64, "line": n + 1} for n, (user, e) in enumerate(zip("cabca", "vwxyz", strict=True))),
    )  # fmt: skip
    for seed in range(5):
        kept, left_out = deduplicate("cluster_access", shuffled(rows, seed))
        assert kept[["user", "variant", "evidence"]].to_numpy().tolist() == [
            ["a", 0, "w" * 64],
            ["b", 1, "x" * 64],
            ["c", 2, "v" * 64],
        ]
        assert len(left_out) == 2


def test_rows_of_different_keys_all_stay() -> None:
    kept, left_out = deduplicate("cluster_access", table("cluster_access", *({"audit_id": i} for i in "cab")))
    assert kept["audit_id"].tolist() == ["a", "b", "c"]
    assert left_out.empty


def test_the_order_of_objects_does_not_matter() -> None:
    rows = table(
        "reviews",
        *(
            {"review_id": n % 4, "state": state, "evidence": e * 64, "line": n + 1}
            for n, (state, e) in enumerate(
                (s, e) for e in "cba" for s in ("APPROVED", "DISMISSED", "PENDING", "COMMENTED", "APPROVED")
            )
        ),
    )
    whole, _ = deduplicate("reviews", rows)
    for seed in range(10):
        again, _ = deduplicate("reviews", shuffled(rows, seed))
        pd.testing.assert_frame_equal(again, whole)


def test_every_row_is_kept_or_left_out() -> None:
    rows = table("checks", *({"check_id": n % 3, "line": n + 1} for n in range(10)))
    kept, left_out = deduplicate("checks", rows)
    assert sorted([*kept["line"], *left_out["line"]]) == list(range(1, 11))


def test_columns_of_others_stay_with_their_rows_whatever_the_order() -> None:
    rows = table("checks", {"evidence": A}, {"evidence": A}, {"check_id": 2, "evidence": B})
    rows = rows.assign(_source=["two", "one", "three"])
    for given in (rows, rows.iloc[::-1]):
        kept, left_out = deduplicate("checks", given)
        assert kept[["check_id", "_source"]].to_numpy().tolist() == [[1, "one"], [2, "three"]]
        assert left_out["_source"].tolist() == ["two"]


def test_a_push_that_webhook_and_export_tell_is_one() -> None:
    """The export's row stays, for it tells a merge from a push by hand; pushes that it lacks stay as they were told."""
    same = {"operation": "update", "operation_id": -5, "at": T0 + timedelta(minutes=1), "evidence": B}
    later = same | {"operation_id": -6, "at": T0 + timedelta(hours=1)}
    other = same | {"operation_id": -7, "after": "9" * 40}
    for order in (1, -1):
        rows = table("git_operations", *[{"operation_id": 5, "at": T0}, same, later, other][::order])
        kept, left_out = deduplicate("git_operations", rows)
        assert kept["operation_id"].tolist() == [-7, -6, 5]
        assert left_out["operation_id"].tolist() == [-5]


@pytest.mark.parametrize(
    ("name", "number", "later", "earlier"),
    [
        ("reviews", "review_id", {"state": "DISMISSED"}, {"state": "APPROVED"}),
        ("checks", "check_id", {}, {"status": "in_progress", "conclusion": None, "completed_at": None}),
    ],
)
def test_what_has_no_number_of_the_forges_is_one_with_what_has(
    name: str, number: str, later: dict[str, Any], earlier: dict[str, Any]
) -> None:
    """The one with the number stays, unless the other tells a later state."""
    for states, stays in (
        ((later, later), 5),
        ((later, earlier), 5),
        ((earlier, later), -5),
        ((earlier, earlier), 5),
    ):
        rows = [states[0] | {number: 5, "evidence": A}, states[1] | {number: -5, "evidence": B}]
        for given in (rows, rows[::-1]):
            kept, left_out = deduplicate(name, table(name, *given))
            assert kept[number].tolist() == [stays]
            assert len(left_out) == 1
    apart = [later | {number: 5}, later | {number: -5, "repo": "o/other"}]
    assert len(deduplicate(name, table(name, *apart))[0]) == 2


def test_of_runs_told_at_one_time_the_one_that_says_who_stays() -> None:
    rows = [{"actor": None, "evidence": A}, {"actor": "ada", "evidence": B}]
    kept, _ = deduplicate("workflow_runs", table("workflow_runs", *rows))
    assert kept["actor"].tolist() == ["ada"]
