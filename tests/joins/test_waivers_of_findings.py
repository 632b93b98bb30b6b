"""Findings that a reviewed file waives, by repository and fingerprint, until the waiver ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
from joins_rows import REPO, T0, table

from audit.joins.waivers import waived

ONE, TWO = "1" * 64, "2" * 64


def findings(*marks: str, repo: str = REPO) -> pd.DataFrame:
    rows = [
        {"repo": repo, "sha": f"{n:040x}", "path": "a", "line": 1, "kind": "scanner", "rule": "r", "fingerprint": mark, "waived": False}
        for n, mark in enumerate(marks)
    ]  # fmt: skip
    return table("secret_findings", *rows)


def waivers(*rows: dict[str, Any]) -> pd.DataFrame:
    return table(
        "secret_waivers",
        *({"repo": REPO, "reason": "an example", "approved_by": "", "place": "w@1:1", **row} for row in rows),
    )


def test_a_finding_is_waived_by_its_fingerprint_with_where_and_why() -> None:
    found = waived(findings(ONE, TWO, ONE), waivers({"fingerprint": ONE}), as_of=T0)
    assert found["waived"].tolist() == [True, False, True]
    assert found["waiver"].fillna("").tolist() == [
        "w@1:1: an example",
        "",
        "w@1:1: an example",
    ]


def test_a_waiver_holds_until_the_moment_it_ends() -> None:
    given = waivers({"fingerprint": ONE, "expires": T0})
    assert waived(findings(ONE), given, as_of=T0 - timedelta(seconds=1))["waived"].tolist() == [True]
    assert waived(findings(ONE), given, as_of=T0)["waived"].tolist() == [False]


def test_a_waiver_of_another_repository_waives_nothing() -> None:
    found = waived(findings(ONE, repo="netbpf/other"), waivers({"fingerprint": ONE}), as_of=T0)
    assert found["waived"].tolist() == [False]
