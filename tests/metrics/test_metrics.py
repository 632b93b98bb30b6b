"""Figures that can be checked by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from audit.controls.examples import AS_OF, PERIOD, expand, frames
from audit.metrics import METRICS, compute
from audit.settings import Settings

SETTINGS = Settings.model_validate({"organisation": {"name": "NETBPF"}})


def measure(text: str, *, as_of: datetime = AS_OF, **settings: Any) -> pd.DataFrame:
    """Metrics of tables written as pipe tables, indexed by metric, quarter, dimension and group."""
    values = {"organisation": {"name": "NETBPF"}, "thresholds": {"trend_quarters": 2}} | settings
    found = compute(frames(text), Settings.model_validate(values), PERIOD, as_of=as_of)
    return found.set_index(["metric", "quarter", "dimension", "group"]).sort_index()


def figure(found: pd.DataFrame, metric: str, dimension: str = "all", group: str = "") -> tuple[Any, ...]:
    """Value, numerator, denominator and undetermined of the quarter; missing as None."""
    row = found.loc[
        (metric, "2026Q3", dimension, group), ["value", "numerator", "denominator", "undetermined"]
    ]
    return tuple(None if pd.isna(item) else item for item in row)


LANDINGS = """
landings
| head_sha | position | first_position | kind   | pr_number | landed_at           | files | added | deleted | reverts |
| a0…      | 0        | 0              | merge  | 1         | 2026-06-30 23:59:59 | 9     | 9     | 9       |         |
| a1…      | 1        | 1              | merge  | 2         | 2026-07-01 00:00    | 2     | 3     | 4       |         |
| a2…      | 3        | 2              | rebase | 3         | 2026-08-01 00:00    | 1     | 1     | 0       |         |
| a3…      | 4        | 4              | direct |           | 2026-09-30 23:59:59 | 1     | 0     | 5       | a1…     |
| a4…      | 5        | 5              | direct |           | 2026-10-01 00:00    | 9     | 9     | 9       |         |

landing_environments
| head_sha | app | environment |
| a1…      | web | prod        |
| a1…      | web | staging     |
| a2…      | web | prod        |
"""


def test_change_volume_counts_landings_of_the_quarter() -> None:
    """The first instant belongs to it, the last does not; what reaches nothing is kept under its own name."""
    found = measure(LANDINGS)
    assert figure(found, "change_volume") == (3, 3, None, 0)
    assert figure(found, "change_volume", "kind", "merge")[0] == 1
    assert figure(found, "change_volume", "kind", "direct")[0] == 1
    assert figure(found, "change_volume", "environment", "prod")[0] == 2
    assert figure(found, "change_volume", "environment", "staging")[0] == 1
    assert figure(found, "change_volume", "environment", "(none)")[0] == 1
    assert figure(found, "change_volume", "app", "web")[0] == 2
    assert (figure(found, "files_changed")[0], figure(found, "lines_changed")[0]) == (4, 13)
    assert found.loc[("change_volume", "2026Q2", "all", ""), "value"] == 1


def test_a_quarter_before_all_evidence_is_missing_and_not_zero() -> None:
    """Nothing recorded is not nothing done."""
    found = measure(LANDINGS, thresholds={"trend_quarters": 3})
    row = found.loc[("change_volume", "2026Q1", "all", "")]
    assert pd.isna(row["value"])
    assert row["note"] == "no commit is on record before its end"
    assert found.loc[("change_volume", "2026Q2", "all", ""), "note"] == "evidence begins on 2026-06-30"
    every = measure("")
    assert every["value"].isna().all()
    assert every["note"].ne("").all()


def test_a_quarter_that_begins_as_evidence_begins_is_measured() -> None:
    """Evidence that begins with the first instant after a quarter says nothing of that quarter."""
    found = measure("landings\n| head_sha | landed_at |\n| a1… | 2026-07-01 |")
    assert pd.isna(found.loc[("change_volume", "2026Q2", "all", ""), "value"])
    assert found.loc[("change_volume", "2026Q3", "all", "")][["value", "note"]].tolist() == [1, ""]


FEBRUARY = """
deployments
| app | environment | application | status    | started_at       | finished_at      |
| web | prod        | argocd/web  | succeeded | 2026-02-01 10:00 | 2026-02-01 10:01 |

evidence_objects
| source_name | key | format             | cluster | last_modified    | collected_at |
| argo        | 1   | argocd-application | prod    | {written}        | 2026-10-02   |

