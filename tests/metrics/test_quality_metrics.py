"""Figures of size, review, state and security that can be checked by hand."""

from __future__ import annotations

import pytest

from audit.controls.examples import AS_OF, PERIOD, frames
from audit.metrics import METRICS, made_of
from tests.metrics.test_metrics import LANDINGS, SETTINGS, figure, measure

WORK = (
    LANDINGS
    + """
people
| person |
| ada    |
| grace  |
| tower  |

roles
| person | team     | since      | until      |
| ada    | platform |            |            |
| grace  | apps     |            | 2026-08-01 |
| grace  | platform | 2026-08-01 |            |

changes
| head_sha | pr_number | landed_at  | created_at | authors   |
| a1…      | 2         | 2026-07-01 | 2026-06-30 | ada grace |
| a2…      | 3         | 2026-08-01 | 2026-07-30 | ada tower |
"""
)


def test_volume_and_churn_are_told_by_team() -> None:
    """A landing counts for each team of its authors at that time; the push belongs to none that is known."""
    found = measure(WORK)
    for team, landings, lines in (("platform", 2, 8), ("apps", 1, 7), ("(none)", 1, 5)):
        assert figure(found, "change_volume", "team", team) == (landings, landings, None, 0)
        assert figure(found, "lines_changed", "team", team)[0] == lines
    assert figure(found, "lines_changed", "environment", "prod")[0] == 8
    assert figure(found, "lines_changed", "app", "web")[0] == 8
    assert figure(found, "lines_changed", "kind", "direct")[0] == 5


def test_the_size_of_a_change_is_a_median() -> None:
    """7, 1 and 5 lines: 5; few enough for a warning."""
    found = measure(WORK)
    assert figure(found, "change_size") == (5, 3, 3, 0)
    assert figure(found, "change_size", "team", "platform") == (4, 2, 2, 0)
    assert found.loc[("change_size", "2026Q3", "all", ""), "note"].startswith("small number: 3 items")


BATCHES = """
deployments
| application | app | started_at       | finished_at      | status    | changed | environment |
| argocd/web  | web | 2026-07-01 02:00 | 2026-07-01 03:00 | succeeded | true    | prod        |
| argocd/web  | web | 2026-07-02 02:00 | 2026-07-02 03:00 | succeeded | true    | prod        |
| argocd/web  | web | 2026-07-03 02:00 | 2026-07-03 03:00 | succeeded | true    | prod        |
| argocd/dev  | web | 2026-07-03 02:00 | 2026-07-03 03:00 | succeeded | true    | dev         |

deployment_landings
| application | started_at       | head_sha | app |
| argocd/web  | 2026-07-01 02:00 | a1…      | web |
| argocd/web  | 2026-07-01 02:00 | a2…      | web |
| argocd/web  | 2026-07-01 02:00 | a3…      | web |
| argocd/web  | 2026-07-02 02:00 | a4…      | web |
| argocd/dev  | 2026-07-03 02:00 | a5…      | web |
"""


def test_a_batch_is_what_a_production_deployment_carried() -> None:
    """Three and one: two; what carried nothing is no batch, and dev is not production."""
    found = measure(BATCHES)
    assert figure(found, "batch_size") == (2, 2, 2, 0)
    assert figure(found, "batch_size", "app", "web") == (2, 2, 2, 0)


REVIEWS = """
changes
| head_sha | pr_number | landed_at  | created_at       | first_approval_at   | opener_login | approvers | approvals_standing | approvals_covering |
| a1…      | 1         | 2026-07-02 | 2026-07-01 00:00 | 2026-07-01 00:05    | ada          | grace bob | 2                  | 1                  |
| a2…      | 2         | 2026-07-03 | 2026-07-01 00:00 | 2026-07-01 00:05:01 | ada          | grace     | 1                  | 0                  |
| a3…      | 3         | 2026-07-04 | 2026-07-01 00:00 |                     | bob          |           | 0                  | 0                  |
| a4…      | 4         | 2026-06-30 | 2026-06-01 00:00 | 2026-06-01 00:00    | bob          | bob       | 1                  | 0                  |

reviews
| number | review_id | reviewer | state     | submitted_at     |
| 1      | 1         | grace    | COMMENTED | 2026-07-01 00:01 |
| 1      | 2         | grace    | APPROVED  | 2026-07-01 00:05 |
| 1      | 3         | bob      | APPROVED  | 2026-07-01 00:06 |
| 1      | 4         | ada      | COMMENTED | 2026-07-01 00:07 |
| 2      | 5         | grace    | APPROVED  | 2026-07-01 00:06 |
| 2      | 6         | bob      | PENDING   |                  |
"""


def test_files_are_told_by_team_application_environment_and_kind() -> None:
    """As lines are: a landing counts wherever it reaches."""
    found = measure(WORK)
    for dimension, group, files in (
        ("kind", "merge", 2), ("kind", "direct", 1), ("environment", "prod", 3), ("environment", "staging", 2), ("app", "web", 3),
        ("team", "platform", 3), ("team", "apps", 2), ("team", "(none)", 1),
    ):  # fmt: skip
        assert figure(found, "files_changed", dimension, group)[0] == files, (dimension, group)


