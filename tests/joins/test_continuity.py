"""Where evidence is missing: pauses against a cadence, lateness, clocks, retention, caps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import hypothesis
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import settings as s
from audit import tables as t
from audit.controls.examples import REPOSITORY, frames
from audit.joins.continuity import continuity
from audit.period import Period

Q3 = Period.quarter("2026Q3")
AS_OF = datetime(2026, 10, 3, tzinfo=UTC)
START = pd.Timestamp("2026-07-01", tz="UTC")


def configured(*sources: dict[str, Any], **values: Any) -> s.Settings:
    """Settings with a cluster `prod` and sources that lie in folders."""
    every = [{"location": "file:evidence", "name": "log"} | source for source in sources]
    return s.validate(
        {
            "organisation": {"name": "NETBPF"},
            "clusters": [{"name": "prod", "environment": "prod"}],
            "sources": every,
            **values,
        },
        where=Path("audit.toml"),
    )


def objects(*rows: tuple[str, str, str, str], cluster: str = "", collected: str = "2026-10-02") -> str:
    """Evidence objects: source, sha256 (its first digit), format, when it was written."""
    text = (
        "evidence_objects\n| source_name | key | sha256 | format | cluster | last_modified | collected_at |\n"
    )
    for source, digit, format_, written in rows:
        text += f"| {source} | {digit} | {digit * 64} | {format_} | {cluster} | {written} | {collected} |\n"
    return text


def hours(*rows: tuple[str, str, str, str, str], cluster: str = "") -> str:
    """Coverage: source, sha256 (its first digit), format, first and last time."""
    text = "coverage\n| source_name | evidence | format | cluster | hour | first_at | last_at | records |\n"
    together: dict[tuple[str, str, str, str], list[str]] = {}
    for source, digit, format_, first, last in rows:
        together.setdefault((source, digit, format_, first[:13]), []).extend((first, last))
    for (source, digit, format_, hour), times in together.items():
        text += f"| {source} | {digit * 64} | {format_} | {cluster} | {hour}:00 | {min(times)} | {max(times)} | 1 |\n"
    return text


def found(given_: str, settings: s.Settings, kind: str, *, as_of: datetime = AS_OF) -> pd.DataFrame:
    """Gaps of one kind."""
    rows = continuity(frames(given_), settings, Q3, as_of=as_of)["evidence_gaps"]
    return rows[rows["kind"].eq(kind)].reset_index(drop=True)


def spans(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Their spans, as day, hour and minute."""
    form = "%m-%d %H:%M"
    return list(zip(rows["start"].dt.strftime(form), rows["end"].dt.strftime(form), strict=True))


def hourly(moments: list[pd.Timestamp], source: str = "log", format_: str = "vault-audit") -> str:
    """A log with one record at each of some moments, all in one object."""
    stamps = [moment.strftime("%Y-%m-%d %H:%M:%S") for moment in moments]
    return objects((source, "a", format_, "2026-10-01 00:10")) + hours(
        *((source, "a", format_, stamp, stamp) for stamp in stamps)
    )


def every(step: str, *, but: tuple[str, str] | None = None, end: str = "2026-10-01") -> list[pd.Timestamp]:
    """Moments throughout the quarter, but for those between two."""
    moments = list(pd.date_range(START, pd.Timestamp(end, tz="UTC"), freq=step))
    if but is None:
        return moments
    first, last = (pd.Timestamp(each, tz="UTC") for each in but)
    return [moment for moment in moments if not first < moment < last]


@pytest.mark.parametrize(
    ("until", "gaps"),
    [
        ("2026-08-02 03:00", []),  # three times an hour, which is the usual pause
        ("2026-08-02 04:00", [("08-02 00:00", "08-02 04:00")]),
    ],
)
def test_a_logs_cadence_is_learned_from_its_own_pauses(until: str, gaps: list[tuple[str, str]]) -> None:
    """Three times the pause that all but the longest few keep to; no more than that is a silence."""
    given_ = hourly(every("h", but=("2026-08-02 00:00", until)))
    assert spans(found(given_, configured({}), "silence")[lambda rows: rows["source_name"].eq("log")]) == gaps
    known = continuity(frames(given_), configured({}), Q3, as_of=AS_OF)["evidence_streams"].iloc[0]
    assert (known["basis"], known["cadence_minutes"], known["nature"]) == ("learned", 180.0, "log")


