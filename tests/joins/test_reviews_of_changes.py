"""The facts of each change's review are exact: who, when, of which commit, and whether it still stood."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from joins_rows import REPO, T0, resolver, settings, shuffled, table

from audit.joins.identity import Resolver
from audit.joins.reviews import changes
from audit.normalise import roster

H = timedelta(hours=1)
LANDING = {"head_sha": "m1", "position": 1, "pr_number": 1, "authors": "alice@netbpf.com"}


def held_by(landings: pd.DataFrame) -> pd.DataFrame:
    """Each landing's one pull request, of the landing's authors."""
    return landings[landings["pr_number"].notna()].assign(aside=False)


def found(
    *,
    who: Resolver | None = None,
    landing: dict[str, Any] | None = None,
    pull: dict[str, Any] | None = None,
    reviews: list[dict[str, Any]] | None = None,
    dismissals: list[dict[str, Any]] | None = None,
    checks: list[dict[str, Any]] | None = None,
    required: tuple[str, ...] = (),
) -> dict[str, Any]:
    """The one change of one landing; reviews are numbered in the order given."""
    landings = table("landings", LANDING | (landing or {}))
    rows = changes(
        {
            "landings": landings,
            "landing_pulls": held_by(landings),
            "pull_requests": table("pull_requests", pull or {}),
            "reviews": table("reviews", *({"review_id": n} | row for n, row in enumerate(reviews or [], 1))),
            "review_dismissals": table("review_dismissals", *(dismissals or [])),
            "checks": table("checks", *({"check_id": n} | row for n, row in enumerate(checks or [], 1))),
        },
        resolver=who or resolver(),
        settings=settings(thresholds={"required_checks": required}),
    )
    assert len(rows) == 1
    return {str(column): value for column, value in rows.iloc[0].items()}


def approvals(**given: Any) -> tuple[int, ...]:
    """(before, after, standing, independent, covering)."""
    row = found(**given)
    return tuple(
        row[f"approvals_{what}"] for what in ("before", "after", "standing", "independent", "covering")
    )


DISMISSED = {"state": "DISMISSED"}
REFUSED = {"state": "CHANGES_REQUESTED", "submitted_at": T0 - H / 2}


@pytest.mark.parametrize(
    ("why", "reviews", "dismissals", "counts"),
    [
        ("nobody reviewed", [], [], (0, 0, 0, 0, 0)),
        ("an approval on the head", [{}], [], (1, 0, 1, 1, 1)),
        ("a comment is none", [{"state": "COMMENTED"}], [], (0, 0, 0, 0, 0)),
        ("a pending review is none", [{"state": "PENDING", "submitted_at": None}], [], (0, 0, 0, 0, 0)),
        ("at the merge is after it", [{"submitted_at": T0}], [], (0, 1, 0, 0, 0)),
        ("a second before the merge", [{"submitted_at": T0 - timedelta(seconds=1)}], [], (1, 0, 1, 1, 1)),
        ("after the merge", [{"submitted_at": T0 + H}], [], (0, 1, 0, 0, 0)),
        ("a bot's", [{"reviewer": "approver[bot]"}], [], (0, 0, 0, 0, 0)),
        ("a bot's of the roster", [{"reviewer": "renovate"}], [], (0, 0, 0, 0, 0)),
        ("of an older commit", [{"commit_sha": "old"}], [], (1, 0, 1, 1, 0)),
        ("of no known commit", [{"commit_sha": None}], [], (1, 0, 1, 1, 0)),
        ("the opener's own", [{"reviewer": "alice"}], [], (1, 0, 1, 0, 1)),
        ("a stranger's", [{"reviewer": "octocat"}], [], (1, 0, 1, 0, 1)),
        ("a deleted account's", [{"reviewer": None}], [], (1, 0, 1, 0, 1)),
        ("one person twice is one", [{"commit_sha": "old"}, {}], [], (1, 0, 1, 1, 1)),
        ("two people are two", [{}, {"reviewer": "carol", "commit_sha": "old"}], [], (2, 0, 2, 2, 1)),
        ("covering is asked of independent ones", [{"commit_sha": "old"}, {"reviewer": "alice"}], [], (2, 0, 2, 1, 0)),
        ("taken back", [{}, REFUSED], [], (0, 0, 0, 0, 0)),
        ("taken back by another reviewer", [{}, REFUSED | {"reviewer": "carol"}], [], (1, 0, 1, 1, 1)),
        ("taken back after the merge", [{}, REFUSED | {"submitted_at": T0}], [], (1, 0, 1, 1, 1)),
        ("refused, then approved", [REFUSED | {"submitted_at": T0 - 2 * H}, {}], [], (1, 0, 1, 1, 1)),
        ("refused in the same second, by id", [{}, REFUSED | {"submitted_at": T0 - H}], [], (0, 0, 0, 0, 0)),
        ("a later comment takes nothing back", [{}, REFUSED | {"state": "COMMENTED"}], [], (1, 0, 1, 1, 1)),
        ("a refusal dismissed still takes it back", [{}, REFUSED | DISMISSED], [{"review_id": 2, "dismissed_at": T0 - H / 4, "state_before": "changes_requested"}], (0, 0, 0, 0, 0)),
        ("dismissed, nobody says from what", [DISMISSED], [], (0, 0, 0, 0, 0)),
        ("dismissed before the merge", [DISMISSED], [{"dismissed_at": T0 - H / 2}], (1, 0, 0, 0, 0)),
        ("dismissed at the merge", [DISMISSED], [{"dismissed_at": T0}], (1, 0, 1, 1, 1)),
        ("dismissed after the merge", [DISMISSED], [{"dismissed_at": T0 + H}], (1, 0, 1, 1, 1)),
        ("dismissed, exported earlier as approved", [{}], [{"dismissed_at": T0 - H / 2}], (1, 0, 0, 0, 0)),
        ("a dismissed comment", [DISMISSED], [{"dismissed_at": T0 + H, "state_before": "commented"}], (0, 0, 0, 0, 0)),
        ("the dismissal of another pull request's", [{}], [{"number": 2, "dismissed_at": T0 - H / 2}], (1, 0, 1, 1, 1)),
        ("another pull request's", [{"number": 2}], [], (0, 0, 0, 0, 0)),
    ],
)  # fmt: skip
def test_what_an_approval_counts_for(
    why: str, reviews: list[dict[str, Any]], dismissals: list[dict[str, Any]], counts: tuple[int, ...]
) -> None:
    assert approvals(reviews=reviews, dismissals=dismissals) == counts, why


@pytest.mark.parametrize(
    ("emails", "opener", "authors", "known", "independent"),
    [
        ("alice@netbpf.com", "alice", "alice", True, 1),
        ("", "alice", "alice", True, 1),
        ("bob@netbpf.com", "alice", "alice bob", True, 0),
        ("7+bob@users.noreply.github.com", "alice", "alice bob", True, 0),
        ("noreply@github.com", "alice", "alice git:noreply@github.com", False, 0),
        ("bob@elsewhere.com", "alice", "alice git:bob@elsewhere.com", False, 0),
        ("alice@netbpf.com carol@netbpf.com", "alice", "alice carol", True, 1),
        ("renovate@netbpf.com", "renovate", "renovate", True, 1),
        ("9+deps[bot]@users.noreply.github.com", "deps[bot]", "github:deps[bot]", True, 1),
        ("alice@netbpf.com", "octocat", "alice github:octocat", False, 0),
        ("alice@netbpf.com", None, "alice github:unknown", False, 0),
    ],
)
def test_an_approver_is_independent_of_known_authors_only(
    emails: str, opener: str | None, authors: str, known: bool, independent: int
) -> None:
    row = found(landing={"authors": emails}, pull={"author": opener}, reviews=[{}])
    assert (row["authors"], row["authors_known"], row["approvals_independent"]) == (
        authors,
        known,
        independent,
    )


def test_whoever_once_had_an_authors_address_is_bound_too() -> None:
    names = {"system": "git", "identifier": "alice@netbpf.com"}
    identities = table(
        "identities",
        names | {"person": "bob", "until": T0 - H},
        names | {"person": "alice", "since": T0 - H},
        {"system": "github", "identifier": "alice", "person": "alice"},
        {"system": "github", "identifier": "bob", "person": "bob"},
    )
    who = Resolver(table("people", {"person": "alice"}, {"person": "bob"}), identities)
    row = found(who=who, reviews=[{}])
    assert (row["authors"], row["bound"], row["approvals_independent"]) == ("alice", "bob", 0)
    assert found(reviews=[{}])["bound"] == ""


def test_one_independent_approval_suffices_beside_an_authors_own() -> None:
    assert approvals(reviews=[{"reviewer": "alice"}, {"commit_sha": "old"}, {"reviewer": "carol"}])[3:] == (
        2,
        1,
    )


def test_first_reviews_are_by_people_other_than_the_opener() -> None:
    row = found(
        reviews=[
            {"reviewer": "alice", "state": "COMMENTED", "submitted_at": T0 - 4 * H},
            {"reviewer": "lint[bot]", "state": "COMMENTED", "submitted_at": T0 - 4 * H},
            {"state": "COMMENTED", "submitted_at": T0 - 3 * H},
            {"submitted_at": T0 - 2 * H},
            {"reviewer": "carol", "submitted_at": T0 - H},
        ]
    )
    assert (row["first_review_at"], row["first_approval_at"]) == (T0 - 3 * H, T0 - 2 * H)
    assert row["approvers"] == "bob carol"
    assert (row["opener"], row["opener_login"], row["opener_kind"]) == ("alice", "alice", "person")


MORNING = {"completed_at": T0 - 3 * H}


@pytest.mark.parametrize(
    ("why", "checks", "wanting"),
    [
        ("both succeeded", [{}, {"name": "policy"}], ""),
        ("none ran", [], "policy: missing; validate: missing"),
        ("one failed", [{"conclusion": "failure"}, {"name": "policy"}], "validate: failure"),
        ("skipped is no success", [{"conclusion": "skipped"}, {"name": "policy"}], "validate: skipped"),
        ("on another commit", [{"head_sha": "old"}, {"name": "policy"}], "validate: missing"),
        ("in another repository", [{"repo": "other/repo"}, {"name": "policy"}], "validate: missing"),
        ("of a similar name", [{"name": "validate (2)"}, {"name": "policy"}], "validate: missing"),
        ("still running", [{"status": "in_progress", "conclusion": None, "completed_at": None}, {"name": "policy"}], "validate: running"),
        ("completed at the merge", [{"completed_at": T0}, {"name": "policy"}], "validate: running"),
        ("started after the merge", [{"started_at": T0 + H, "completed_at": T0 + 2 * H}, {"name": "policy"}], "validate: missing"),
        ("failed, then succeeded", [MORNING | {"conclusion": "failure"}, {}, {"name": "policy"}], ""),
        ("succeeded, then failed", [MORNING, {"conclusion": "failure"}, {"name": "policy"}], "validate: failure"),
        ("began after the merge", [{}, {"conclusion": "failure", "started_at": T0 + H / 2, "completed_at": T0 + H}, {"name": "policy"}], ""),
            ("was run again at the merge", [MORNING, {"conclusion": "failure", "completed_at": T0 + H}, {"name": "policy"}], "validate: running"),
            ("waited to be run again at the merge", [{}, {"status": "queued", "conclusion": None, "started_at": None, "completed_at": None}, {"name": "policy"}], "validate: running"),
            ("failed, then succeeded with another app", [{"conclusion": "failure", "app": "ci"}, {"app": "other"}, {"name": "policy"}], "validate: failure"),
            ("succeeded with two apps", [{"app": "ci"}, {"app": "other"}, {"name": "policy"}], ""),
    ],
)  # fmt: skip
def test_required_checks_are_judged_at_the_merge(
    why: str, checks: list[dict[str, Any]], wanting: str
) -> None:
    row = found(checks=checks, required=("validate", "policy"))
    assert row["checks_wanting"] == wanting, why


@pytest.mark.parametrize(
    ("checks", "wanting"),
    [
        ([{"app": "ci"}], ""),
        ([{"app": "other"}], "validate@ci: missing"),
        ([{"app": None}], "validate@ci: missing"),
        ([{"app": "ci", "conclusion": "failure"}, {"app": "other"}], "validate@ci: failure"),
        ([{"app": "ci"}, {"app": "other", "conclusion": "failure"}], ""),
    ],
)
def test_a_check_of_one_app_is_none_of_another(checks: list[dict[str, Any]], wanting: str) -> None:
    """Any app may give its checks any name."""
    assert found(checks=checks, required=("validate@ci",))["checks_wanting"] == wanting


def test_an_approval_by_somebody_who_had_left_is_not_independent() -> None:
    """From the day on which they were no longer there; what they approved before stands."""
    review = {"reviewer": "bob", "submitted_at": T0 - H}
    for left, counts in ((T0 - 2 * H, 0), (T0 - H, 0), (T0, 1)):
        people = table(
            "people", {"person": "bob", "name": "Bob", "left": left}, {"person": "alice", "name": "Alice"}
        )
        names = [{"system": "github", "identifier": one, "person": one} for one in ("alice", "bob")]
        names.append({"system": "git", "identifier": "alice@netbpf.com", "person": "alice"})
        landings = table("landings", LANDING)
        given = {
            "landings": landings, "landing_pulls": held_by(landings), "pull_requests": table("pull_requests", {}),
            "reviews": table("reviews", review), "review_dismissals": table("review_dismissals"), "checks": table("checks"),
        }  # fmt: skip
        row = changes(
            given, resolver=Resolver(people, table("identities", *names)), settings=settings()
        ).iloc[0]
        assert (row["approvals_standing"], row["approvals_independent"]) == (1, counts)


def test_no_check_is_wanting_when_none_is_required() -> None:
    assert found()["checks_wanting"] == ""


def run(
    landings: pd.DataFrame, pulls: pd.DataFrame, reviews: pd.DataFrame, checks: pd.DataFrame
) -> pd.DataFrame:
    return changes(
        {
            "landings": landings, "landing_pulls": held_by(landings), "pull_requests": pulls, "reviews": reviews,
            "review_dismissals": table("review_dismissals"), "checks": checks,
        },
        resolver=resolver(), settings=settings(thresholds={"required_checks": ["validate"]}),
    )  # fmt: skip


def test_landings_without_a_pull_request_in_evidence_have_no_row() -> None:
    landings = table(
        "landings",
        LANDING,
        LANDING | {"head_sha": "m2", "position": 2, "pr_number": None, "kind": "direct", "link": "none"},
        LANDING | {"head_sha": "m3", "position": 3, "pr_number": 77, "link": "subject"},
        LANDING | {"repo": "netbpf/other", "head_sha": "m4"},
    )
    rows = run(landings, table("pull_requests", {}), table("reviews"), table("checks"))
    assert rows[["repo", "head_sha"]].to_numpy().tolist() == [[REPO, "m1"]]
    nothing = run(landings, table("pull_requests"), table("reviews"), table("checks"))
    assert nothing.empty


def test_the_order_of_evidence_does_not_matter() -> None:
    numbers = range(1, 13)
    landings = table(
        "landings", *(LANDING | {"head_sha": f"m{n}", "position": n, "pr_number": n} for n in numbers)
    )
    pulls = table("pull_requests", *({"number": n, "head_sha": f"h{n}"} for n in numbers))
    reviews = table(
        "reviews",
        *(
            {"number": n, "review_id": 10 * n + k, "reviewer": who, "commit_sha": f"h{n + k % 2}", "state": state,
             "submitted_at": T0 - H + timedelta(minutes=7 * (n * k % 11))}
            for n in numbers
            for k, (who, state) in enumerate(
                [("bob", "APPROVED"), ("carol", "APPROVED"), ("bob", "CHANGES_REQUESTED"), ("alice", "COMMENTED")]
            )
        ),
    )  # fmt: skip
    checks = table("checks", *({"check_id": n, "head_sha": f"h{n}", "conclusion": "failure"} for n in (3, 5)))
    whole = run(landings, pulls, reviews, checks)
    assert whole["head_sha"].nunique() == 12
    for seed in range(4):
        again = run(*(shuffled(part, seed) for part in (landings, pulls, reviews, checks)))
        pd.testing.assert_frame_equal(again, whole)


BATCH = LANDING | {"pr_number": 1, "authors": "alice@netbpf.com bob@netbpf.com", "evil": True}


def batch(*held: dict[str, Any]) -> pd.DataFrame:
    """What becomes of pull requests 1 (by alice) and 2 (by bob) that landed in one commit; bob approves both."""
    pulls = (
        {"number": 1, "author": "alice", "merged_at": T0 - H / 4},
        {"number": 2, "author": "bob", "merged_at": None, "head_sha": "head2"},
    )
    given = (
        {"number": 1, "review_id": 1, "reviewer": "bob", "submitted_at": T0 - H},
        {"number": 2, "review_id": 2, "reviewer": "bob", "submitted_at": T0 - H, "commit_sha": "head2"},
        {"number": 2, "review_id": 3, "reviewer": "alice", "submitted_at": T0 - H / 8, "commit_sha": "old"},
    )
    defaults = {"head_sha": "m1", "repo": REPO, "link": "batch", "confidence": "strong", "aside": False}
    return changes(
        {
            "landings": table("landings", BATCH),
            "landing_pulls": table("landing_pulls", *(defaults | row for row in held)),
            "pull_requests": table("pull_requests", *pulls),
            "reviews": table("reviews", *given),
            "review_dismissals": table("review_dismissals"),
            "checks": table("checks"),
        },
        resolver=resolver(),
        settings=settings(),
    )


def test_every_pull_request_of_a_batch_is_judged_by_itself() -> None:
    rows = batch(
        {"pr_number": 1, "authors": "alice@netbpf.com"}, {"pr_number": 2, "authors": "bob@netbpf.com"}
    )
    columns = ["pr_number", "authors", "approvals_standing", "approvals_independent", "approvals_covering"]
    assert rows[columns].to_numpy().tolist() == [[1, "alice", 1, 1, 1], [2, "bob", 2, 1, 0]]
    assert rows["landed_at"].tolist() == [pd.Timestamp(T0 - H / 4), pd.Timestamp(T0)]
    assert rows["evil"].tolist() == [True, True]


def test_a_pull_request_merged_aside_has_no_part_in_what_its_landing_smuggles_in() -> None:
    rows = batch({"pr_number": 1, "authors": "alice@netbpf.com", "aside": True})
    assert rows[["pr_number", "evil"]].to_numpy().tolist() == [[1, False]]


def rostered(folder: Path, *more: str) -> Resolver:
    """A roster of Alice, Bob and Bob's other account, with these lines added to the last entry."""
    lines = [
        "people:",
        "  - {id: alice, name: Alice, identities: {git: [alice@netbpf.com], github: [alice]}}",
        "  - {id: bob, name: Bob, identities: {github: [bob]}}",
        "  - id: bob2",
        "    name: Bob",
        *more,
    ]
    path = folder / "roster.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    tables = roster.read(path)
    return Resolver(tables["people"], tables["identities"], roles=tables["roles"])


