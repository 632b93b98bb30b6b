"""What a judgement rests on: periods, needs, gaps, names and conclusions."""

from __future__ import annotations

import inspect
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from audit import tables as t
from audit.controls import (
    chg_01,
    chg_02,
    chg_05,
    clu_01,
    dep_01,
    dep_02,
    dep_04,
    evd_01,
    evd_02,
    evd_04,
    wvr_01,
)
from audit.controls.examples import AS_OF, PERIOD, REPOSITORY, expand, world
from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.registry import CONTROLS, catalogue
from audit.controls.runner import conclude, exception_id, run
from audit.joins.continuity import continuity
from audit.model import Conclusion
from tests.controls.worlds import world_of


def judge(
    control: Control, given: str, *, as_of: datetime = AS_OF, without: tuple[str, ...] = (), **settings: Any
) -> tuple[pd.Series, pd.DataFrame]:
    """The conclusion's row and the exceptions of one control over a small world."""
    tables, configured = world(control, Example("", given, "", without=without, settings=settings))
    judged = run(tables, configured, PERIOD, as_of=as_of, controls=(control,))
    return judged["conclusions"].iloc[0], judged["exceptions"]


PUSH = "landings\n| head_sha | kind | landed_at | pusher |\n| a1… | direct | 2026-09-30 23:59:59 | ada-l |\n"


@pytest.mark.parametrize(
    ("population", "exceptions", "gaps", "conclusion"),
    [
        (5, 1, [Gap("g")], Conclusion.EXCEPTIONS),
        (5, 0, [Gap("g")], Conclusion.NOT_TESTED),
        (0, 0, [Gap("g")], Conclusion.NOT_TESTED),
        (0, 0, [], Conclusion.NOT_APPLICABLE),
        (1, 0, [], Conclusion.EFFECTIVE),
    ],
)
def test_conclusions(population: int, exceptions: int, gaps: list[Gap], conclusion: Conclusion) -> None:
    """Exceptions come first, then gaps, then an empty population; only then it is effective."""
    assert conclude(population, exceptions, gaps) is conclusion


def test_every_control_is_concluded_even_on_nothing() -> None:
    """Without evidence, repositories or clusters every control is `not tested`, and each says why."""
    control, example = CONTROLS[0], Example("", "", "", without=("git", "github-pulls"))
    tables, settings = world(control, example)
    settings = settings.model_copy(update={"repositories": (), "clusters": ()})
    tables |= continuity(tables, settings, PERIOD, as_of=AS_OF)
    judged = run(tables, settings, PERIOD, as_of=AS_OF)
    assert list(judged["conclusions"]["control"]) == sorted(control.id for control in CONTROLS)
    assert set(judged["conclusions"]["conclusion"]) == {"not tested"}
    assert judged["conclusions"]["gaps"].ne("").all()
    assert judged["exceptions"].empty


def test_a_running_quarter_is_never_effective() -> None:
    """It concludes on what is there, and says until when; the last instant before `as_of` counts."""
    as_of = datetime(2026, 8, 15, 0, 0, 1, tzinfo=UTC)
    concluded, _ = judge(chg_01.CONTROL, "landings\n| head_sha |\n| a1… |", as_of=as_of)
    assert concluded["conclusion"] == "not tested"
    assert concluded["population"] == 1
    assert concluded["gaps"] == (
        "the quarter runs until 2026-10-01T00:00:00Z, and evidence was collected until 2026-08-15T00:00:01Z"
    )
    concluded, _ = judge(
        chg_01.CONTROL, "landings\n| head_sha |\n| a1… |", as_of=as_of - timedelta(seconds=1)
    )
    assert concluded["population"] == 0
    concluded, failed = judge(chg_01.CONTROL, PUSH, as_of=datetime(2026, 10, 1, tzinfo=UTC))
    assert (concluded["conclusion"], concluded["gaps"], len(failed)) == ("exceptions", "", 1)


def test_an_export_made_before_the_quarter_ended_is_a_gap() -> None:
    """Collected at its end is in time, a second before is not."""
    given = (
        "landings\n| head_sha |\n| a1… |\n"
        "evidence_objects\n| source_name | format | collected_at |\n| forge | github-pulls | {} |\n"
    )
    assert judge(chg_01.CONTROL, given.format("2026-10-01 00:00"))[0]["conclusion"] == "effective"
    concluded, _ = judge(chg_01.CONTROL, given.format("2026-09-30 23:59:59"))
    assert concluded["conclusion"] == "not tested"
    assert concluded["gaps"] == (
        "netbpf/netbpf-gitops: github-pulls: last collected 2026-09-30T23:59:59Z, before the quarter ended"
    )


def test_a_repository_that_no_export_speaks_of_is_not_judged() -> None:
    """The other one is: what is known stays known."""
    given = (
        PUSH.replace("| head_sha |", "| repo | head_sha |").replace("| a1…", "| o/known | a1…")
        + "| o/unknown | a2… | direct | 2026-08-01 | |\n"
        "evidence_objects\n| source_name | format | repos | collected_at |\n"
        "| forge | github-pulls | {} | 2026-10-02 |\n"
        "repositories\n| repo | tip |\n| o/known | a1… |\n| o/unknown | a2… |\n"
    )
    both = [{"name": name, "location": "x"} for name in ("o/known", "o/unknown")]
    concluded, failed = judge(chg_01.CONTROL, given.format("o/known"), repositories=both)
    assert list(failed["repo"]) == ["o/known"]
    assert concluded["gaps"].startswith("o/unknown: no evidence from the forge (github-pulls) speaks of it")
    assert len(judge(chg_01.CONTROL, given.format("o/known o/unknown"), repositories=both)[1]) == 2