def test_nights_and_weekends_are_no_silences() -> None:
    """A log of office hours pauses every night, and longer at weekends."""
    office = [each for each in every("h") if each.day_of_week < 5 and 8 <= each.hour < 18]
    gaps = found(hourly(office), configured({}), "silence")
    assert gaps[gaps["source_name"].eq("log")].empty
    away = [
        each
        for each in office
        if not pd.Timestamp("2026-08-03", tz="UTC") <= each < pd.Timestamp("2026-08-14", tz="UTC")
    ]
    gaps = found(hourly(away), configured({}), "silence")
    assert spans(gaps[gaps["source_name"].eq("log")]) == [("07-31 17:00", "08-14 08:00")]


@pytest.mark.parametrize(("days", "count"), [(60, 8), (50, 0)])
def test_a_log_that_grows_thin_in_a_quarter_does_not_teach_that_this_is_usual(days: int, count: int) -> None:
    """Five days are missing eight times over: by the pace of before, where there is enough of it, and else by none."""
    whole = pd.date_range(START - timedelta(days=days), pd.Timestamp("2026-10-01", tz="UTC"), freq="h")
    thin = [each for each in whole if each < START or (each - START).days % 11 < 6]
    gaps = found(hourly(thin), configured({}), "silence")
    assert len(gaps[gaps["source_name"].eq("log")]) == count


def test_a_cadence_that_is_set_counts_before_any_other() -> None:
    """To the minute: a pause of the cadence is none, one of a minute more is."""
    given_ = hourly(every("6h"))
    for minutes, count in ((360, 0), (359, len(every("6h")) - 1)):
        gaps = found(given_, configured({"cadence_minutes": minutes}), "silence")
        assert len(gaps[gaps["source_name"].eq("log")]) == count


def test_a_pace_is_not_learned_from_little() -> None:
    """Too few hours, or too short a life, say nothing of how long a pause may last: one of two weeks or more is not passed over."""
    few = [START + timedelta(days=day) for day in range(0, 26, 2)]
    short = [START + timedelta(hours=hour) for hour in range(14 * 24)]
    rare = [START + timedelta(days=day) for day in range(0, 92, 14)]
    for moments, silent in (
        (few, [("07-25 00:00", "10-01 00:00")]),
        (short, [("07-14 23:00", "10-01 00:00")]),
        (rare, []),
    ):
        known = continuity(frames(hourly(moments)), configured({}), Q3, as_of=AS_OF)
        assert known["evidence_streams"]["basis"].tolist() == ["unknown"]
        gaps = known["evidence_gaps"]
        gaps = gaps[gaps["source_name"].eq("log")]
        assert spans(gaps) == silent
        assert gaps["missing"].all()
        assert gaps["detail"].str.endswith("too few tell what is usual: set cadence_minutes").all()


def test_one_of_several_api_servers_is_missed_though_the_cluster_is_not_silent() -> None:
    """The cluster's log goes on: whose records are missing is told by that server's own source."""
    form = "%Y-%m-%d %H:%M"
    both = [("one", "a", every("30min")), ("two", "b", every("30min", but=("2026-08-02", "2026-08-04")))]
    given_ = objects(*((name, digit, "kubernetes-audit", "") for name, digit, _ in both), cluster="prod")
    rows = [
        (name, digit, "kubernetes-audit", moment.strftime(form), moment.strftime(form))
        for name, digit, moments in both
        for moment in moments
    ]
    settings = configured({"name": "one", "cluster": "prod"}, {"name": "two", "cluster": "prod"})
    gaps = found(given_ + hours(*rows, cluster="prod"), settings, "silence")
    assert gaps["source_name"].tolist() == ["two"]
    assert spans(gaps) == [("08-02 00:00", "08-04 00:00")]
    assert gaps["cluster"].tolist() == ["prod"]


@pytest.mark.parametrize("succeeded", [True, False])
def test_a_source_that_ended_is_not_missed_where_another_took_its_place(succeeded: bool) -> None:
    """Without one that goes on, what is missing is missing, whatever the settings say."""
    first = every("h", end="2026-08-01")
    second = [each for each in every("h") if each >= first[-1]] if succeeded else []
    form = "%Y-%m-%d %H:%M"
    rows = [("old", "a", "vault-audit", each.strftime(form), each.strftime(form)) for each in first]
    rows += [("new", "b", "vault-audit", each.strftime(form), each.strftime(form)) for each in second]
    known = [("old", "a", "vault-audit", ""), ("new", "b", "vault-audit", "")][: 1 + succeeded]
    settings = configured({"name": "old", "ended_at": "2026-08-01T00:00:00Z"}, {"name": "new"})
    gaps = found(objects(*known) + hours(*rows), settings, "silence")
    old = gaps[gaps["source_name"].eq("old")]
    assert spans(old) == ([] if succeeded else [("08-01 00:00", "10-01 00:00")])


