"""A table is declared once: the declaration builds, checks, writes and explains frames."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pandera.errors
import pytest

from audit import tables as t

HOUR = {
    "source_name": "prod-audit",
    "cluster": None,
    "hour": "2026-07-01T00:00:00Z",
    "records": 1,
    "first_at": "2026-07-01T00:00:01Z",
    "last_at": "2026-07-01T00:00:01Z",
    "evidence": "a" * 64,
}


@pytest.mark.parametrize("name", t.TABLES)
def test_every_table_says_what_it_is(name: str) -> None:
    table = t.TABLES[name]
    meta, described = t.meta(table), t.describe(table)
    assert table.to_schema().title
    assert table.__doc__
    assert meta["source"]
    assert (described["meaning"].str.len() > 0).all()
    assert set(t.key(table)) <= set(described["column"])
    assert meta.get("time", described["column"].iloc[0]) in set(described["column"])


@pytest.mark.parametrize("name", t.TABLES)
def test_an_empty_table_keeps_its_dtypes_through_parquet(name: str, tmp_path: Path) -> None:
    table = t.TABLES[name]
    t.write(table, t.conform(table, t.empty(table)), tmp_path / "x.parquet")
    back = t.read(table, [tmp_path / "x.parquet"])
    pd.testing.assert_frame_equal(t.conform(table, back), t.empty(table))


def test_a_row_that_lacks_a_column_is_refused() -> None:
    with pytest.raises(KeyError, match="evidence"):
        t.frame(t.Coverage, [{name: value for name, value in HOUR.items() if name != "evidence"}])


def test_a_value_that_breaks_a_constraint_is_refused() -> None:
    with pytest.raises(pandera.errors.SchemaErrors, match="records"):
        t.conform(t.Coverage, t.frame(t.Coverage, [HOUR | {"records": 0}]))


def test_a_key_names_one_row() -> None:
    with pytest.raises(pandera.errors.SchemaErrors):
        t.conform(t.Coverage, t.frame(t.Coverage, [HOUR, HOUR]))


def test_the_order_of_rows_does_not_change_the_bytes(tmp_path: Path) -> None:
    rows = [HOUR | {"hour": f"2026-07-01T{hour:02}:00:00Z"} for hour in range(5)]
    for name, order in (("a", rows), ("b", rows[::-1])):
        t.write(t.Coverage, t.conform(t.Coverage, t.frame(t.Coverage, order)), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