def test_exports_of_another_repository_are_no_evidence() -> None:
    """Also where only one is configured: a wrong name must not turn a control off in silence."""
    given = PUSH + (
        "evidence_objects\n| source_name | format | repos | collected_at |\n"
        "| forge | github-pulls | o/other | 2026-10-02 |\n"
    )
    concluded, failed = judge(chg_01.CONTROL, given)
    assert (concluded["conclusion"], len(failed)) == ("not tested", 0)
    assert "netbpf/netbpf-gitops: no evidence from the forge (github-pulls) speaks of it" in concluded["gaps"]


LATE = "evidence_objects\n| source_name | key | format | repos | collected_at | last_modified |\n"
ACTIVITY = "| forge | {} | github-activity | {} | {} | {} |\n"


@pytest.mark.parametrize(
    ("written", "newest", "exported", "gap"),
    [
        ("2026-10-01 00:00", "2026-07-11", None, ""),
        ("2026-09-30", "2026-10-01", None, ""),
        ("", "2026-09-30 00:00", None, ""),
        ("", "2026-09-29 23:59:59", None, "its last record is of 2026-09-29T23:59:59Z"),
        ("2026-09-30", "2026-07-11", None, "its last record is of 2026-07-11T00:00:00Z"),
        ("", "", None, "none of its records has a time"),
        ("", "2026-07-11", "2026-10-01T00:00:00Z", ""),
        ("", "2026-07-11", "2026-09-30T00:00:00Z", "its last record is of 2026-07-11T00:00:00Z"),
    ],
)
def test_something_must_show_that_an_export_was_made_after_the_quarter(
    written: str, newest: str, exported: str | None, gap: str
) -> None:
    """When it was written, what it speaks of, or what the settings say: that it was collected late is no proof."""
    given = LATE + ACTIVITY.format(1, REPOSITORY, "2026-10-02", written)
    if newest:
        given += (
            "coverage\n| source_name | format | hour | first_at | last_at |\n"
            f"| forge | github-activity | 2026-07-01 | 2026-07-01 | {newest} |\n"
        )
    sources = [{"name": "forge", "location": "file:x"} | ({"exported_at": exported} if exported else {})]
    concluded, _ = judge(evd_01.CONTROL, given, sources=sources)
    start = (
        "netbpf/netbpf-gitops: github-activity: nothing shows that it was exported after the quarter ended: "
    )
    assert concluded["gaps"] == (start + gap if gap else "")


def test_what_is_fresh_of_one_repository_hides_nothing_of_another() -> None:
    """Each is asked for by itself."""
    given = LATE + ACTIVITY.format(1, "o/a", "2026-10-02", "2026-10-02")
    given += ACTIVITY.format(2, "o/b", "2026-09-20", "2026-09-20")
    both = [{"name": name, "location": "x"} for name in ("o/a", "o/b")]
    concluded, _ = judge(evd_01.CONTROL, given, repositories=both)
    assert (
        concluded["gaps"]
        == "o/b: github-activity: last collected 2026-09-20T00:00:00Z, before the quarter ended"
    )


APPLICATIONS = (
    "evidence_objects\n| source_name | key | format | cluster | apps | collected_at |\n"
    "| operators | 1 | argocd-application | prod | argocd/web argocd/api | 2026-09-20 |\n"
    "| operators | 2 | argocd-application | prod | argocd/api | 2026-10-02 |\n"
    "deployments\n| application | automated |\n| argocd/a | true |\n"
)
DELETED = "cluster_access\n| audit_id | verb | api_group | resource | namespace | name |\n"


def test_what_is_fresh_of_one_application_hides_nothing_of_another() -> None:
    """An application that was deleted, as the API server's log says, has nothing more to show."""
    concluded, _ = judge(dep_02.CONTROL, APPLICATIONS)
    assert concluded["gaps"] == (
        "prod: argocd/web was last collected 2026-09-20T00:00:00Z, before the quarter ended, and nothing says that it "
        "was deleted"
    )
    deleted = DELETED + "| 1 | delete | argoproj.io | applications | argocd | web |\n"
    assert judge(dep_02.CONTROL, APPLICATIONS + deleted)[0]["conclusion"] == "effective"


GARBAGE = (
    "evidence_objects\n| source_name | key | format | cluster | records | quarantined | collected_at | sha256 |\n"
    f"| {{source}} | 1 | {{format}} | prod | 9 | 0 | 2026-10-02 | {'a' * 64} |\n"
    f"| {{source}} | 2 | {{second}} | prod | 3 | {{bad}} | 2026-10-02 | {'b' * 64} |\n"
    f"quarantine\n| source_name | key | evidence | line | reason |\n| {{source}} | 2 | {'b' * 64} | 2 | not JSON |\n"
)


@pytest.mark.parametrize(
    ("second", "bad", "gap"),
    [
        ("kubernetes-audit", 1, "prod: kubernetes-audit: 1 record could not be read: 2:2"),
        ("", 3, "prod: kubernetes-audit: 3 records could not be read: 2:2"),
        ("", 0, ""),
        ("argocd-event", 1, ""),
    ],
)
@pytest.mark.parametrize("control", [clu_01.CONTROL, evd_02.CONTROL])
def test_what_could_not_be_read_may_have_been_an_exception(
    control: Control, second: str, bad: int, gap: str
) -> None:
    """A damaged line of the log, and an object of the log of which nothing could be read; not one of another kind."""
    given = GARBAGE.format(source="log", format="kubernetes-audit", second=second, bad=bad)
    given += "cluster_writes\n| audit_id | principal_kind | change |\n| 1 | machine | true |\n"
    concluded, _ = judge(control, given)
    assert concluded["gaps"] == gap
    assert concluded["conclusion"] == ("not tested" if gap else "effective")