@pytest.mark.parametrize(("format_", "missing"), [("argocd-application", True), ("github-pulls", False)])
def test_exports_that_did_not_come(format_: str, missing: bool) -> None:
    """A snapshot that was not made leaves open how things stood; what pulls lack, the next export brings."""
    days = [day for day in range(93) if not 10 < day < 20]
    rows = [
        ("log", f"{number:064x}", (START + timedelta(days=day)).strftime("%Y-%m-%d"))
        for number, day in enumerate(days)
    ]
    text = "evidence_objects\n| source_name | key | sha256 | format | last_modified | collected_at |\n"
    for source, digest, written in rows:
        text += f"| {source} | {digest} | {digest} | {format_} | {written} | 2026-10-02 |\n"
    gaps = found(text, configured({}), "undelivered")
    assert spans(gaps) == [("07-11 00:00", "07-21 00:00")]
    assert gaps["missing"].tolist() == [missing]


def test_what_the_source_does_not_date_is_not_called_late() -> None:
    """Files of a folder have no time of writing: their pace is unknown, unless it is set."""
    text = "evidence_objects\n| source_name | key | sha256 | format | last_modified | collected_at |\n"
    text += f"| log | 1 | {'a' * 64} | argocd-application | | 2026-10-02 |\n"
    assert found(text, configured({}), "undelivered").empty


def delayed(minutes: int, *, collected: str, outlier: bool = False) -> str:
    """A log in one object an hour, each written some minutes after its last record."""
    names, covered = [], []
    for number, moment in enumerate(every("h")):
        digest = f"{number:064x}"
        written = moment + timedelta(minutes=minutes)
        if outlier and number == 1000:
            written = moment + timedelta(days=5)
        names.append(f"| log | {digest} | {digest} | vault-audit | {written:%Y-%m-%d %H:%M} | {collected} |")
        stamp = f"{moment:%Y-%m-%d %H:%M}"
        covered.append(f"| log | {digest} | vault-audit | {stamp} | {stamp} | {stamp} | 1 |")
    return (
        "evidence_objects\n| source_name | key | sha256 | format | last_modified | collected_at |\n"
        + "\n".join(names)
        + "\ncoverage\n| source_name | evidence | format | hour | first_at | last_at | records |\n"
        + "\n".join(covered)
        + "\n"
    )


def test_what_usually_comes_late_is_waited_for() -> None:
    """Collected too soon after the quarter's end, its last hours may still be on their way."""
    gaps = found(delayed(90, collected="2026-10-01 01:00"), configured({}), "pending")
    assert spans(gaps) == [("09-30 23:30", "10-01 00:00")]
    assert gaps["missing"].all()
    assert found(delayed(90, collected="2026-10-01 01:30"), configured({}), "pending").empty


def test_late_arrivals_are_told_and_miss_nothing() -> None:
    """One object came five days after its records; copies, written at one time, are not late."""
    gaps = found(delayed(5, collected="2026-10-02", outlier=True), configured({}), "late")
    assert spans(gaps) == [("08-11 16:00", "08-11 16:00")]
    assert not gaps["missing"].any()
    copied = hourly(every("h"))
    assert found(copied, configured({}), "late").empty


@pytest.mark.parametrize(("last", "count"), [("2026-08-01 10:05", 0), ("2026-08-01 10:06", 1)])
def test_records_are_not_dated_after_their_object_was_written(last: str, count: int) -> None:
    """By more than clocks may differ: five minutes."""
    given_ = objects(("log", "a", "vault-audit", "2026-08-01 10:00")) + hours(
        ("log", "a", "vault-audit", "2026-08-01 09:00", last)
    )
    gaps = found(given_, configured({}), "clock")
    assert len(gaps) == count
    assert spans(gaps) == [("07-01 00:00", "08-01 10:00")] * count


