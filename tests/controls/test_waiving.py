"""Which exceptions a waiver covers: all of its scope, its span, and nothing that has a flaw."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from audit import tables as t
from audit.controls.naming import exception_id
from audit.controls.waiving import covered, reached, waive

AT = pd.Timestamp("2026-08-15 12:00", tz="UTC")
END = pd.Timestamp("2026-09-30 23:59:59", tz="UTC")


def failed(**facts: Any) -> pd.DataFrame:
    row = dict.fromkeys(t.columns(t.Exceptions)) | {
        "control": "CHG-05",
        "subject": "acme/gitops#7",
        "at": AT,
        "repo": "acme/gitops",
        "path": "apps/web/overlays/dev/a.yaml",
        "cluster": "dev",
        "environment": "dev,staging",
        "app": "web",
        "expected": "",
        "found": "",
        "evidence": "",
    }
    return t.frame(t.Exceptions, [row | facts])


def waivers(**facts: Any) -> pd.DataFrame:
    row = dict.fromkeys(t.columns(t.Waivers)) | {
        "repo": "acme/gitops",
        "id": "W-1",
        "control": "CHG-05",
        "position": 1,
        "landed_at": AT,
        "covers_from": AT,
        "covers_until": AT + pd.Timedelta(days=1),
        "after_the_fact": False,
        "broad": False,
        "flaws": "",
        "repository": "acme/gitops",
    }
    return t.frame(t.Waivers, [row | facts])


def by(rows: pd.DataFrame, granted: pd.DataFrame, control: str = "CHG-05") -> list[str | None]:
    return [None if pd.isna(x) else x for x in waive(control, rows, granted, at=END)["waiver"]]


@pytest.mark.parametrize(
    ("scope", "inside"),
    [
        ({"repository": "acme/gitops"}, True),
        ({"repository": "acme/other"}, False),
        ({"cluster": "dev"}, True),
        ({"cluster": "prod"}, False),
        ({"environment": "dev"}, False),  # it reached staging too
        ({"environment": "staging, dev"}, True),
        ({"environment": "dev,staging,prod"}, True),
        ({"app": "web"}, True),
        ({"app": "shop"}, False),
        ({"path": "apps/*/overlays/dev/*"}, True),
        ({"path": "apps/**"}, True),
        ({"path": "apps/*"}, False),
        ({"path": "apps/web/overlays/dev/a.yaml.bak"}, False),
        ({"subject": "acme/gitops#7"}, True),
        ({"subject": exception_id("CHG-05", "acme/gitops#7")}, True),
        ({"subject": "acme/gitops#70"}, False),
        ({"app": "web", "cluster": "prod"}, False),
    ],
)
def test_every_part_of_the_scope_must_fit(scope: dict[str, str], inside: bool) -> None:
    granted = waivers(**({"repository": None} | scope))
    assert by(failed(), granted) == (["W-1"] if inside else [None])


def test_what_names_no_environment_lies_in_none() -> None:
    assert by(failed(environment=None), waivers(environment="dev")) == [None]
    assert by(failed(path=None), waivers(path="**")) == [None]


@pytest.mark.parametrize(("seconds", "inside"), [(-1, False), (0, True), (86_399, True), (86_400, False)])
def test_it_covers_from_its_first_moment_until_before_its_end(seconds: int, inside: bool) -> None:
    rows = failed(at=AT + pd.Timedelta(seconds=seconds))
    assert by(rows, waivers()) == (["W-1"] if inside else [None])


def test_what_has_no_time_is_judged_at_the_quarters_end() -> None:
    assert by(failed(at=None), waivers()) == [None]
    assert by(failed(at=None), waivers(covers_until=END + pd.Timedelta(seconds=1))) == ["W-1"]


def test_a_waiver_with_a_flaw_or_of_another_control_covers_nothing() -> None:
    assert by(failed(), waivers(flaws="it has no scope")) == [None]
    assert by(failed(), waivers(), control="CHG-04") == [None]


def test_several_waivers_are_all_named_after_what_was_given() -> None:
    both = pd.concat([waivers(), waivers(id="W-2")], ignore_index=True)
    assert by(failed(waiver="by fingerprint"), both) == ["by fingerprint; W-1; W-2"]


def test_a_scope_that_is_met_in_part_is_reached_and_not_covered() -> None:
    waiver = dict(waivers(environment="dev").iloc[0])
    rows = failed()
    assert reached("CHG-05", rows, waiver).tolist() == [True]
    assert covered("CHG-05", rows, waiver, at=END).tolist() == [False]
    assert covered("CHG-05", failed(environment="dev"), waiver, at=END).tolist() == [True]
