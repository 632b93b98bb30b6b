"""Which facts of a quarter differ between two editions, and how each is told."""

from __future__ import annotations

from datetime import timedelta

import report_tables as made

from audit.report import restated


def test_tables_that_say_the_same_restate_nothing() -> None:
    tables = made.quarter(30, 4)
    assert restated.rows(tables, tables, made.PERIOD) == []


def test_where_a_rows_evidence_lies_is_no_fact() -> None:
    before, after = made.quarter(30, 4), made.quarter(30, 4)
    after["changes"] = after["changes"].assign(evidence="f" * 64, line=7)
    after["exceptions"] = after["exceptions"].assign(evidence="f" * 64 + ":7")
    assert restated.rows(before, after, made.PERIOD) == []


def test_rows_of_other_quarters_are_not_compared() -> None:
    before, after = made.quarter(30, 4), made.quarter(30, 4)
    outside = (
        after["changes"].head(1).assign(pr_number=999_999, landed_at=made.PERIOD.end + timedelta(days=1))
    )
    after["changes"] = made.t.conform(made.t.Changes, made.pd.concat([after["changes"], outside]))
    assert restated.rows(before, after, made.PERIOD) == []
    inside = outside.assign(landed_at=made.PERIOD.end - timedelta(days=1))
    after["changes"] = made.t.conform(made.t.Changes, made.pd.concat([before["changes"], inside]))
    [row] = restated.rows(before, after, made.PERIOD)
    assert (row.table, row.what) == ("changes", "added")
    assert row.subject.endswith("999999")
    [back] = restated.rows(after, before, made.PERIOD)
    assert (back.what, back.evidence) == ("removed", [])


def test_of_a_list_of_gaps_those_that_came_and_went_are_told() -> None:
    before, after = made.quarter(30, 4), made.quarter(30, 4)
    first = before["conclusions"].index[0]
    before["conclusions"].loc[first, "gaps"] = "no roster; no exports; a silence"
    after["conclusions"].loc[first, "gaps"] = "no roster; a silence; two silences"
    [row] = restated.rows(before, after, made.PERIOD)
    assert (row.table, row.column, row.before, row.after) == (
        "conclusions",
        "gaps",
        "no exports",
        "two silences",
    )


def test_an_edition_of_a_version_with_other_tables_and_columns_is_compared_by_what_both_have() -> None:
    before, after = made.quarter(30, 4), made.quarter(30, 4)
    before["changes"] = before["changes"].drop(columns=["evil"]).assign(forgotten="x")
    before.pop("cluster_writes")
    before["gone"] = before["changes"]
    assert restated.rows(before, after, made.PERIOD) == []