@pytest.mark.parametrize(
    ("landed", "source", "count"), [("12:05", "forge", 0), ("12:06", "forge", 1), ("12:06", "committer", 0)]
)
def test_nothing_is_deployed_before_it_landed(landed: str, source: str, count: int) -> None:
    """Where the forge dates the landing; a committer's clock is nobody's."""
    given_ = (
        "landings\n| head_sha | kind | landed_at | landed_at_source |\n"
        f"| a1… | squash | 2026-08-01 {landed} | {source} |\n"
        "deployments\n| application | operator | repo | revision | started_at |\n"
        f"| argocd/web | argocd | {REPOSITORY} | a1… | 2026-08-01 12:00 |\n"
    )
    gaps = found(given_, configured(), "clock")
    assert gaps["format"].tolist() == ["argocd-application"] * count
    assert spans(gaps) == [("08-01 12:00", "08-01 12:06")] * count


def test_an_export_vouches_for_what_was_still_kept() -> None:
    """GitHub keeps Git's events for seven days, everything else of its audit log for 180."""
    given_ = (
        objects(
            ("log", "a", "github-audit-log", "2026-08-01"), ("log", "b", "github-audit-log", "2026-10-02")
        )
        + hours(
            ("log", "a", "github-audit-log", "2026-06-01 00:00", "2026-07-31 00:00"),
            ("log", "b", "github-audit-log", "2026-06-01 00:00", "2026-10-01 00:00"),
        )
        + "git_operations\n| operation_id | at | evidence |\n"
        f"| 1 | 2026-07-20 | {'a' * 64} |\n| 2 | 2026-09-28 | {'b' * 64} |\n"
    )
    gaps = found(given_, configured({}), "retention")
    assert gaps["part"].tolist() == ["git", "git"]
    assert spans(gaps) == [("07-01 00:00", "07-20 00:00"), ("08-01 00:00", "09-25 00:00")]


def test_a_stream_is_not_forgotten_wherever_it_was_copied() -> None:
    """Its objects begin with records that are older than what is kept: they were taken in time."""
    rows = [(day, f"{number:x}") for number, day in enumerate(range(0, 90, 6))]
    stamp = "%Y-%m-%d %H:%M"
    given_ = objects(*(("log", digit, "github-audit-log", "2026-11-01") for _, digit in rows))
    given_ += hours(
        *(
            (
                "log",
                digit,
                "github-audit-log",
                *((START + timedelta(days=d)).strftime(stamp) for d in (day, day + 5)),
            )
            for day, digit in rows
        )
    )
    given_ += "git_operations\n| operation_id | at | evidence |\n"
    for day, digit in rows:
        given_ += f"| {day} | {START + timedelta(days=day):%Y-%m-%d} | {digit * 64} |\n"
    assert found(given_, configured({}), "retention").empty


def test_a_full_history_of_flux_may_have_dropped_entries() -> None:
    """Five entries, and none that was seen before: what lies between the snapshots is not known."""

    def shot(digit: str, *days: int) -> str:
        return "".join(f"| flux/web | flux | history | 2026-07-{day:02} | {digit * 64} |\n" for day in days)

    head = "sync_records\n| app | operator | record | finished_at | evidence |\n"
    joined = head + shot("a", 1, 2, 3, 4, 5) + shot("b", 5, 6, 7, 8, 9)
    assert found(joined, configured(), "cap").empty
    apart = head + shot("a", 1, 2, 3, 4, 5) + shot("b", 6, 7, 8, 9, 10)
    gaps = found(apart, configured(), "cap")
    assert spans(gaps) == [("07-05 00:00", "07-06 00:00")]
    assert found(head + shot("a", 1, 2, 3) + shot("b", 6, 7, 8), configured(), "cap").empty


def test_bodies_that_were_left_out_are_told() -> None:
    """Who did what is there: nothing is missing but what was sent."""
    given_ = (
        "cluster_access\n| audit_id | at | truncated |\n"
        "| 1 | 2026-08-01 10:10 | true |\n| 2 | 2026-08-01 10:20 | true |\n| 3 | 2026-08-01 10:30 | false |\n"
    )
    gaps = found(given_, configured(), "cut")
    assert gaps["detail"].tolist() == ["prod: bodies of 2 requests were left out"]
    assert gaps["part"].tolist() == ["bodies"]


