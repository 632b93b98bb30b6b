"""A table is declared once: the declaration builds, checks, writes and explains frames."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.errors
import pytest

from audit import tables as t
from audit.tables import base

HOUR = {
    "source_name": "prod-audit",
    "cluster": None,
    "format": "kubernetes-audit",
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


def _a_row(table: type[t.Table]) -> dict[str, Any]:
    """A row that keeps every constraint of `table`."""
    row: dict[str, Any] = {}
    for name, col in t.columns(table).items():
        checks = {check.name: check.statistics for check in col.checks}
        if "isin" in checks:
            row[name] = next(iter(checks["isin"]["allowed_values"]))
        elif "str_matches" in checks:
            row[name] = "a" * 64
        else:
            row[name] = {"i": 1, "b": True, "f": 1.0, "d": "2026-07-01T00:00:00Z"}.get(
                str(col.dtype)[0].lower(), "x"
            )
    return row


def _broken(table: type[t.Table]) -> Iterator[tuple[str, Any]]:
    """(column, value) for each way in which one value can break a constraint of `table`."""
    for name, col in t.columns(table).items():
        if not col.nullable:
            yield name, None
        for check in col.checks:
            match check.name, check.statistics:
                case "isin" | "str_matches", _:
                    yield name, "no such value"
                case "greater_than_or_equal_to", {"min_value": least}:
                    yield name, least - 1
                case "less_than_or_equal_to", {"max_value": most}:
                    yield name, most + 1
                case other:
                    raise AssertionError(f"say how to break {other}")


@pytest.mark.parametrize("name", t.TABLES)
def test_no_constraint_of_any_table_can_be_broken(name: str) -> None:
    """What `conform` sees for itself is what pandera sees; it never takes what pandera would refuse."""
    table = t.TABLES[name]
    row = _a_row(table)
    whole = t.frame(table, [row])
    pd.testing.assert_frame_equal(t.conform(table, whole), table.validate(whole))
    assert base._holds(table, whole)
    assert not base._holds(table, pd.concat([whole, whole], ignore_index=True))
    broken = list(_broken(table))
    for column, value in broken:
        assert not base._holds(table, t.frame(table, [row | {column: value}])), (column, value)
    for column, value in broken[-1:]:
        with pytest.raises(pandera.errors.SchemaErrors, match=column):
            t.conform(table, t.frame(table, [row | {column: value}]))


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        (t.Commits, "sha", "not an id"),
        (t.FileChanges, "status", "X"),
        (t.FileChanges, "added", -1),
        (t.Commits, "subject", None),
    ],
)
def test_one_broken_value_among_many_is_named(table: type[t.Table], column: str, value: object) -> None:
    rows = [_a_row(table) | {"sha": f"{number:040x}"} for number in range(50)]
    rows[31][column] = value
    with pytest.raises(pandera.errors.SchemaErrors, match=column):
        t.conform(table, t.frame(table, rows))


def test_a_constraint_of_a_kind_that_is_new_is_left_to_pandera() -> None:
    class Fresh(t.Table):
        """A table with a constraint that nothing else has."""

        text: str = base.column("Text that begins in its own way", str_startswith="so ")

        class Config:
            title = "Texts"
            unique = ["text"]  # noqa: RUF012

    good, bad = (t.frame(Fresh, [{"text": text}]) for text in ("so it is", "it is"))
    assert t.conform(Fresh, good)["text"].tolist() == ["so it is"]
    with pytest.raises(pandera.errors.SchemaErrors, match="so "):
        t.conform(Fresh, bad)


def test_large_numbers_beside_missing_ones_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = [_a_row(t.PullRequests) | {"number": 1 + n, "commits": n} for n in (0, 2**53 + 1)]
    rows[0]["commits"] = None
    whole = t.conform(t.PullRequests, t.frame(t.PullRequests, rows))
    t.write(t.PullRequests, whole, tmp_path / "x.parquet")
    pd.testing.assert_frame_equal(t.read(t.PullRequests, [tmp_path / "x.parquet"]), whole)
