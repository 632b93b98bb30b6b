"""What is out of scope in an environment is left out, counted and told, and never passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audit.controls import chg_07, clu_01
from audit.controls.examples import AS_OF, PERIOD, world
from audit.controls.interface import Control, Example
from audit.controls.runner import run
from audit.errors import UsageError
from audit.settings import validate

WRITES = """
evidence_objects
| source_name | key | format           | cluster | sha256 | collected_at |
| dev-log     | 1   | kubernetes-audit | dev     | {one}  | 2026-10-02   |
| prod-log    | 1   | kubernetes-audit | prod    | {two}  | 2026-10-02   |

cluster_writes
| audit_id | cluster | environment | principal_kind | user | verb  | resource | change | outcome |
| 1        | dev     | dev         | person         | ada  | patch | pods     | true   | done    |
| 2        | dev     | dev         | machine        | bot  | patch | pods     | true   | done    |
| 3        | prod    | prod        | {kind}         | ada  | patch | pods     | true   | done    |
"""
CLUSTERS = [{"name": "dev", "environment": "dev"}, {"name": "prod", "environment": "prod"}]
OUT = {"out_of_scope": {"CLU-01": "it is made anew every night; nobody minds"}}


def judged(environments: dict[str, Any], *, kind: str = "machine", without: tuple[str, ...] = (), control: Control = clu_01.CONTROL) -> tuple[dict[str, Any], list[dict[str, Any]]]:  # fmt: skip
    example = Example("", WRITES.format(kind=kind, one="a" * 64, two="b" * 64), "", settings={"clusters": CLUSTERS, "environments": environments}, without=without)  # fmt: skip
    tables, settings = world(control, example)
    done = run(tables, settings, PERIOD, as_of=AS_OF, controls=(control,))
    (row,) = done["conclusions"].to_dict("records")
    return {str(key): value for key, value in row.items()}, done["exceptions"].to_dict("records")


def test_what_is_out_of_scope_is_neither_passed_nor_failed() -> None:
    row, failed = judged({})
    assert (row["conclusion"], row["population"], row["scoped_out"], row["scope"]) == ("exceptions", 3, 0, "")
    row, failed = judged({"dev": OUT})
    assert (row["conclusion"], row["population"], row["scoped_out"], failed) == ("effective", 1, 2, [])
    assert row["scope"] == "dev: it is made anew every night, nobody minds"
    row, failed = judged({"dev": OUT}, kind="person")
    assert (row["conclusion"], [one["subject"] for one in failed]) == ("exceptions", ["prod/3"])


def test_a_control_that_is_out_of_scope_everywhere_is_not_tested() -> None:
    row, failed = judged({"dev": OUT, "prod": OUT}, kind="person")
    assert (row["conclusion"], row["population"], row["scoped_out"], failed) == ("not tested", 0, 3, [])
    assert row["gaps"].startswith("out of scope in dev: it is made anew every night, nobody minds, prod: ")


def test_items_of_no_environment_are_never_left_out() -> None:
    row, _ = judged({"dev": {"out_of_scope": {"CHG-07": "nobody minds"}}}, control=chg_07.CONTROL)
    assert row["scoped_out"] == 0
    assert "its items belong to no environment" in row["gaps"]
    assert row["conclusion"] == "not tested"


def test_a_severity_may_differ_by_environment() -> None:
    _, failed = judged({"dev": {"severities": {"CLU-01": "low"}}}, kind="person")
    assert {one["subject"]: one["severity"] for one in failed} == {"dev/1": "low", "prod/3": "high"}


@pytest.mark.parametrize(
    ("environments", "why"),
    [
        ({"test": {}}, "'test' is the environment of no cluster"),
        ({"dev": {"out_of_scope": {"CLU-01": " "}}}, "say why CLU-01 is out of scope"),
        ({"dev": {"drift_minute": 1}}, "drift_minute"),
    ],
)
def test_settings_that_would_mean_nothing_are_refused(environments: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        validate(
            {"organisation": {"name": "NETBPF"}, "clusters": CLUSTERS, "environments": environments},
            where=Path("audit.toml"),
        )