def test_a_damaged_line_of_another_quarter_concerns_that_one() -> None:
    """The log's records stand in the order of time: what lies between those of June is of June."""
    given = GARBAGE.format(source="log", format="kubernetes-audit", second="kubernetes-audit", bad=1)
    hours = "coverage\n| source_name | evidence | cluster | hour | first_at | last_at |\n"
    hours += f"| log | {'a' * 64} | prod | 2026-07-01 | 2026-06-30 | 2026-10-01 |\n"
    hours += f"| log | {'b' * 64} | prod | {{0}} | {{0}} | {{0}} |\n"
    assert judge(evd_02.CONTROL, given + hours.format("2026-06-14 10:00"))[0]["conclusion"] == "effective"
    assert judge(evd_02.CONTROL, given + hours.format("2026-09-30 10:00"))[0]["conclusion"] == "not tested"


def test_an_object_of_which_nothing_can_be_read_is_no_evidence() -> None:
    """Whatever format its source is said to have."""
    given = (
        "evidence_objects\n| source_name | key | format | records | quarantined | collected_at |\n"
        "| forge | 1 | github-reviews | 1 | 1 | 2026-10-02 |\n| forge | 2 | github-pulls | 1 | 0 | 2026-10-02 |\n"
        "changes\n| pr_number | approvals_before |\n| 7 | 0 |\n"
    )
    concluded, failed = judge(chg_02.CONTROL, given)
    assert (concluded["conclusion"], len(failed)) == ("not tested", 0)
    assert "no evidence from the forge (github-reviews)" in concluded["gaps"]


def test_an_object_may_hold_several_formats() -> None:
    """One export of everything satisfies each need."""
    given = (
        "changes\n| pr_number | approvals_before |\n| 7 | 1 |\n"
        "evidence_objects\n| source_name | format | collected_at |\n| x | github-pulls,github-reviews | 2026-10-02 |\n"
    )
    assert judge(chg_02.CONTROL, given)[0]["conclusion"] == "effective"


def test_severity_is_a_setting() -> None:
    """For exceptions and conclusion alike."""
    concluded, failed = judge(chg_01.CONTROL, PUSH, severities={"CHG-01": "low"})
    assert (concluded["severity"], failed["severity"].iloc[0]) == ("low", "low")
    assert judge(chg_01.CONTROL, PUSH)[1]["severity"].iloc[0] == "high"


def test_an_exception_says_who_and_points_to_evidence() -> None:
    """Resolved and raw, with the forge's record beside the commit; its id is the same in every run."""
    given = PUSH + (
        "identities\n| system | identifier | person |\n| github | ada-l | ada |\n"
        "git_operations\n| operation_id | after | line |\n| 1 | a1… | 12 |\n"
        "landing_environments\n| head_sha | app | environment |\n| a1… | web | prod |\n| a1… | web | dev |\n"
        "people\n| person |\n| ada |\n"
    )
    row = judge(chg_01.CONTROL, given)[1].iloc[0]
    assert (row["person"], row["person_raw"]) == ("ada", "ada-l")
    assert (row["environment"], row["app"]) == ("dev,prod", "web")
    assert row["evidence"] == f"{REPOSITORY}@{expand('a1…')} {'0' * 64}:12"
    assert row["exception_id"] == exception_id("CHG-01", row["subject"])
    assert exception_id("CHG-01", "o/r@a1") == "CHG-01-1f69417884"


def test_a_dismissed_review_that_nothing_explains_is_a_gap() -> None:
    """It may have been an approval: nobody knows until the dismissal is in evidence."""
    given = (
        "changes\n| pr_number | approvals_before |\n| 7 | 1 |\n"
        "reviews\n| number | review_id | state |\n| 7 | 5 | DISMISSED |\n"
    )
    concluded, _ = judge(chg_02.CONTROL, given)
    assert concluded["conclusion"] == "not tested"
    assert f"{REPOSITORY}#7" in concluded["gaps"]
    told = "review_dismissals\n| number | review_id | state_before |\n| 7 | 5 | commented |\n"
    assert judge(chg_02.CONTROL, given + told)[0]["conclusion"] == "effective"


@pytest.mark.parametrize("control", [chg_02.CONTROL, chg_05.CONTROL], ids=lambda control: control.id)
def test_a_pull_request_that_was_not_exported_is_a_gap(control: Control) -> None:
    """What landed through it was reviewed by nobody knows whom; other quarters' gaps are theirs."""
    given = (
        "landings\n| head_sha | position | pr_number | landed_at |\n"
        "| a1… | 1 | 7 | 2026-07-01 |\n| a2… | 2 | 8 | 2026-07-01 |\n| a3… | 3 | 9 | 2026-06-30 |\n"
        "pull_requests\n| number |\n| 7 |\n"
        "changes\n| head_sha | pr_number | approvals_before |\n| a1… | 7 | 1 |\n"
    )
    concluded, _ = judge(control, given, thresholds={"required_checks": ["validate"]})
    assert (
        concluded["gaps"] == f"{REPOSITORY}: pull requests that landed are not in evidence (github-pulls): #8"
    )
    assert concluded["conclusion"] == "not tested"


@pytest.mark.parametrize(("landed", "count"), [("2026-08-15 00:05:00", 0), ("2026-08-15 00:05:01", 1)])
def test_clocks_may_differ_by_the_skew(landed: str, count: int) -> None:
    """Deployed exactly 300 s before it landed is within the skew; one second more is not."""
    given = (
        f"deployments\n| application | repo | position |\n| argocd/a | {REPOSITORY} | 4 |\n"
        f"landings\n| head_sha | first_position | position | landed_at |\n| a1… | 4 | 4 | {landed} |\n"
    )
    assert len(judge(dep_01.CONTROL, given)[1]) == count


HISTORY = "sync_records\n| app | record | history_id | finished_at | operator |\n"


