"""Findings that a reviewed file waives, by repository and fingerprint, until the waiver ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest
from joins_rows import REPO, T0, settings, table

from audit.joins.identity import Resolver
from audit.joins.waivers import granted, waived

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


_GOOD = {
    "id": "W-1", "sha": f"{1:040x}", "position": 1, "control": "CHG-05", "requester": "ann", "approver": "bob", "reason": "r",
    "compensating_control": "c", "expires": T0 + timedelta(days=30), "app": "web", "place": "w@1:1",
}  # fmt: skip
_ROSTER = [
    {"person": name, "name": name, "kind": "person", "evidence": "r", "line": n}
    for n, name in enumerate(("ann", "bob", "cyd"), 1)
]


def judged(*entries: dict[str, Any], landed: bool = True, **change: Any) -> pd.DataFrame:
    """`Waivers` of entries that pull request 7 of ann brought, which bob approved."""
    names = table(
        "identities",
        *({"system": "github", "identifier": f"{p}-login", "person": p} for p in ("ann", "bob", "cyd")),
        *({"system": "git", "identifier": f"{p}@acme.test", "person": p} for p in ("ann", "bob", "cyd")),
    )
    heads = [(1, T0), (2, T0 + timedelta(days=5))]
    landings = table(
        "landings",
        *({"repo": REPO, "head_sha": f"{n:040x}", "position": n, "landed_at": at} for n, at in heads),
    )
    row = {"repo": REPO, "head_sha": f"{1:040x}", "pr_number": 7, "approvers": "bob", "authors": "ann"}
    changes = table("changes", *([row | change] if landed else []))
    rows = table("waiver_entries", *({"repo": REPO} | _GOOD | entry for entry in entries))
    resolver = Resolver(table("people", *_ROSTER), names)
    return granted(rows, landings, changes, resolver=resolver, settings=settings())


@pytest.mark.parametrize(
    ("entry", "change", "flaws"),
    [
        ({}, {}, ""),
        ({"requester": "ann-login", "approver": "bob@acme.test"}, {}, ""),
        ({"approver": "ann"}, {"approvers": "ann bob"}, "requester and approver are the same; its approver is an author of the change that brought it"),
        ({"requester": "ann@acme.test", "approver": "ann-login"}, {"approvers": "ann", "authors": "cyd"}, "requester and approver are the same"),
        ({"approver": "cyd"}, {}, "its approver did not approve the pull request that brought it"),
        ({"approver": "bob"}, {"authors": "ann bob"}, "its approver is an author of the change that brought it"),
        ({"approver": "mallory"}, {"approvers": "github:mallory"}, "its approver is not in the roster"),
        ({"requester": "mallory"}, {}, "its requester is not in the roster"),
        ({"requester": ""}, {}, "it names no requester"),
        ({"approver": ""}, {}, "it names no approver; its approver did not approve the pull request that brought it"),
        ({"reason": ""}, {}, "it gives no reason"),
        ({"compensating_control": ""}, {}, "it names no compensating control"),
        ({"app": None}, {}, "it has no scope"),
        ({"expires": None}, {}, "it does not expire"),
        ({"expires": T0}, {}, "it ends before it begins"),
        ({"expires": T0 + timedelta(days=180)}, {}, ""),
        ({"expires": T0 + timedelta(days=180, seconds=1)}, {}, "it covers more than 180 days"),
        ({"control": "WVR-01"}, {}, "waivers can't be waived"),
    ],
)  # fmt: skip
def test_a_waiver_holds_only_without_a_flaw(
    entry: dict[str, Any], change: dict[str, Any], flaws: str
) -> None:
    assert judged(entry, **change)["flaws"].tolist() == [flaws]


def test_an_entry_that_was_pushed_past_review_does_not_hold() -> None:
    assert judged({}, landed=False)["flaws"].tolist() == ["no pull request is known to have brought it"]


def test_a_waiver_covers_from_its_landing_or_its_start_until_its_end_or_its_withdrawal() -> None:
    rows = judged({}, {"id": "W-2", "starts": T0 - timedelta(days=3)}, {"id": "W-3", "ended": 2}).set_index(
        "id"
    )
    assert rows.loc["W-1", "covers_from"] == T0
    assert not rows.loc["W-1", "after_the_fact"]
    assert rows.loc["W-2", "covers_from"] == T0 - timedelta(days=3)
    assert rows.loc["W-2", "after_the_fact"]
    assert rows.loc["W-1", "covers_until"] == T0 + timedelta(days=30)
    assert rows.loc["W-3", "covers_until"] == rows.loc["W-3", "withdrawn_at"] == T0 + timedelta(days=5)


def test_a_whole_environment_is_a_broad_scope() -> None:
    rows = judged({"app": None, "environment": "dev"}, {"id": "W-2", "environment": "dev"}).set_index("id")
    assert rows["broad"].to_dict() == {"W-1": True, "W-2": False}