def test_names_that_were_merged_are_two_again_with_every_figure(tmp_path: Path) -> None:
    """An approval under the other name is the author's own while the roster says so, and somebody else's as before after it."""
    given: dict[str, Any] = {"reviews": [{"reviewer": "bobby"}, {"reviewer": "bob"}]}
    apart = ["    identities: {github: [bobby]}"]
    before = found(who=rostered(tmp_path, *apart), **given)
    during = found(who=rostered(tmp_path, "    same_as: alice", *apart), **given)
    assert (before["approvers"], before["approvals_independent"]) == ("bob bob2", 2)
    assert (during["approvers"], during["approvals_independent"]) == ("alice bob", 1)
    assert found(who=rostered(tmp_path, *apart), **given) == before


def test_a_name_that_was_written_under_the_wrong_person_is_nobodys_again(tmp_path: Path) -> None:
    given: dict[str, Any] = {"reviews": [{"reviewer": "bobby"}]}
    before = found(who=rostered(tmp_path), **given)
    during = found(who=rostered(tmp_path, "    identities: {github: [bobby]}"), **given)
    assert (before["approvers"], before["approvals_independent"]) == ("github:bobby", 0)
    assert (during["approvers"], during["approvals_independent"]) == ("bob2", 1)
    assert found(who=rostered(tmp_path), **given) == before