@pytest.mark.parametrize(
    ("entries", "gap"),
    [
        ([(5, "2026-06-01"), (6, "2026-07-02")], ""),
        ([(5, "2026-06-01"), (12, "2026-07-02")], "prod/argocd/web: history entries 6–11 were never seen"),
        (
            [(4, "2026-06-01"), (5, "2026-06-02"), (7, "2026-09-02")],
            "prod/argocd/web: history entry 6 was never seen",
        ),
        ([(5, "2026-06-01"), (7, "2026-07-01")], "prod/argocd/web: history entry 6 was never seen"),
        ([(0, "2026-06-01"), (2, "2026-06-30")], ""),  # the hole lies before the quarter
        ([(0, "2026-07-01"), (1, "2026-10-01"), (4, "2026-10-02")], ""),  # and here after it
        ([(3, "2026-07-05")], "prod/argocd/web: history entries 0–2 were never seen"),
        ([(3, "2026-06-05")], ""),
    ],
)
def test_history_that_nobody_saw_is_a_gap(entries: list[tuple[int, str]], gap: str) -> None:
    """Argo CD forgets: a hole that may lie in the quarter leaves its deployments untested."""
    seen = "".join(f"| argocd/web | history | {number} | {at} | argocd |\n" for number, at in entries)
    given = HISTORY + seen + "deployments\n| application | automated |\n| argocd/web | true |\n"
    concluded, _ = judge(dep_02.CONTROL, given)
    holes = [text for text in concluded["gaps"].split("; ") if "history" in text]
    assert holes == ([gap] if gap else [])


@pytest.mark.parametrize(
    ("last", "first", "spans"),
    [
        ("2026-08-01 00:00:00", "2026-08-01 01:00:00", []),
        ("2026-08-01 00:00:00", "2026-08-01 01:00:01", ["2026-08-01T00:00:00Z/2026-08-01T01:00:01Z"]),
        ("2026-06-30 23:30:00", "2026-07-01 00:45:00", ["2026-07-01T00:00:00Z/2026-07-01T00:45:00Z"]),
        ("2026-09-30 23:30:00", "2026-10-01 00:45:00", ["2026-09-30T23:30:00Z/2026-10-01T00:00:00Z"]),
        ("2026-06-30 20:00:00", "2026-07-01 00:00:00", []),
        ("2026-10-01 00:00:00", "2026-10-01 04:00:00", []),
    ],
)
def test_silence_is_measured_whole_and_cut_to_the_quarter(last: str, first: str, spans: list[str]) -> None:
    """Exactly the limit is no silence; one that crosses the quarter's edge counts as far as it lies inside."""
    given = (
        "evidence_objects\n| source_name | format | cluster | collected_at |\n"
        "| log | kubernetes-audit | prod | 2026-10-02 |\n"
        "coverage\n| source_name | cluster | hour | first_at | last_at |\n"
        f"| log | prod | {first} | {first} | 2026-10-02 |\n"
        f"| log | prod | {last} | 2026-06-30 | {last} |\n"
    )
    _, failed = judge(evd_02.CONTROL, given)
    assert list(failed["subject"]) == [f"prod:{span}" for span in spans]


def test_a_late_object_fills_the_silence() -> None:
    """One object whose records span the quarter leaves none, whatever the others lack."""
    given = (
        "evidence_objects\n| source_name | format | cluster | collected_at |\n"
        "| log | kubernetes-audit | prod | 2026-10-02 |\n"
        "coverage\n| source_name | cluster | hour | first_at | last_at |\n"
        "| log | prod | 2026-06-30 23:00 | 2026-06-30 23:00 | 2026-10-01 00:00 |\n"
        "| log | prod | 2026-08-01 00:00 | 2026-08-01 00:00 | 2026-08-01 00:01 |\n"
    )
    assert judge(evd_02.CONTROL, given)[0]["conclusion"] == "effective"


def test_records_of_other_formats_do_not_end_a_silence() -> None:
    """An operator's events say nothing of the API server."""
    given = (
        "evidence_objects\n| source_name | format | cluster | collected_at |\n"
        "| events | argocd-event | prod | 2026-10-02 |\n"
        "coverage\n| source_name | cluster | format | hour | first_at | last_at |\n"
        "| events | prod | argocd-event | 2026-07-01 | 2026-06-30 23:00 | 2026-10-01 00:00 |\n"
    )
    concluded, failed = judge(evd_02.CONTROL, given)
    assert list(failed["subject"]) == ["prod:2026-07-01T00:00:00Z/2026-10-01T00:00:00Z"]
    assert concluded["conclusion"] == "exceptions"


def test_a_silence_leaves_direct_changes_untested_there() -> None:
    """Each silence is a gap of CLU-01, with cluster and span."""
    given = (
        "evidence_objects\n| source_name | format | cluster | collected_at |\n"
        "| log | kubernetes-audit | prod | 2026-10-02 |\n"
        "coverage\n| source_name | cluster | hour | first_at | last_at |\n"
        "| log | prod | 2026-07-01 | 2026-07-01 | 2026-08-01 |\n"
        "| log | prod | 2026-08-02 | 2026-08-02 | 2026-10-01 |\n"
    )
    concluded, _ = judge(clu_01.CONTROL, given)
    assert concluded["gaps"] == "prod: no audit records from 2026-08-01T00:00:00Z to 2026-08-02T00:00:00Z"


def test_a_change_is_told_without_what_it_does_not_name() -> None:
    """A collection has no name, a cluster-wide object no namespace; whom someone acted as is said."""
    given = (
        "cluster_writes\n| audit_id | principal_kind | user | impersonated | verb | resource | namespace | name | change |\n"
        "| 1 | person | ada | system:admin | deletecollection | pods | shop | | true |\n"
        "| 2 | person | ada | | create | namespaces | | shop | true |\n"
    )
    _, failed = judge(clu_01.CONTROL, given)
    assert list(failed["found"]) == [
        "ada acting as system:admin: deletecollection pods shop",
        "ada: create namespaces shop",
    ]


