"""What the report adds to its tests' results: who must act by when, what got worse, answers, subjects, clauses, samples."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import report_tables as made
import typer

from audit import sampling
from audit import tables as t
from audit.cli import application
from audit.controls import registry
from audit.controls.clauses import CLAUSES
from audit.errors import UsageError
from audit.evidence import editions
from audit.evidence.editions import Facts
from audit.evidence.store import Store
from audit.metrics import JUDGED, METRICS
from audit.model import Conclusion
from audit.report import acts, answers, areas, complete, judged, links, model, pdf, since, words
from audit.report.earlier import UNKNOWN, Earlier, earlier
from audit.report.owned import Owned
from audit.report.pieces import Parameter, Response
from audit.report.shapes import ControlResult, Report
from audit.settings import Settings, validate


@functools.cache
def plain() -> Report:
    """A small report of nothing special."""
    return build(made.quarter(12, 4))


def build(tables: dict[str, Any] | None = None, settings: Settings | None = None, **values: Any) -> Report:
    return model.build(
        tables or made.quarter(12, 4), settings or made.settings(), made.PERIOD, as_of=made.AS_OF, version="0.1.0",
        catalogue=made.CATALOGUE, **values,
    )  # fmt: skip


def row(**values: str) -> dict[str, str]:
    return {
        "exception_id": "CHG-01-0123456789", "control": "CHG-01", "severity": "high", "app": "cart,web", "path": "apps/web/x.yaml",
        "repo": "a/b", "cluster": "", "environment": "prod",
    } | values  # fmt: skip


@pytest.mark.parametrize(
    ("owners", "expected"),
    [
        ([], ""),
        ([{"owner": "o"}], "o"),
        ([{"owner": "o", "controls": ["CHG-*"]}], "o"),
        ([{"owner": "o", "controls": ["CLU-*"]}], ""),
        ([{"owner": "o", "controls": ["CLU-*"]}, {"owner": "p", "apps": ["web"]}], "p"),
        ([{"owner": "o", "apps": ["web"], "environments": ["dev"]}], ""),
        ([{"owner": "o", "paths": ["apps/*"], "repositories": ["a/*"], "environments": ["prod"]}], "o"),
        ([{"owner": "o", "clusters": ["prod-*"]}], ""),
    ],
)
def test_the_first_owner_that_fits_in_everything_it_names_must_act(
    owners: list[dict[str, Any]], expected: str
) -> None:
    duties = acts.Duties(made.settings(owners=owners), made.AS_OF, "UTC", ())
    assert duties.of(row())[0] == expected


def test_code_owners_count_where_neither_an_answer_nor_the_settings_name_anybody() -> None:
    lines = [
        {"repo": "a/b", "number": 1, "pattern": "*", "owners": "@acme/platform", "place": "CODEOWNERS@b:1"},
        {
            "repo": "a/b",
            "number": 2,
            "pattern": "/apps/web/",
            "owners": "@acme/web ada",
            "place": "CODEOWNERS@b:2",
        },
    ]
    table = t.conform(t.CodeOwners, t.frame(t.CodeOwners, lines))
    for settings, said, who, expected in (
        (made.settings(), [], row(), "@acme/web, ada"),
        (made.settings(), [], row(path="", app=""), "@acme/platform"),
        (made.settings(), [], row(repo="", path=""), ""),
        (made.settings(owners=[{"owner": "o"}]), [], row(), "o"),
        (made.settings(), [Response("CHG-01", "of all", "text", "", "a.yaml:1")], row(), "of all"),
    ):
        assert acts.Duties(settings, made.AS_OF, "UTC", said, Owned(table)).of(who)[0] == expected
    tables = made.quarter(12, 4)
    everything = [{"repo": made.REPO, "number": 1, "pattern": "*", "owners": "@acme/platform", "place": "p"}]
    tables["code_owners"] = t.conform(t.CodeOwners, t.frame(t.CodeOwners, everything))
    found = [one for control in build(tables).controls for one in control.exceptions]
    assert {one.owner for one in found if one.repo == made.REPO} == {"@acme/platform"}


def test_days_count_from_the_end_of_the_evidence_by_severity_in_the_organisations_time_zone() -> None:
    late = datetime(2026, 10, 4, 23, tzinfo=UTC)
    settings = made.settings(due={"high": 3})
    assert acts.Duties(settings, late, "Europe/Berlin", ()).of(row())[1] == "2026-10-08"
    assert acts.Duties(settings, late, "UTC", ()).of(row())[1] == "2026-10-07"
    assert acts.Duties(settings, late, "UTC", ()).of(row(severity="low"))[1] == "2027-01-02"


def test_an_answer_of_management_comes_before_the_settings_and_one_to_an_exception_before_one_to_its_control() -> (
    None
):
    said = [
        Response("CHG-01", "of all", "text", "2026-11-01", "a.yaml:1"),
        Response("CHG-01-0123456789", "of one", "text", "", "a.yaml:4"),
    ]
    duties = acts.Duties(made.settings(owners=[{"owner": "o"}]), made.AS_OF, "UTC", said)
    assert duties.of(row()) == ("of one", "2026-11-01")
    assert duties.of(row(exception_id="other")) == ("of all", "2026-11-01")
    assert duties.of(row(control="CHG-02", exception_id="other"))[0] == "o"


def answered(folder: Path, text: str) -> list[Response]:
    (folder / "answers.yaml").write_text(text, encoding="utf-8")
    settings = made.settings(report={"responses": "answers.yaml"})
    settings._folder = folder
    return answers.read(settings)


def test_answers_are_read_with_their_place(tmp_path: Path) -> None:
    said = answered(
        tmp_path,
        "- control: CHG-01\n  owner: a\n  response: |\n    two\n    lines\n- exception: X-1\n  owner: b\n  response: 7\n  due: 2026-11-15\n",
    )
    assert said == [
        Response("CHG-01", "a", "two lines", "", "answers.yaml:1"),
        Response("X-1", "b", "7", "2026-11-15", "answers.yaml:6"),
    ]
    assert answers.read(made.settings()) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- [1]\n", "answers.yaml:1: this is no entry"),
        ("- control: A\n  owner: a\n", "answers.yaml:1: 'response' is missing"),
        ("- owner: a\n  response: b\n", "name one of 'control' and 'exception'"),
        (
            "- control: A\n  exception: B\n  owner: a\n  response: b\n",
            "name one of 'control' and 'exception'",
        ),
        (
            "- control: A\n  owner: a\n  response: b\n\n- control: A\n  owner: a\n  response: b\n",
            "answers.yaml:5: 'A' stands twice",
        ),
        (
            "- control: A\n  owner: a\n  response: b\n  due: soon\n",
            "answers.yaml:1: 'due' is 'soon', no date",
        ),
        ("- control: A\n  who: a\n", "unknown key 'who'"),
        ("- &a {control: A}\n- *a\n", "anchors"),
    ],
)
def test_answers_that_can_not_be_read_are_told_with_file_line_and_remedy(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(UsageError) as error:
        answered(tmp_path, text)
    assert told in error.value.problem
    assert error.value.remedy


def test_an_answer_to_nothing_that_the_report_has_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"a\.yaml:3: 'CHG-99' is neither a control nor an exception"):
        build(responses=[Response("CHG-99", "o", "t", "", "a.yaml:3")])


def test_answers_stand_with_their_control_and_an_open_control_without_one_has_a_box_for_it() -> None:
    report = build(made.quarter(40, 4), responses=[Response("CLU-01", "o", "<b>Done</b>.", "", "a.yaml:1")])
    page = pdf.html(report)
    assert "&lt;b&gt;Done&lt;/b&gt;." in page
    opened = [control.id for control in report.controls if control.open and not control.responses]
    assert opened
    assert page.count('<tr class="blank">') == len(opened)


def result(conclusion: str, previous: str, count: int = 0, before: int | None = 0) -> ControlResult:
    base = plain().controls[0]
    return dataclasses.replace(
        base, conclusion=conclusion, exception_count=count, waived_count=0, previous=previous, previous_open=before
    )  # fmt: skip


@pytest.mark.parametrize(
    ("conclusion", "count", "previous", "before", "trend", "told"),
    [
        ("exceptions", 2, "effective", 0, -1, "worse: was effective"),
        ("exceptions", 2, "not tested", 0, -1, "worse: was not tested"),
        ("not tested", 0, "effective", 0, -1, "worse: was effective"),
        ("effective", 0, "exceptions", 4, 1, "better: was exceptions"),
        ("not tested", 0, "exceptions", 4, 1, "better: was exceptions"),
        ("exceptions", 5, "exceptions", 2, -1, "worse: +3"),
        ("exceptions", 1, "exceptions", 2, 1, "better: −1"),
        ("exceptions", 2, "exceptions", 2, 0, "same"),
        ("effective", 0, "effective", 0, 0, "same"),
        ("effective", 0, "not applicable", 0, 0, "was not applicable"),
        ("exceptions", 2, "", None, 0, "not known"),
    ],
)
def test_a_control_is_held_against_what_it_came_to_before(
    conclusion: str, count: int, previous: str, before: int | None, trend: int, told: str
) -> None:
    control = result(conclusion, previous, count, before)
    assert since.trend(control) == trend
    assert words.since(control) == told
    assert bool(since.worse([control], [])) == (trend < 0)


def test_a_figure_gets_worse_in_its_own_direction() -> None:
    figures = plain().figures
    lead = next(one for one in figures if one.metric == "lead_time")
    coverage = next(one for one in figures if one.metric == "review_coverage")
    volume = next(one for one in figures if one.metric == "change_volume" and one.dimension == "all")
    slower = dataclasses.replace(lead, value=9.0, previous=2.0)
    fewer = dataclasses.replace(coverage, value=0.5, previous=0.9)
    more = dataclasses.replace(volume, value=9.0, previous=2.0)
    unknown = dataclasses.replace(lead, value=None, previous=2.0)
    same = dataclasses.replace(lead, value=2.0, previous=2.0)
    found = since.worse([], [slower, fewer, more, unknown, same])
    assert [one.figure for one in found] == [slower, fewer]


def test_every_figure_that_may_get_worse_is_one_that_is_computed() -> None:
    assert set(since.BETTER) <= {metric.id for metric in METRICS}


def frozen(store: Store, folder: Path) -> None:
    """An edition of the quarter before, in which CHG-01 had exceptions."""
    (folder / "tables").mkdir(parents=True)
    conclusions = made.conclusions({"CHG-01": 3})
    t.write(t.Conclusions, conclusions, folder / "tables" / "conclusions.parquet")
    for name in editions.FILES:
        (folder / name).write_bytes(b"x")
    editions.freeze(store, folder, "2026Q2", Facts(made.AS_OF, made.AS_OF, "0.1.0", "", {}))


def test_the_quarter_before_is_what_was_reported_of_it_else_it_is_judged_now(tmp_path: Path) -> None:
    chg_01 = [control for control in registry.CONTROLS if control.id == "CHG-01"]
    store = Store(tmp_path / "store")
    asked = {"as_of": made.AS_OF, "controls": chg_01}
    now = earlier(store, made.empty(), made.settings(), made.PERIOD, **asked)
    assert now.of("CHG-01") == ("not tested", 0, "2026Q2, judged from this evidence")
    assert now.of("CHG-02") == ("", None, "not tested then (2026Q2, judged from this evidence)")
    frozen(store, tmp_path / "made")
    then = earlier(store, made.empty(), made.settings(), made.PERIOD, **asked)
    assert then.of("CHG-01") == ("exceptions", 3, "edition 1 of 2026Q2")
    assert UNKNOWN.of("CHG-01") == ("", None, "the quarter before was not judged")


def test_the_matrix_never_leaves_the_change_blank() -> None:
    known = Earlier("edition 1 of 2026Q2", {"CHG-01": {"conclusion": "effective", "exceptions": 0}})
    page = pdf.html(build(earlier=known))
    assert "not tested then (edition 1 of 2026Q2)" in page
    assert all(words.since(control) for control in build(earlier=known).controls)


def test_every_control_of_a_subject_stands_in_one_section_and_every_figure_that_is_charted_too() -> None:
    elsewhere = ("EVD-", "ACC-")  # completeness, access
    ids = [control.id for control in registry.CONTROLS if not control.id.startswith(elsewhere)]
    shown = [[area.id for area in areas.AREAS if name.startswith(area.controls)] for name in ids]
    assert [name for name, found in zip(ids, shown, strict=True) if len(found) != 1] == []
    metrics = [metric for area in areas.AREAS for metric in area.metrics]
    assert sorted(metrics) == sorted(metric.id for metric in (*METRICS, *JUDGED))


def test_a_breakdown_shows_its_largest_groups_and_counts_the_others() -> None:
    figures = [one for one in plain().figures if one.metric == "change_volume"]
    kind = next(one for one in figures if one.dimension == "kind")
    many = [dataclasses.replace(kind, dimension="team", group=f"t{n}", value=float(n)) for n in range(1, 9)]
    section = areas.sections([], [*figures, *many])[0]
    teams = next(one for one in section.breakdowns if one.dimension == "team")
    assert [one.group for one in teams.rows] == ["t8", "t7", "t6", "t5", "t4", "t3"]
    assert teams.more == 2


def test_a_clause_comes_to_the_worst_of_its_controls_and_never_passes_without_any() -> None:
    report = plain()
    assert [row.path for row in report.clauses] == [clause.path for clause in CLAUSES]
    assert all(bool(row.controls) != bool(row.reason) for row in report.clauses)
    said = {control.id: control.conclusion for control in report.controls}
    for each in report.clauses:
        found = {said[name] for name in each.controls}
        told = judged.of_clause(each, report.controls)
        if not found:
            assert told == Conclusion.NOT_TESTED
        elif Conclusion.EXCEPTIONS in found:
            assert told == Conclusion.EXCEPTIONS
        elif Conclusion.NOT_TESTED in found:
            assert told == Conclusion.NOT_TESTED


def test_sources_of_a_population_are_those_that_gave_such_evidence() -> None:
    by_id = {control.id: control for control in build().controls}
    assert by_id["CHG-01"].sources == ["Git", "forge"]
    assert by_id["CLU-01"].sources[0] in ("Git", "dev-eu1-audit")
    assert {"prod-eu1-audit", "staging-eu1-audit"} <= set(by_id["CLU-01"].sources)


def test_a_control_over_all_evidence_names_all_sources() -> None:
    assert judged._sources(("evidence",), []) == ["all sources"]


def test_what_got_worse_begins_with_the_worst_severity() -> None:
    came = result("exceptions", "effective", 2, 0)
    found = [
        dataclasses.replace(came, id="CHG-01", severity="low"),
        dataclasses.replace(result("exceptions", "exceptions", 5, 2), id="CHG-02", severity="high"),
        dataclasses.replace(came, id="CHG-03", severity="high"),
    ]
    assert [one.control for one in since.worse(found, [])] == ["CHG-03", "CHG-02", "CHG-01"]


def test_pages_say_since_when_a_right_is_seen_and_how_long_it_was_not_used_and_promise_no_frame() -> None:
    rights = [
        dataclasses.replace(one, look_at=["dormant"], held="yes", since_basis="earlier")
        for one in plain().rights
    ]
    page = pdf.html(dataclasses.replace(plain(), rights=rights))
    assert "not used in the last 60 days" in page
    assert "first seen " in page
    assert "frame at the foot" not in page
    said = [Parameter("access.dormant_days", "45")]
    assert "not used in the last 45 days" in pdf.html(
        dataclasses.replace(plain(), rights=rights, parameters=said)
    )


def test_a_printed_sample_is_the_draw_that_its_seed_gives_and_one_of_nothing_says_why() -> None:
    tables = made.quarter(60, 4)
    settings = made.settings(samples=[{"seed": 11, "tolerable": "0.1"}, {"seed": 1, "population": "writes"}])
    first, second = sampling.printed(tables, settings, made.PERIOD, made.AS_OF)
    plan, drawn = sampling.plan(settings.samples[0], tables, settings, made.PERIOD, made.AS_OF)
    assert [row.number for row in first.rows] == drawn["number"].tolist()
    assert (first.size, first.sample_sha256) == (plan.size, plan.sample_sha256)
    assert second.problem == "nothing to draw by 'random': the population is empty"
    report = build(tables, settings, samples=[first, second])
    page = pdf.html(report)
    assert (
        f"seed 11; confidence 0.95, tolerable deviation rate 0.1, expected 0. {plan.size} drawn of 60" in page
    )
    for each in first.rows:
        assert f"<td>S1</td><td>A{each.number}</td>" in page
    assert page.count('<td class="tick"></td><td class="tick"></td><td class="tick"></td><td class="tick"></td><td class="tick"></td></tr>') == len(first.rows)  # fmt: skip
    assert "Nothing was drawn:" in page


def test_what_a_source_was_asked_for_and_which_settings_differ_is_told() -> None:
    given = [
        {"name": "hub", "location": "github:a/b"},
        {"name": "logs", "location": "s3://b/c/", "format": "kubernetes-audit"},
        {"name": "disk", "location": "file:x"},
    ]
    settings = made.settings(
        sources=given, clusters=[], github={"leave_out": ["members"]}, thresholds={"soak_minutes": 5}
    )
    told = {one.source: one for one in complete.queries(settings)}
    assert told["hub"].filters == "unchanged since the trend's first quarter; part members"
    assert told["logs"].filters == "records that are not kubernetes-audit"
    assert told["disk"].filters == "nothing"
    said = {one.name: one.value for one in complete.parameters(settings)}
    assert said == {"github.leave_out": '["members"]', "thresholds.soak_minutes": "5"}


def test_commands_that_make_the_report_again_are_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    command = typer.main.get_command(application())
    for line, _ in links.commands(plain()):
        name, *arguments = shlex.split(line)[1:]
        assert name in command.commands, line  # type: ignore[attr-defined]
        command.commands[name].make_context(name, list(arguments))  # type: ignore[attr-defined]


def test_rows_have_stable_ids_that_findings_link_to() -> None:
    report = build(made.quarter(60, 4))
    page = pdf.html(report)
    failed = [control for control in report.controls if control.id in ("CHG-01", "DEP-02")]
    for control in failed:
        assert control.exceptions
        for each in control.exceptions:
            assert f'id="{each.exception_id}"' in page
    for where in links.rows(report).values():
        assert f'id="{where}"' in page
        assert f'href="#{where}"' in page
    assert 'href="#E1"' in page


def test_who_signed_the_evidence_is_told_and_that_nobody_did() -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    assert "It is signed by the key 0a0b" in pdf.html(build(manifest=(3, digest), signers=["0a0b"]))
    assert "It is not signed" in pdf.html(build(manifest=(3, digest)))


def test_settings_that_say_who_must_act_are_held_to_their_shape() -> None:
    for wrong in (
        {"owners": [{"controls": ["A"]}]},
        {"due": {"high": 0}},
        {"samples": [{"population": "changes"}]},
    ):
        with pytest.raises(UsageError):
            validate(
                json.loads(json.dumps({"organisation": {"name": "a"}} | wrong)), where=Path("audit.toml")
            )