coverage
| source_name | format             | cluster | hour             | first_at         | last_at          |
| argo        | argocd-application | prod    | 2026-02-01 10:00 | 2026-02-01 10:00 | {seen} |
"""


@pytest.mark.parametrize(
    ("written", "seen", "value"),
    [
        ("2026-02-02 00:00:00", "2026-02-01 10:01", None),
        ("2026-06-30 23:59:59", "2026-06-30 23:59", None),
        ("2026-07-01 00:00:00", "2026-02-01 10:01", 0),
        ("2026-02-02 00:00:00", "2026-07-01 00:00", 0),
    ],
)
def test_a_quarter_after_all_evidence_is_missing_and_not_zero(
    written: str, seen: str, value: int | None
) -> None:
    """What was still collected, or still spoke, in the quarter tells that nothing was deployed; else nobody knows."""
    found = measure(FEBRUARY.format(written=written, seen=seen))
    row = found.loc[("deployment_frequency", "2026Q3", "all", "")]
    assert figure(found, "deployment_frequency")[0] == value
    reason = f"nothing on record is of the quarter or later: evidence ends on {max(written, seen)[:10]}"
    assert (reason in row["note"]) == (value is None)


def test_an_export_that_the_settings_date_reaches_the_quarter() -> None:
    argo = {"name": "argo", "location": "file:argo", "exported_at": "2026-10-01T00:00:00Z"}
    text = FEBRUARY.format(written="2026-02-02", seen="2026-02-01 10:01")
    assert figure(measure(text, sources=[argo]), "deployment_frequency")[0] == 0


@pytest.mark.parametrize(
    ("spans", "missing", "value"),
    [
        ([("2026-07-01", "2026-10-01")], "true", None),
        ([("2026-08-01", "2026-10-01"), ("2026-07-01", "2026-08-01")], "true", None),
        ([("2026-07-01", "2026-10-01")], "false", 0),
        ([("2026-07-02", "2026-10-01")], "true", 0),
        ([("2026-07-01", "2026-09-30")], "true", 0),
        ([("2026-07-01", "2026-08-01"), ("2026-08-02", "2026-10-01")], "true", 0),
    ],
)
def test_a_quarter_that_gaps_cover_is_missing_and_not_zero(
    spans: list[tuple[str, str]], missing: str, value: int | None
) -> None:
    gaps = "".join(f"| argo | argocd-application | undelivered | {a} | {b} | {missing} |\n" for a, b in spans)
    text = FEBRUARY.format(written="2026-10-02", seen="2026-02-01 10:01")
    text += f"\nevidence_gaps\n| source_name | format | kind | start | end | missing |\n{gaps}"
    found = measure(text)
    assert figure(found, "deployment_frequency")[0] == value
    note = found.loc[("deployment_frequency", "2026Q3", "all", ""), "note"]
    assert ("evidence of the whole quarter is missing" in note) == (value is None)


def test_quarters_are_as_many_as_the_settings_say() -> None:
    """This quarter and the ones before it, every metric in each."""
    found = measure("", thresholds={"trend_quarters": 3})
    assert sorted(set(found.index.get_level_values("quarter"))) == ["2026Q1", "2026Q2", "2026Q3"]
    assert len(found) == 3 * len(METRICS)


def test_a_running_quarter_is_counted_until_now() -> None:
    """What lies at or after `as_of` is not counted, and the note says so."""
    found = measure(LANDINGS, as_of=datetime(2026, 8, 1, tzinfo=UTC))
    assert figure(found, "change_volume")[0] == 1
    assert "running: counted until 2026-08-01" in found.loc[("change_volume", "2026Q3", "all", ""), "note"]


REVIEWED = (
    LANDINGS
    + """
evidence_objects
| source_name | format       | collected_at |
| forge       | github-pulls | 2026-10-02   |

pull_requests
| number |
| 2      |

changes
| head_sha | pr_number | landed_at        | created_at       | first_review_at  | first_approval_at | approvals_standing | approvals_independent | authors_known |
| a1…      | 2         | 2026-07-01 00:00 | 2026-06-30 00:00 | 2026-06-30 02:00 | 2026-06-30 03:00  | 1                  | 1                     | true          |
| a2…      | 3         | 2026-08-01 00:00 | 2026-07-31 00:00 | 2026-07-31 06:00 |                   | {standing}         | 0                     | {known}       |
"""
)


def test_review_coverage_counts_direct_pushes_as_not_approved() -> None:
    """One of three: the rebase has no approval, the push no pull request."""
    found = measure(REVIEWED.format(standing=0, known="true"))
    assert figure(found, "review_coverage") == (pytest.approx(1 / 3), 1, 3, 0)
    assert figure(found, "review_coverage", "environment", "prod") == (0.5, 1, 2, 0)
    assert found.loc[("review_coverage", "2026Q3", "all", ""), "note"].startswith("small number: 3 items")


def test_review_coverage_leaves_unknown_authors_undetermined() -> None:
    """An approval that may be an author's own is neither counted nor held against the change."""
    found = measure(REVIEWED.format(standing=1, known="false"))
    assert figure(found, "review_coverage") == (0.5, 1, 2, 1)