def test_a_cluster_without_evidence_is_named() -> None:
    """The others' evidence does not stand in for it."""
    clusters = [{"name": name, "environment": name} for name in ("prod", "dev")]
    given = (
        "evidence_objects\n| source_name | format | cluster | collected_at |\n"
        "| flux | flux-object | prod | 2026-10-02 |\n"
        "deployments\n| application | automated |\n| flux/a | true |\n"
    )
    concluded, _ = judge(dep_02.CONTROL, given, clusters=clusters)
    assert concluded["gaps"] == "dev: no evidence of deployments (argocd or flux)"
    assert concluded["conclusion"] == "not tested"


def test_machines_of_the_roster_are_automation() -> None:
    """A bot that the roster calls a machine may start a sync; a person may not."""
    given = (
        "deployments\n| application | automated | initiated_by |\n| argocd/a | false | promoter |\n"
        "identities\n| system | identifier | person |\n| argocd | promoter | promoter |\n"
        "people\n| person | kind |\n| promoter | {} |\n"
    )
    assert judge(dep_02.CONTROL, given.format("machine"))[0]["conclusion"] == "effective"
    assert judge(dep_02.CONTROL, given.format("person"))[0]["conclusion"] == "exceptions"


CARRIED = """
evidence_objects
| source_name | key | format                                    | cluster | collected_at |
| forge       | 1   | github-pulls,github-reviews,github-checks |         | 2026-10-02   |
| operator    | 1   | argocd-application                        | prod    | 2026-10-02   |

people
| person |
| ada    |

landings
| head_sha | kind   |
| a1…      | direct |

deployments
| application | started_at | status   | environment   |
| argocd/web  | {at}       | {status} | {environment} |

deployment_landings
| application | started_at | head_sha | environment   |
| argocd/web  | {at}       | a1…      | {environment} |
"""


@pytest.mark.parametrize(
    ("at", "status", "environment", "count"),
    [
        ("2026-07-01 00:00:00", "succeeded", "prod", 1),
        ("2026-06-30 23:59:59", "succeeded", "prod", 0),
        ("2026-10-01 00:00:00", "succeeded", "prod", 0),
        ("2026-07-01 00:00:00", "failed", "prod", 0),
        ("2026-07-01 00:00:00", "succeeded", "dev", 0),
    ],
)
def test_only_successful_production_deployments_of_the_quarter_carry(
    at: str, status: str, environment: str, count: int
) -> None:
    """The deployment's start decides the quarter, whenever the change landed."""
    given = CARRIED.format(at=at, status=status, environment=environment)
    concluded, failed = judge(dep_04.CONTROL, given, thresholds={"required_checks": ["validate"]})
    assert len(failed) == concluded["population"] == count


def test_production_cannot_pass_what_could_not_be_tested() -> None:
    """With no required check named, whether CHG-05 was passed is unknown."""
    given = CARRIED.format(at="2026-07-01", status="succeeded", environment="prod").replace("direct", "merge")
    concluded, _ = judge(dep_04.CONTROL, given)
    assert concluded["conclusion"] == "not tested"
    assert "CHG-05: no required check is named" in concluded["gaps"]


def test_the_last_push_is_the_last_by_time_then_id() -> None:
    """An older push recorded later does not set the tip; missing commits of other quarters are theirs."""
    given = (
        "repositories\n| tip |\n| a2… |\n"
        "commits\n| sha |\n| a2… |\n"
        "git_operations\n| operation_id | at | ref | after | operation |\n"
        "| 9 | 2026-06-30 23:59:59 | refs/heads/main | a1… | push |\n"
        "| 2 | 2026-08-01 | refs/heads/main | a3… | push |\n"
        "| 3 | 2026-08-01 | refs/heads/main | a2… | force_push |\n"
        "| 4 | 2026-08-02 | refs/heads/main | 0… | branch_deletion |\n"
    )
    _, failed = judge(evd_01.CONTROL, given)
    assert list(failed["subject"]) == [expand(f"{REPOSITORY}:missing:a3…")]


def test_a_repository_with_problems_is_told_without_the_forge() -> None:
    """Only the tip needs the forge's record."""
    given = "repository_problems\n| problem | detail |\n| shallow | a1 |\n"
    concluded, failed = judge(evd_01.CONTROL, given, without=("github-activity",))
    assert list(failed["subject"]) == [f"{REPOSITORY}:shallow:a1"]
    assert "github-activity" in concluded["gaps"]


def test_the_catalogue_has_a_page_for_every_control() -> None:
    """Ids are unique and in order of the registry; every section is written; no reference is in doubt."""
    pages = catalogue()
    assert [page.id for page in pages] == [control.id for control in CONTROLS]
    assert len({page.id for page in pages}) == len(pages)
    for page in pages:
        assert all(
            (page.title, page.clause, page.remedy, page.why, page.evidence, page.limits, page.remediation)
        )
        assert not page.title.endswith(".")
        assert "\n" not in page.title
        assert not any("?" in reference for group in page.frameworks.values() for reference in group)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_a_control_stands_in_the_file_of_its_name(control: Control) -> None:
    """One control, one file: `CHG-01` is `chg_01.py`."""
    module = inspect.getmodule(control.test)
    assert module is not None
    assert module.__name__ == f"audit.controls.{control.id.lower().replace('-', '_')}"


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_results_do_not_depend_on_the_order_of_rows(control: Control) -> None:
    """The same evidence gives the same exceptions. Of a control's examples those can show it that have the most of them."""
    failing = sorted(
        (each for each in control.examples if each.exceptions), key=lambda each: -len(each.exceptions)
    )
    assert failing
    for example in failing[:4]:
        tables, settings = world_of(control, example)
        turned = {name: rows.iloc[::-1].reset_index(drop=True) for name, rows in tables.items()}
        one, other = (
            run(every, settings, PERIOD, as_of=AS_OF, controls=(control,)) for every in (tables, turned)
        )
        pd.testing.assert_frame_equal(one["exceptions"], other["exceptions"])
        pd.testing.assert_frame_equal(one["conclusions"], other["conclusions"])