def test_events_that_an_api_server_dropped_are_missing() -> None:
    """By its own count, which begins anew with it; what it had lost before the first sample is of no known time."""
    samples = (
        ("a", "2026-06-30 23:00", 3), ("a", "2026-07-01 00:00", 5), ("a", "2026-08-01 00:00", 5), ("a", "2026-08-01 01:00", 7),
        ("b", "2026-08-01 00:00", 0), ("b", "2026-08-01 01:00", 1), ("a", "2026-08-01 02:00", 2), ("a", "2026-10-01 00:00", 2),
        ("a", "2026-10-01 00:30", 9),
    )  # fmt: skip
    given_ = "metric_samples\n| metric | labels | at | value |\n" + "".join(
        f"| apiserver_audit_error_total | {labels} | {at} | {value} |\n" for labels, at, value in samples
    )
    gaps = found(
        given_.replace("| metric | labels |", "| cluster | metric | labels |").replace(
            "| apiserver", "| prod | apiserver"
        ),
        configured(),
        "dropped",
    )
    assert gaps["detail"].tolist() == [
        "prod: the API server dropped 3 audit events from 2026-08-01T00:00:00Z to 2026-08-01T01:00:00Z",
        "prod: the API server dropped 2 audit events from 2026-08-01T01:00:00Z to 2026-08-01T02:00:00Z",
    ]
    assert gaps["missing"].all()


def test_every_day_of_the_quarter_has_a_row() -> None:
    """Also one without a record; what is missing of it is told in minutes, overlapping gaps once."""
    given_ = hourly(every("h", but=("2026-08-02 12:00", "2026-08-04 06:00")))
    rows = continuity(frames(given_), configured({}), Q3, as_of=AS_OF)["evidence_days"]
    assert len(rows) == 92
    by_day = rows.set_index("day")
    assert by_day.loc["2026-08-03", ["records", "hours", "missing_minutes"]].tolist() == [0, 0, 1440]
    assert by_day.loc["2026-08-02", ["records", "missing_minutes"]].tolist() == [13, 720]
    assert by_day.loc["2026-08-04", ["records", "missing_minutes"]].tolist() == [18, 360]
    assert int(rows["missing_minutes"].sum()) == 42 * 60


def test_days_are_the_organisations() -> None:
    """A record of UTC's late evening is of the next day in Berlin."""
    settings = configured({}, organisation={"name": "NETBPF", "time_zone": "Europe/Berlin"})
    period = Period.quarter("2026Q3", time_zone="Europe/Berlin")
    rows = continuity(
        frames(hourly([pd.Timestamp("2026-08-01 22:30", tz="UTC")])), settings, period, as_of=AS_OF
    )
    rows = rows["evidence_days"]
    assert rows.loc[rows["records"].eq(1), "day"].tolist() == ["2026-08-02"]
    assert rows["day"].iloc[[0, -1]].tolist() == ["2026-07-01", "2026-09-30"]


@given(
    records=st.lists(st.tuples(st.integers(-3000, 135_000), st.sampled_from("abc")), max_size=40),
    cadence=st.integers(min_value=60, max_value=5000),
)
@hypothesis.settings(deadline=None, max_examples=30)
def test_silences_are_those_of_a_plain_walk(records: list[tuple[int, str]], cadence: int) -> None:
    """Whatever objects the records came in, and in whatever order: the gaps are the long pauses, cut to the quarter."""
    stamps = [START + timedelta(minutes=minute) for minute, _ in records]
    rows = [
        ("log", digit, "vault-audit", f"{stamp:%Y-%m-%d %H:%M}", f"{stamp:%Y-%m-%d %H:%M}")
        for stamp, (_, digit) in zip(stamps, records, strict=True)
    ]
    used = sorted({row[1] for row in rows})
    given_ = objects(*(("log", digit, "vault-audit", "") for digit in used)) + hours(*rows)
    gaps = found(given_, configured({"cadence_minutes": cadence}), "silence")
    gaps = gaps[gaps["source_name"].eq("log")]
    end = pd.Timestamp(Q3.end)
    edges = {START if not any(each <= START for each in stamps) else stamps[0]}
    edges |= {end if not any(each >= end for each in stamps) else stamps[0]}
    line = sorted({*stamps, *edges}) if stamps else []
    expected = [
        (max(before, START), min(after, end))
        for before, after in pairwise(line)
        if after - before > timedelta(minutes=cadence) and after > START and before < end
    ]
    assert list(zip(gaps["start"], gaps["end"], strict=True)) == expected


def test_nothing_at_all_gives_whole_tables() -> None:
    """Every table conforms where there is no evidence; a cluster without any was silent."""
    tables = continuity(frames(""), configured(), Q3, as_of=AS_OF)
    assert tables["evidence_streams"].empty
    assert tables["evidence_days"].empty
    assert spans(tables["evidence_gaps"]) == [("07-01 00:00", "10-01 00:00")]
    for name, rows in tables.items():
        assert list(rows.columns) == list(t.columns(t.TABLES[name]))