def test_review_coverage_without_the_forge_is_undetermined() -> None:
    """Without any export nobody knows what was approved: no zero. What webhooks tell is no export."""
    found = measure(LANDINGS)
    told = measure(REVIEWED.format(standing=0, known="true").replace("github-pulls", "github-webhook"))
    assert figure(told, "review_coverage") == (None, 0, 0, 3)
    assert figure(found, "review_coverage") == (None, 0, 0, 3)
    assert found.loc[("review_coverage", "2026Q3", "all", ""), "note"] == "none could be determined"


def test_latencies_are_medians_over_what_was_reviewed() -> None:
    """2 h and 6 h to the first review; one approval after 3 h, one never."""
    found = measure(REVIEWED.format(standing=0, known="true"))
    assert figure(found, "time_to_first_review") == (4, 2, 2, 0)
    assert figure(found, "time_to_first_approval") == (3, 1, 2, 1)


DEPLOYED = (
    LANDINGS
    + """
commits
| sha | position | landed_by | author_time      |
| a1… | 1        | 1         | 2026-06-30 22:00 |
| b1… |          | 1         | 2026-06-29 00:00 |
| a2… | 3        | 3         | 2026-07-31 00:00 |
| b2… | 2        | 2         | 2026-07-30 00:00 |
| a3… | 4        | 4         | 2026-09-30 00:00 |

deployments
| application | app | started_at       | finished_at      | status    | changed | position | options  |
| argocd/web  | web | 2026-06-30 23:59 | 2026-06-30 23:59 | succeeded | true    | 0        |          |
| argocd/web  | web | 2026-07-01 02:00 | 2026-07-01 03:00 | succeeded | true    | 1        |          |
| argocd/web  | web | 2026-07-02 01:00 | 2026-07-02 02:00 | failed    | false   | 1        |          |
| argocd/web  | web | 2026-08-02 00:00 |                  | running   | false   | 3        |          |

deployment_landings
| application | started_at       | head_sha | app |
| argocd/web  | 2026-07-01 02:00 | a1…      | web |
"""
)


def test_lead_time_ends_with_the_first_production_deployment() -> None:
    """3 h for the one, the other is not deployed yet; what reaches no production environment is not asked."""
    found = measure(DEPLOYED)
    assert figure(found, "lead_time") == (3, 1, 2, 1)
    assert figure(found, "lead_time", "app", "web") == (3, 1, 2, 1)
    # from the branch's first commit on 29 June to 1 July 03:00
    assert figure(found, "commit_to_production") == (51, 1, 2, 1)


def test_deployment_frequency_counts_changed_revisions() -> None:
    """Failed, running and earlier deployments do not count."""
    found = measure(DEPLOYED)
    assert figure(found, "deployment_frequency") == (1, 1, None, 0)
    value, count, weeks, _ = figure(found, "deployments_per_week")
    assert (count, weeks) == (1, pytest.approx(92 / 7))
    assert value == pytest.approx(7 / 92)


def test_only_production_environments_count() -> None:
    """Which environments are production is a setting."""
    found = measure(DEPLOYED, production=["live"])
    assert figure(found, "deployment_frequency")[0] == 0
    assert figure(found, "sync_success_rate")[0] == 0.5


def test_sync_success_leaves_running_ones_undetermined() -> None:
    """One succeeded, one failed, one is running."""
    assert figure(measure(DEPLOYED), "sync_success_rate") == (0.5, 1, 2, 1)


FAILING = """
deployments
| application | started_at       | finished_at      | status    | changed | position | options  |
| argocd/a    | 2026-07-10 00:00 | 2026-07-10 00:10 | succeeded | true    | 5        |          |
| argocd/a    | {second}         | {second}         | succeeded | true    | {place}  | {option} |

app_states
| application | aspect | state   | start            | end |
| argocd/a    | health | Healthy | 2026-07-01 00:00 |     |
"""


@pytest.mark.parametrize(
    ("second", "place", "option", "failed"),
    [
        ("2026-07-11 00:00", 4, "", 1),  # to an older revision, at the very end of the window
        ("2026-07-11 00:00:01", 4, "", 0),  # a second too late
        ("2026-07-11 00:00", 6, "", 0),  # forward
        ("2026-07-11 00:00", 6, "force,rollback", 1),  # the operator calls it a rollback
    ],
)
def test_a_rollback_within_the_window_is_a_failure(second: str, place: int, option: str, failed: int) -> None:
    """It counts against the deployment before it, not against itself."""
    found = measure(FAILING.format(second=second, place=place, option=option))
    assert figure(found, "change_failure_rate") == (failed / 2, failed, 2, 0)
    assert figure(found, "restore_time") == ((0, 1, 1, 0) if failed else (None, 0, 0, 0))