def test_results_are_the_declared_tables() -> None:
    """Also without any control or row."""
    tables, settings = world(chg_01.CONTROL, Example("", "", ""))
    judged = run(tables, settings, PERIOD, as_of=AS_OF, controls=())
    assert list(judged["exceptions"]) == list(t.columns(t.Exceptions))
    assert list(judged["conclusions"]) == list(t.columns(t.Conclusions))


OLD, NEW = "a" * 64, "b" * 64
REWRITTEN = (
    "evidence_objects\n| source_name | key | format | cluster | records | collected_at | sha256 | replaced_by |\n"
    f"| s | k | {{format}} | {{cluster}} | 9 | 2026-10-02 | {OLD} | {NEW} |\n"
    f"| s | k | {{format}} | {{cluster}} | {{later}} | 2026-10-03 | {NEW} | |\n"
    "coverage\n| source_name | evidence | cluster | format | hour | first_at | last_at |\n"
    f"| s | {OLD} | {{cluster}} | {{format}} | {{first}} | {{first}} | {{last}} |\n"
    f"| s | {NEW} | {{cluster}} | {{format}} | 2026-06-30 | 2026-06-30 | 2026-10-01 |\n"
)


@pytest.mark.parametrize(
    ("first", "last", "count"),
    [("2026-06-30", "2026-10-01", 1), ("2026-06-01", "2026-06-02", 0), ("2026-10-01", "2026-10-01", 0)],
)
@pytest.mark.parametrize("format", ["kubernetes-audit", "gke-audit"])
def test_a_log_that_was_rewritten_fails(format: str, first: str, last: str, count: int) -> None:
    """In the quarter of which its records speak; both hashes are named."""
    values = {"format": format, "cluster": "prod", "later": 9, "first": first, "last": last}
    _, failed = judge(evd_04.CONTROL, REWRITTEN.format(**values))
    assert list(failed["subject"]) == ["s:k:changed"] * count
    assert all(OLD in found and NEW in found for found in failed["found"])


@pytest.mark.parametrize(("later", "gaps"), [(8, 1), (9, 0), (10, 0)])
def test_an_export_that_was_replaced_by_a_smaller_one_is_a_gap(later: int, gaps: int) -> None:
    """Exports are made again and again; fewer records than before are what somebody took back."""
    values = {"format": "github-activity", "cluster": "", "first": "2026-08-01", "last": "2026-10-01"}
    concluded, _ = judge(evd_01.CONTROL, REWRITTEN.format(**values, later=later))
    wanted = f"github-activity: an export of 9 records ({OLD}) was replaced by one of 8 ({NEW})"
    assert concluded["gaps"] == (wanted if gaps else "")


@pytest.mark.parametrize(("last", "told"), [("2026-10-02 00:05:00", False), ("2026-10-02 00:05:01", True)])
@pytest.mark.parametrize("format", ["kubernetes-audit", "gke-audit"])
def test_records_dated_after_their_collection_are_a_gap(format: str, last: str, told: bool) -> None:
    """Beyond what clocks may differ: such a record hides in a quarter to come."""
    given = (
        "evidence_objects\n| source_name | format | cluster | collected_at |\n"
        f"| log | {format} | prod | 2026-10-02 |\n"
        "coverage\n| source_name | cluster | format | hour | first_at | last_at |\n"
        f"| log | prod | {format} | 2026-07-01 | 2026-06-30 | {last} |\n"
        "cluster_writes\n| audit_id | principal_kind | change |\n| 1 | machine | true |\n"
    )
    for control in (evd_02.CONTROL, clu_01.CONTROL):
        concluded, _ = judge(control, given)
        assert (f"prod: {format}: records are dated up to 2026-10-02T00:05:01Z" in concluded["gaps"]) == told
        assert concluded["conclusion"] == ("not tested" if told else "effective")


@pytest.mark.parametrize(("second", "told"), [(OLD, True), (NEW, False)])
def test_the_same_bytes_are_no_evidence_of_two_clusters(second: str, told: bool) -> None:
    """Of which of them they speak can't be told; both are said."""
    clusters = [{"name": name, "environment": name} for name in ("prod", "dev")]
    given = (
        "evidence_objects\n| source_name | format | cluster | collected_at | sha256 |\n"
        f"| one | kubernetes-audit | prod | 2026-10-02 | {OLD} |\n"
        f"| two | kubernetes-audit | dev | 2026-10-02 | {second} |\n"
        "coverage\n| source_name | evidence | cluster | hour | first_at | last_at |\n"
        f"| one | {OLD} | prod | 2026-07-01 | 2026-06-30 | 2026-10-01 |\n"
        f"| two | {second} | dev | 2026-07-01 | 2026-06-30 | 2026-10-01 |\n"
    )
    gaps = judge(evd_02.CONTROL, given, clusters=clusters)[0]["gaps"]
    assert gaps == (
        f"prod: kubernetes-audit: the same bytes are given as evidence of dev too: {OLD}; "
        f"dev: kubernetes-audit: the same bytes are given as evidence of prod too: {OLD}"
        if told
        else ""
    )


def test_requests_that_share_an_id_are_each_judged() -> None:
    """The person's change fails, whatever else claims its id; and that they do is told."""
    given = (
        "cluster_access\n| audit_id | variant | user | verb | resource | line |\n"
        "| x | 0 | system:node:a | patch | pods | 3 |\n| x | 1 | ada | delete | pods | 4 |\n| y | 0 | ada | get | pods | 5 |\n"
        "cluster_writes\n| audit_id | variant | principal_kind | user | verb | resource | change |\n"
        "| x | 0 | machine | system:node:a | patch | pods | true |\n| x | 1 | person | ada | delete | pods | true |\n"
    )
    concluded, failed = judge(clu_01.CONTROL, given)
    assert (list(failed["subject"]), concluded["population"]) == (["prod/x~1"], 2)
    _, failed = judge(evd_02.CONTROL, given)
    assert list(failed["found"]) == [
        "different requests claim the id x: ada: delete pods, system:node:a: patch pods"
    ]
    assert list(failed["evidence"]) == [f"{'0' * 64}:3 {'0' * 64}:4"]