def test_depth_counts_submitted_reviews_of_others() -> None:
    """Three, one and none; the opener's own and what was never submitted do not count."""
    assert figure(measure(REVIEWS), "review_depth") == (1, 3, 3, 0)


def test_depth_counts_people_and_no_author_whatever_they_are_called() -> None:
    """A bot is nobody, a name is the same in any case, and who wrote a part of it does not review it."""
    world = """
    people
    | person |
    | ada    |
    | grace  |
    | bob    |
    identities
    | system | identifier | person |
    | github | ada        | ada    |
    | github | grace-h    | grace  |
    | github | bob        | bob    |
    changes
    | head_sha | pr_number | landed_at  | created_at | opener | opener_login | authors   |
    | a1…      | 1         | 2026-07-02 | 2026-07-01 | ada    | ada          | ada grace |
    | a2…      | 2         | 2026-07-03 | 2026-07-01 | bob    | bob          | bob       |
    reviews
    | number | review_id | reviewer      | state     | submitted_at     |
    | 1      | 1         | Ada           | COMMENTED | 2026-07-01 00:01 |
    | 1      | 2         | Grace-H       | APPROVED  | 2026-07-01 00:02 |
    | 1      | 3         | renovate[bot] | APPROVED  | 2026-07-01 00:03 |
    | 1      | 4         | bob           | APPROVED  | 2026-07-01 00:04 |
    | 1      | 5         | stranger      | COMMENTED | 2026-07-01 00:05 |
    | 2      | 6         | grace-h       | APPROVED  | 2026-07-01 00:06 |
    | 2      | 7         | github-actions[bot] | COMMENTED | 2026-07-01 00:07 |
    """
    counted = made_of("review_depth", frames(world), SETTINGS, PERIOD, as_of=AS_OF)
    assert counted["value"].tolist() == [2, 1]


def test_an_approval_within_five_minutes_is_rushed() -> None:
    """One of two; a second more is not, and what nobody approved is undetermined."""
    assert figure(measure(REVIEWS), "rushed_approvals") == (0.5, 1, 2, 1)


def test_an_approval_that_came_before_the_change_could_be_read_is_no_reading() -> None:
    """250 lines take five minutes at 50 lines a minute: one minute less by a second is too little; 99 lines are not asked."""
    landings = """
    landings
    | head_sha | position | landed_at  | added | deleted |
    | a1…      | 1        | 2026-07-02 | 200   | 50      |
    | a2…      | 2        | 2026-07-03 | 200   | 51      |
    | a3…      | 3        | 2026-07-04 | 100   | 0       |
    | a5…      | 5        | 2026-07-04 | 99    | 0       |
    """
    more = REVIEWS.replace(
        "| a4…",
        "| a5…      | 5         | 2026-07-05 | 2026-07-01 00:00 | 2026-07-01 00:00    | bob          | bob       | 1                  | 0                  |\n| a4…",
    )
    found = measure(landings + more.replace("00:05:01", "00:05:00"))
    assert figure(found, "unread_approvals") == (0.5, 1, 2, 1)


def test_the_busiest_approver_gave_two_of_three_approvals() -> None:
    """Nobody is named: the figure says how much hangs on one person."""
    value, given, every, undetermined = figure(measure(REVIEWS), "reviewer_concentration")
    assert (round(value, 4), given, every, undetermined) == (0.6667, 2, 3, 0)


def test_an_approval_of_another_commit_is_stale() -> None:
    """One of the two that have approvals; one without any is not asked."""
    assert figure(measure(REVIEWS), "stale_approvals") == (0.5, 1, 2, 0)


STATES = """
deployments
| application | app | started_at | status    | environment | cluster |
| argocd/web  | web | 2026-06-01 | succeeded | prod        | prod    |
| argocd/dev  | web | 2026-06-01 | succeeded | dev         | prod    |

app_states
| cluster | application | aspect | state     | start            | end              |
| prod    | argocd/web  | sync   | OutOfSync | 2026-06-30 23:00 | 2026-07-01 05:00 |
| prod    | argocd/web  | sync   | OutOfSync | 2026-07-02 00:00 | 2026-07-02 01:00 |
| prod    | argocd/web  | sync   | OutOfSync | 2026-07-03 00:00 | 2026-07-03 03:00 |
| prod    | argocd/web  | sync   | OutOfSync | 2026-09-30 00:00 |                  |
| prod    | argocd/web  | sync   | Synced    | 2026-07-03 03:00 | 2026-09-30 00:00 |
| prod    | argocd/dev  | sync   | OutOfSync | 2026-07-02 00:00 | 2026-07-09 00:00 |
| prod    | argocd/new  | health | Degraded  | 2026-07-02 00:00 | 2026-07-02 00:30 |
"""


