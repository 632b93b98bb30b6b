"""Long lists on the pages: what matters is printed, what is not is counted, named with its attachment, and can be recomputed."""

from __future__ import annotations

import csv
import dataclasses
import functools
import hashlib
import io
import re

import report_tables as made

from audit.report import areas, attached, charts, listed, model, pdf
from audit.report.pieces import QueryRow
from audit.report.shapes import Figure, Report, Series, TieRow, Trend

OBJECTS = listed.FEW + 40


@functools.cache
def report(objects: int = OBJECTS, language: str = "en") -> Report:
    settings = made.settings(report={"language": language})
    return model.build(
        made.quarter(12, objects), settings, made.PERIOD, as_of=made.AS_OF, version="0.1.0", catalogue=made.CATALOGUE
    )  # fmt: skip


def exceptions(of: Report) -> list[str]:
    rows = [row for control in of.controls for row in control.exceptions]
    return [pointer.split(":")[0] for row in rows for pointer in row.evidence]


def test_an_object_that_a_page_refers_to_has_its_row_and_the_number_of_the_others_is_said_with_their_place() -> (
    None
):
    page = pdf.html(report())
    rows = set(re.findall(r'<tr id="(E\d+)">', page))
    assert set(re.findall(r'href="#(E\d+)"', page)) <= rows
    named = {row.sha256 for row in report().evidence} & set(exceptions(report()))
    unread = {row.sha256 for row in report().evidence if row.quarantined}
    assert named
    assert unread - named
    assert len(rows) == len(named | unread) < OBJECTS
    assert f"{len(rows)} objects that exceptions point to" in page
    assert f"{OBJECTS - len(rows)} more are in evidence.csv" in page
    assert len(list(csv.reader(io.StringIO(attached.populations(report())["evidence.csv"].decode())))) - 1 == OBJECTS  # fmt: skip


def test_everything_is_printed_where_the_setting_asks_for_it_and_where_it_is_little() -> None:
    few = pdf.html(report(listed.FEW))
    assert len(re.findall(r'<tr id="E\d+">', few)) == listed.FEW
    assert "more are in evidence.csv" not in few
    whole = dataclasses.replace(report(), whole=True)
    assert model.build(
        made.quarter(1, 1), made.settings(report={"whole_lists": True}), made.PERIOD, as_of=made.AS_OF, version="0",
        catalogue=made.CATALOGUE,
    ).whole  # fmt: skip
    page = pdf.html(whole)
    assert len(re.findall(r'<tr id="E\d+">', page)) == OBJECTS
    assert len(listed.figures(whole.figures, True)) == len(whole.figures)
    assert listed.ties(whole.ties, True) == whole.ties
    assert listed.rows(60, True) > 1_000_000 > listed.rows(60, False) == 60


def test_every_figure_is_printed_with_the_name_that_trace_takes() -> None:
    page = pdf.html(report())
    annex = page[page.index('id="annex-c"') : page.index('id="annex-d"')]
    printed = re.findall(r'<span class="soft code">([^/]*)</span>', annex)
    assert set(printed) == {figure.metric for figure in report().figures}


def test_objects_of_a_source_and_a_day_are_summed_with_a_digest_that_anybody_can_make_again() -> None:
    rows = list(
        csv.DictReader(io.StringIO(attached.populations(report())["evidence.csv"].decode(), newline=""))
    )
    groups = listed.groups(report().evidence, "Europe/Berlin")
    assert sum(group.objects for group in groups) == OBJECTS
    assert [(group.source, group.day) for group in groups] == sorted(
        {(group.source, group.day) for group in groups}
    )
    for group in groups:
        own = [row for row in rows if row["source"] == group.source]
        if group.objects == len(own):  # all of it on one day
            text = "\n".join(sorted(row["sha256"] for row in own)) + "\n"
            assert group.digest == hashlib.sha256(text.encode()).hexdigest()
            assert group.size == sum(int(row["size"]) for row in own)
    moved = dataclasses.replace(report().evidence[0], collected_at="2026-08-01T22:30:00Z")
    assert [group.day for group in listed.groups([moved], "Europe/Berlin")] == ["2026-08-02"]
    assert [group.day for group in listed.groups([moved], "UTC")] == ["2026-08-01"]


def figure(metric: str, dimension: str, group: str, value: float | None) -> Figure:
    return Figure(metric, metric, "items", "what it is", dimension, group, value, None, None, None, 0, "")


def test_of_a_figure_the_largest_groups_are_printed_and_how_many_more_there_are() -> None:
    groups = [figure("a", "app", f"app-{number}", float(number)) for number in range(areas.GROUPS + 3)]
    found = [
        figure("a", "all", "", 9.0),
        *groups,
        figure("a", "team", "x", None),
        figure("b", "all", "", 1.0),
    ]
    shown = listed.figures(found, False)
    assert [one.figure.group for one in shown] == [
        "", *(f"app-{number}" for number in range(areas.GROUPS + 2, 2, -1)), "x", "",
    ]  # fmt: skip
    assert [one.more for one in shown] == [0] * areas.GROUPS + [3, 0, 0]
    assert [at for at, one in enumerate(shown) if one.first] == [0, len(shown) - 1]


def test_sources_that_were_asked_the_same_stand_together_and_steps_that_do_not_tie_by_themselves() -> None:
    asked = [QueryRow("a", "all", "nothing"), QueryRow("b", "all", "drafts"), QueryRow("c", "all", "nothing")]
    assert [(names, row.filters) for names, row in listed.queries(asked)] == [
        (["a", "c"], "nothing"),
        (["b"], "drafts"),
    ]
    ties = [
        TieRow("a", "t", 5, 1, 1, 3), TieRow("b", "t", 4, 0, 0, 4), TieRow("c", "t", 4, 0, 0, 3), TieRow("a", "s", 1, 0, 0, 1),
    ]  # fmt: skip
    assert listed.ties(ties, False) == [ties[3], TieRow("", "t", 9, 1, 1, 7), ties[2]]
    loose = dataclasses.replace(report(), ties=ties)
    page = pdf.html(loose)
    assert "2 sources" in page
    assert "does not tie: 4 parsed, 3 accounted for" in page
    assert "has each of the 4 by itself" in page


def test_every_clusters_source_is_counted_and_those_are_drawn_that_record_all_the_time() -> None:
    one = report().coverage[0]
    silent = dataclasses.replace(one, source="lists", hours=[0] * len(one.days), records=0, first="", last="")
    logs = [dataclasses.replace(report().sources[0], name="log", formats=["kubernetes-audit"])]
    log = dataclasses.replace(silent, source="log")
    assert listed.drawn([silent, log, one], logs) == [
        log,
        one,
    ]  # a log that is silent is drawn, for all to see
    page = pdf.html(dataclasses.replace(report(), coverage=[silent, one]))
    assert f"<td>lists</td><td>{one.cluster}</td>" in page
    assert page.count('<div class="coverage">') == 1
    assert listed.whole_days(one) <= listed.days_with_records(one) <= len(one.days)


def test_a_trend_says_in_the_reports_language_which_quarters_could_not_be_determined() -> None:
    trend = Trend(
        "x", "Lead time to production", "hours", "line", ["2026Q1", "2026Q2"], [Series("", [None, 3.0])], "Not determined: 2026Q1."
    )  # fmt: skip
    assert charts.undetermined(trend) == ["2026Q1"]
    assert charts.undetermined(dataclasses.replace(trend, form="ranked")) == []
    german = pdf.html(dataclasses.replace(report(12, "de"), trends=[trend]))
    assert "Nicht bestimmt: 2026Q1." in german
    assert "Not determined" not in german