BLIND = """
evidence_objects
| source_name | key | format                                    | cluster | collected_at |
| forge       | 1   | github-pulls,github-reviews,github-checks |         | 2026-10-02   |
| operator    | 1   | argocd-application                        | prod    | 2026-10-02   |

people
| person |
| ada    |

commits
| sha | position |
| a1… | 1        |
| a2… | 2        |

file_changes
| sha | path   |
| a2… | {path} |

landings
| head_sha | kind   | link | first_position | position | landed_at        |
| a1…      | merge  | merge sha | 1         | 1        | 2026-06-01 00:00 |
| a2…      | direct | none | 2              | 2        | 2026-08-01 00:00 |

landing_environments
| head_sha | app | environment   |
| a1…      | web | {environment} |

deployments
| application | started_at       | status    | repo                 | app | environment | position | revision |
| argocd/web  | {first}          | succeeded | netbpf/netbpf-gitops | web | prod        | {from_}  | a1…      |
| argocd/web  | 2026-08-01 00:05 | succeeded | netbpf/netbpf-gitops | web | {target}    | 2        | a2…      |
"""
KNOWN = {
    "path": "README.md",
    "environment": "prod",
    "first": "2026-06-01 00:05",
    "from_": "1",
    "target": "prod",
}


@pytest.mark.parametrize(
    ("values", "gap"),
    [
        ({}, ""),
        ({"path": ".github/workflows/validate.yaml"}, ""),
        ({"from_": ""}, "prod/argocd/web@2026-08-01T00:05:00Z: no deployment before it is on record"),
        (
            {"first": "2026-08-01 00:06"},
            "prod/argocd/web@2026-08-01T00:05:00Z: no deployment before it is on record",
        ),
        (
            {"environment": "dev"},
            "prod/argocd/web: neither the build graph nor a path rule ties any change of netbpf/netbpf-gitops to web in prod",
        ),
        (
            {"path": "components/sidecar/k.yaml"},
            f"netbpf/netbpf-gitops@a2{'0' * 38}: it failed before, changes manifests",
        ),
        ({"path": "components/sidecar/k.yaml", "target": "dev"}, ""),
    ],
)
def test_where_the_lineage_ends_production_is_not_passed(values: dict[str, str], gap: str) -> None:
    """A first deployment, one that nothing ties to changes, and a failed change that reaches nothing known."""
    concluded, failed = judge(
        dep_04.CONTROL, BLIND.format(**(KNOWN | values)), thresholds={"required_checks": ["validate"]}
    )
    assert failed.empty
    assert gap in concluded["gaps"]
    assert bool(concluded["gaps"]) == bool(gap)


@pytest.mark.parametrize(
    ("newest", "subjects"),
    [("2026-08-01", ["#7"]), ("2026-07-01", []), ("2026-09-30", ["#7", "#8"])],
)
def test_what_came_after_the_end_of_an_export_is_no_exception(newest: str, subjects: list[str]) -> None:
    """The reviews may be missing rather than the review: what they would tell of is not tested."""
    given = (
        "changes\n| head_sha | pr_number | approvals_before | landed_at |\n"
        "| a1… | 7 | 0 | 2026-07-15 |\n| a2… | 8 | 0 | 2026-08-15 |\n"
        "evidence_objects\n| source_name | format | collected_at | last_modified |\n"
        "| pulls | github-pulls | 2026-10-02 | 2026-10-02 |\n| reviews | github-reviews | 2026-10-02 | |\n"
        "coverage\n| source_name | format | hour | first_at | last_at |\n"
        f"| reviews | github-reviews | 2026-07-01 | 2026-07-01 | {newest} |\n"
    )
    concluded, failed = judge(chg_02.CONTROL, given)
    assert [subject.removeprefix(REPOSITORY) for subject in failed["subject"]] == subjects
    assert concluded["conclusion"] == ("exceptions" if subjects else "not tested")
    assert ("nothing shows that it was exported" in concluded["gaps"]) == (newest != "2026-09-30")


def test_a_hostile_key_makes_no_gap_of_its_own() -> None:
    """Gaps are parted by a semicolon: a key that holds one must not look like another gap."""
    given = GARBAGE.replace("| 2 |", "| x; all is well |", 1).replace(
        "| {source} | 2 |", "| {source} | x; all is well |"
    )
    given = given.format(source="log", format="kubernetes-audit", second="kubernetes-audit", bad=1)
    concluded, _ = judge(evd_02.CONTROL, given)
    assert concluded["gaps"] == "prod: kubernetes-audit: 1 record could not be read: x, all is well:2"


_LANDED = """
evidence_objects
| source_name | key | format                                    | cluster | collected_at |
| forge       | 1   | github-pulls,github-reviews,github-checks |         | 2026-10-02   |
| operator    | 1   | argocd-application                        | prod    | 2026-10-02   |
people
| person |
| ada    |
landings
| head_sha | position | landed_at        |
| a1…      | 4        | 2026-08-01 10:00 |
changes
| head_sha | pr_number | landed_at        | checks_wanting |
| a1…      | 7         | 2026-08-01 10:00 | build: missing |
deployments
| application | started_at       | status    |
| argocd/web  | 2026-08-02 00:00 | succeeded |
deployment_landings
| application | started_at       | head_sha | app | environment |
| argocd/web  | 2026-08-02 00:00 | a1…      | web | prod        |
waivers
| id  | position | landed_at        | control | covers_from | covers_until | subject                | flaws |
"""
_CHECKED = {"thresholds": {"required_checks": ["build"]}}
_WAIVER = "| W-1 | 4 | 2026-07-01 00:00 | CHG-05 | 2026-07-01 | 2026-09-01 | netbpf/netbpf-gitops#7 | {} |\n"