def test_drift_is_measured_where_it_began_and_ended() -> None:
    """One hour and three; what lasts is undetermined, what began before belongs to that quarter, dev is not production."""
    found = measure(STATES, clusters=[{"name": "prod", "environment": "prod"}])
    assert figure(found, "drift_time") == (2, 2, 3, 1)
    assert figure(found, "drift_time", "app", "web") == (2, 2, 3, 1)
    assert found.loc[("drift_time", "2026Q2", "all", ""), "value"] == 6
    # of an application that was never deployed its cluster says whether it is production
    assert figure(found, "degraded_time", "app", "new") == (0.5, 1, 1, 0)


PROMOTED = """
promotions
| app | image | version | environment | set_at           |
| web | web   | 1.0     | dev         | 2026-07-01 00:00 |
| web | web   | 1.0     | staging     | 2026-07-01 10:00 |
| web | web   | 1.0     | prod        | 2026-07-01 12:00 |
| web | web   | 1.1     | dev         | 2026-07-02 00:00 |
| web | web   | 1.1     | prod        | 2026-07-02 06:00 |
| web | web   | 1.2     | prod        | 2026-07-03 00:00 |
| web | web   | 1.3     | dev         | 2026-07-05 00:00 |
| web | web   | 1.3     | prod        | 2026-07-04 00:00 |
"""


def test_soak_counts_from_the_last_environment_before_production() -> None:
    """2 h after staging and 6 h after dev; never before, or only later, is undetermined and no zero."""
    found = measure(PROMOTED)
    assert figure(found, "promotion_soak") == (4, 2, 4, 2)
    assert figure(found, "promotion_soak", "app", "web") == (4, 2, 4, 2)


SECURITY = """
secret_references
| path | kind         | name | changed_at |
| a    | SealedSecret | a    | 2026-09-21 |
| b    | SOPS         | b    | 2026-09-01 |
| c    | SOPS         | c    | 2026-10-01 |

scans
| scan | scanner | artifact | at               |
| s1   | trivy   | web      | 2026-07-01 00:00 |
| s2   | trivy   | web      | 2026-07-02 00:00 |
| s3   | trivy   | web      | 2026-07-02 12:00 |
| s4   | trivy   | web      | 2026-10-01 00:00 |
| s5   | grype   | web      | 2026-06-01 00:00 |

vulnerabilities
| scan | scanner | artifact | item | vulnerability | severity | published_at | suppressed |
| s2   | trivy   | web      | 1    | CVE-1         | high     | 2020-01-01   | false      |
| s3   | trivy   | web      | 1    | CVE-2         | high     | 2026-09-21   | false      |
| s3   | trivy   | web      | 2    | CVE-3         | low      | 2026-09-01   | false      |
| s3   | trivy   | web      | 3    | CVE-4         | low      |              | false      |
| s3   | trivy   | web      | 4    | CVE-5         | low      | 2020-01-01   | true       |
| s4   | trivy   | web      | 1    | CVE-6         | low      | 2020-01-01   | false      |
| s5   | grype   | web      | 1    | CVE-2         | high     | 2026-08-02   | false      |
"""


def test_a_secret_is_as_old_as_its_content() -> None:
    """10 and 30 days at the end of September; what was changed after the quarter is not of it."""
    found = measure(SECURITY)
    assert figure(found, "secret_age") == (20, 2, 2, 0)
    assert figure(found, "secret_age", "kind", "SOPS") == (30, 1, 1, 0)


def test_vulnerabilities_are_those_of_the_last_scan_of_each_artifact() -> None:
    """10, 30 and, by the other scanner, 60 days; without a time of publication undetermined; let pass is not open."""
    found = measure(SECURITY)
    assert figure(found, "vulnerability_age") == (30, 3, 4, 1)
    assert figure(found, "vulnerability_age", "severity", "high") == (35, 2, 2, 0)


def test_cadence_is_the_time_since_the_scan_before() -> None:
    """24 h and 12 h; the first scan has none before it, and the one of October is not of the quarter."""
    found = measure(SECURITY)
    assert figure(found, "scan_cadence") == (18, 2, 3, 1)
    assert figure(found, "scan_cadence", "scanner", "trivy") == (18, 2, 3, 1)


@pytest.mark.parametrize(
    ("metric", "named"),
    [
        ("secret_age", "netbpf/netbpf-gitops b SOPS  b"),
        ("vulnerability_age", "trivy web   CVE-3"),
        ("scan_cadence", "trivy web"),
    ],
)
def test_items_without_a_name_of_their_own_are_named_by_what_they_are(metric: str, named: str) -> None:
    """So that a figure leads to what it was made of; of nothing there are no items."""
    made = made_of(metric, frames(SECURITY), SETTINGS, PERIOD, as_of=AS_OF)
    assert named in set(made["subject"])
    assert made_of(metric, frames(""), SETTINGS, PERIOD, as_of=AS_OF).empty


def test_every_metric_says_what_is_counted_and_has_its_own_id() -> None:
    """Definitions are sentences; nothing is told twice."""
    assert len({metric.id for metric in METRICS}) == len(METRICS)
    assert all(metric.definition.endswith(".") and metric.unit for metric in METRICS)