def test_degraded_health_is_a_failure_of_the_deployment_before_it() -> None:
    """Of two deployments within the window only the later is blamed; healthy again after 2 h."""
    text = FAILING.format(second="2026-07-10 12:00", place=6, option="") + (
        "| argocd/a    | health | Degraded | 2026-07-10 13:00 | 2026-07-10 14:00 |\n"
        "| argocd/a    | health | Progressing | 2026-07-10 14:00 | 2026-07-10 15:00 |\n"
        "| argocd/a    | health | Healthy | 2026-07-10 15:00 | |\n"
    )
    found = measure(text)
    assert figure(found, "change_failure_rate") == (0.5, 1, 2, 0)
    assert figure(found, "restore_time") == (2, 1, 1, 0)


def test_a_failure_that_lasts_is_not_restored() -> None:
    """Still degraded when evidence was collected: undetermined, not nothing."""
    text = FAILING.format(second="2026-07-10 12:00", place=6, option="")
    found = measure(text + "| argocd/a | health | Degraded | 2026-07-10 13:00 | |\n")
    assert figure(found, "restore_time") == (None, 0, 1, 1)


def test_without_health_on_record_success_is_undetermined() -> None:
    """No failure seen is no success where nobody looked."""
    text = FAILING.format(second="2026-07-11 00:00", place=4, option="").split("app_states")[0]
    assert figure(measure(text), "change_failure_rate") == (1, 1, 1, 1)


def test_a_window_that_is_not_over_leaves_success_undetermined() -> None:
    """The second deployment's 24 hours end on 12 July at noon: then it is known, a second before it is not."""
    text = FAILING.format(second="2026-07-11 12:00", place=6, option="")
    over = measure(text, as_of=datetime(2026, 7, 12, 12, tzinfo=UTC))
    assert figure(over, "change_failure_rate") == (0, 0, 2, 0)
    early = measure(text, as_of=datetime(2026, 7, 12, 11, 59, 59, tzinfo=UTC))
    assert figure(early, "change_failure_rate") == (0, 0, 1, 1)


@pytest.mark.parametrize(("landed", "failed"), [("2026-07-11 00:00", 1), ("2026-07-11 00:00:01", 0)])
def test_a_revert_of_what_it_carried_is_a_failure(landed: str, failed: int) -> None:
    """It is over when the revert is in production, 6 h later."""
    text = (
        FAILING.format(second="2026-07-11 06:00", place=6, option="")
        + f"""
landings
| head_sha | position | landed_at        | reverts |
| a1…      | 5        | 2026-07-09 00:00 |         |
| a2…      | 6        | {landed}         | a1…     |

deployment_landings
| application | started_at       | head_sha |
| argocd/a    | 2026-07-10 00:00 | a1…      |
| argocd/a    | 2026-07-11 06:00 | a2…      |
"""
    )
    found = measure(text)
    assert figure(found, "change_failure_rate") == (failed / 2, failed, 2, 0)
    assert figure(found, "restore_time") == ((6, 1, 1, 0) if failed else (None, 0, 0, 0))


@pytest.mark.parametrize(("limit", "note"), [(2, ""), (3, "small number: 2 items")])
def test_few_items_carry_a_warning(limit: int, note: str) -> None:
    """Below the limit, not at it."""
    text = FAILING.format(second="2026-07-11 12:00", place=6, option="")
    row = measure(text, thresholds={"small_number": limit}).loc[("change_failure_rate", "2026Q3", "all", "")]
    assert row["note"].split("; ")[0] == (note or "evidence begins on 2026-07-10")


def test_every_metric_says_what_it_counts() -> None:
    """Ids are unique and definitions are sentences."""
    assert len({metric.id for metric in METRICS}) == len(METRICS)
    assert all(metric.definition.endswith(".") and len(metric.definition) > 40 for metric in METRICS)


def test_the_same_tables_in_another_order_give_the_same_figures() -> None:
    """Nothing depends on the order of rows."""
    tables = frames(REVIEWED.format(standing=0, known="true"))
    turned = {name: rows.iloc[::-1].reset_index(drop=True) for name, rows in tables.items()}
    expected = compute(tables, SETTINGS, PERIOD, as_of=AS_OF)
    pd.testing.assert_frame_equal(compute(turned, SETTINGS, PERIOD, as_of=AS_OF), expected)
    assert expand("a1…") in set(tables["landings"]["head_sha"])