@pytest.mark.parametrize(("flaws", "waived"), [("", 1), ("it has no scope", 0)])
def test_a_waived_exception_stays_counted_and_fails_nothing(flaws: str, waived: int) -> None:
    """Raw and waived counts stand side by side; only what no waiver covers concludes `exceptions`."""
    conclusion, exceptions = judge(chg_05.CONTROL, _LANDED + _WAIVER.format(flaws), **_CHECKED)
    assert exceptions["waiver"].fillna("").tolist() == ["W-1" if waived else ""]
    assert (conclusion["exceptions"], conclusion["waived"]) == (1, waived)
    assert conclusion["conclusion"] == ("effective" if waived else "exceptions")


@pytest.mark.parametrize(("flaws", "carried"), [("", 0), ("it has no scope", 1)])
def test_a_change_in_production_whose_exceptions_are_waived_has_no_open_one(flaws: str, carried: int) -> None:
    _, exceptions = judge(dep_04.CONTROL, _LANDED + _WAIVER.format(flaws), **_CHECKED)
    assert exceptions["found"].str.contains("CHG-05").sum() == carried


def test_a_waiver_that_is_relied_on_beyond_its_scope_or_end_fails() -> None:
    given = """
    repositories
    | tip |
    | b1… |
    people
    | person |
    | ada    |
    landings
    | head_sha | position | landed_at        |
    | a1…      | 4        | 2026-08-01 10:00 |
    | a2…      | 5        | 2026-08-10 00:00 |
    changes
    | head_sha | pr_number | landed_at        | checks_wanting |
    | a1…      | 7         | 2026-08-01 10:00 | build: missing |
    | a2…      | 8         | 2026-08-10 00:00 | build: missing |
    landing_environments
    | head_sha | app | environment |
    | a1…      | web | dev         |
    | a1…      | web | prod        |
    | a2…      | web | dev         |
    waivers
    | id  | head_sha | position | landed_at  | withdrawn_at | control | covers_from | covers_until | expires    | environment | app |
    | W-1 | c1…      | 4        | 2026-07-01 |              | CHG-05  | 2026-07-01  | 2026-12-01   | 2026-12-01 | dev         | web |
    | W-2 | c2…      | 4        | 2026-07-01 | 2026-08-10   | CHG-05  | 2026-07-01  | 2026-08-10   | 2026-08-10 | dev,prod    | web |
    """
    tables, configured = world(chg_05.CONTROL, Example("", given, "", settings=_CHECKED))
    both = run(tables, configured, PERIOD, as_of=AS_OF, controls=(chg_05.CONTROL, wvr_01.CONTROL))
    exceptions = both["exceptions"]
    first, second = (exception_id("CHG-05", f"{REPOSITORY}#{number}") for number in (7, 8))
    assert exceptions.set_index("exception_id").loc[[first, second], "waiver"].tolist() == ["W-2", "W-1"]
    found = exceptions[exceptions["control"].eq("WVR-01")].set_index("subject")["found"].to_dict()
    assert found == {
        f"waiver:{REPOSITORY}:W-1": f"reaches beyond its scope: {first}",
        f"waiver:{REPOSITORY}:W-2": f"came after its end: {second}",
    }


@pytest.mark.parametrize(("count", "more"), [(3, ""), (5, " and 2 more")])
def test_a_waiver_names_three_of_those_that_it_reaches_in_part(count: int, more: str) -> None:
    numbers = range(1, count + 1)
    given = (
        "repositories\n| tip |\n| b1… |\npeople\n| person |\n| ada |\n"
        "landings\n| head_sha | position | landed_at |\n"
        + "".join(f"| a{n}… | {n} | 2026-08-01 10:00 |\n" for n in numbers)
        + "changes\n| head_sha | pr_number | landed_at | checks_wanting |\n"
        + "".join(f"| a{n}… | {n} | 2026-08-01 10:00 | build: missing |\n" for n in numbers)
        + "landing_environments\n| head_sha | app | environment |\n"
        + "".join(f"| a{n}… | web | dev |\n| a{n}… | web | prod |\n" for n in numbers)
        + "waivers\n| id | head_sha | position | landed_at | control | covers_from | covers_until | expires | environment | app |\n"
        "| W-1 | c1… | 4 | 2026-07-01 | CHG-05 | 2026-07-01 | 2026-12-01 | 2026-12-01 | dev | web |\n"
    )
    tables, configured = world(chg_05.CONTROL, Example("", given, "", settings=_CHECKED))
    both = run(tables, configured, PERIOD, as_of=AS_OF, controls=(chg_05.CONTROL, wvr_01.CONTROL))
    found = both["exceptions"].set_index("control").loc["WVR-01", "found"]
    named = [exception_id("CHG-05", subject) for subject in sorted(f"{REPOSITORY}#{n}" for n in numbers)]
    assert found == f"reaches beyond its scope: {', '.join(named[:3])}{more}"


def test_of_exceptions_with_one_subject_one_that_no_waiver_covers_is_kept() -> None:
    """A waiver of one place must not hide another that is named the same."""

    def twice(tables: Tables, context: Context) -> Result:
        rows = pd.DataFrame(
            {"subject": ["a", "a"], "at": context.start, "path": ["waived", "open"], "evidence": ""}
        )
        return Result(rows, failures(rows, expected="", found=""))

    given = """
    waivers
    | id  | control | covers_from | covers_until | path   |
    | W-1 | CHG-05  | 2026-07-01  | 2026-12-01   | waived |
    """
    tables, configured = world(chg_05.CONTROL, Example("", given, "", settings=_CHECKED))
    one = replace(chg_05.CONTROL, needs=(), test=twice)
    found = run(tables, configured, PERIOD, as_of=AS_OF, controls=(one,))["exceptions"]
    assert found["path"].tolist() == ["open"]
    assert found["waiver"].isna().all()
