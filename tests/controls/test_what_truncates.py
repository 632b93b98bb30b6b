"""What systems leave out or forget makes what rests on it `not tested`, through the real runner, from rows of evidence on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audit.controls.examples import AS_OF, PERIOD, REPOSITORY, frames, outcome, parse
from audit.controls.interface import Control, Example
from audit.controls.registry import CONTROLS
from audit.joins.rights.shapes import Span
from audit.joins.rights.used import untold
from audit.settings import Settings

BY_ID = {control.id: control for control in CONTROLS}


def _passing(control: Control, *apart: str) -> Example:
    """An example of a control that passes, and gives none of some tables."""
    apart = (*apart, "evidence_gaps")  # which are found out here
    return next(
        example
        for example in control.examples
        if example.conclusion == "effective" and not set(parse(example.given)) & set(apart)
    )


def _after(control: Control, given: str) -> str:
    """The conclusion of an example that passed, once more evidence is given."""
    example = _passing(control, *parse(given))
    assert outcome(control, example)[0] == "effective"
    return outcome(control, replace(example, given=f"{example.given}\n\n{given}"))[0]


def _history(*shots: tuple[str, tuple[int, ...]]) -> str:
    """Snapshots of a Flux object's history: the days of August of its entries, by the first digit of their object."""
    rows = [
        f"| flux/web | flux | history | 2026-08-{day:02} | {digit * 64} |"
        for digit, days in shots
        for day in days
    ]
    return "\n".join(["sync_records", "| app | operator | record | finished_at | evidence |", *rows])


@pytest.mark.parametrize("name", ["CLU-04", "CLU-05", "DEP-03", "DEP-05", "DEP-06"])
def test_a_full_history_of_flux_that_meets_no_other(name: str) -> None:
    """Flux keeps five: what it did between two snapshots that share none is not known."""
    shared = _history(("a", (1, 2, 3)), ("b", (3, 4, 5, 6)))
    apart = _history(("a", (1, 2, 3)), ("b", (4, 5, 6, 7, 8)))
    assert [_after(BY_ID[name], text) for text in (shared, apart)] == ["effective", "not tested"]


@pytest.mark.parametrize("name", ["DEP-01", "DEP-02"])
def test_of_a_cluster_that_flux_serves_no_deployment_is_vouched_for_then(name: str) -> None:
    """These rest on the operator's records as a whole."""
    given = "evidence_objects\n| source_name | key | format | cluster | collected_at |\n"
    given += "| flux | 1 | flux-object | prod | 2026-10-02 |\n\n"
    joined, apart = _history(("a", (1, 2, 3)), ("b", (3, 4))), _history(("a", (1, 2)), ("b", (4, 5, 6, 7, 8)))
    assert [_after(BY_ID[name], given + text) for text in (joined, apart)] == ["effective", "not tested"]


_FORGE = """
evidence_objects
| source_name | key | format                             | last_modified    | collected_at     |
| forge       | 1   | github-protection,github-audit-log | {made} | {made} |

coverage
| source_name | format           | hour             | first_at         | last_at          |
| forge       | github-audit-log | 2026-07-01 12:00 | 2026-07-01 12:00 | 2026-09-30 23:00 |
"""


@pytest.mark.parametrize(
    ("made", "conclusion"),
    [
        ("2026-10-02 00:00", "effective"),
        ("2026-12-28 00:00", "effective"),
        ("2026-12-28 00:01", "not tested"),
    ],
)
def test_an_audit_log_that_github_no_longer_kept_when_it_was_exported(made: str, conclusion: str) -> None:
    """It keeps 180 days: what it gives later does not speak of the quarter's first hours, though no silence is long."""
    control = BY_ID["CHG-06"]
    example = next(
        one for one in control.examples if one.conclusion == "effective" and "evidence_objects" in one.given
    )
    start = example.given.split("evidence_objects")[0]
    assert outcome(control, replace(example, given=start + _FORGE.format(made=made)))[0] == conclusion


def test_pushes_that_github_no_longer_kept_show_no_use() -> None:
    """It keeps Git's events for seven days: who pushed before is not known, so that no right is called dormant for it."""
    objects = "evidence_objects\n| source_name | key | format | sha256 | collected_at |\n" + "".join(
        f"| {name} | 1 | {name} | {digit * 64} | 2026-10-02 |\n"
        for name, digit in (("github-pulls", "a"), ("github-reviews", "b"), ("github-audit-log", "c"))
    )
    gap = "evidence_gaps\n| format | part | kind | start | end | detail | missing |\n"
    gap += "| github-audit-log | {part} | retention | 2026-07-01 | 2026-09-25 | forgotten | true |\n"
    settings = Settings.model_validate(
        {"organisation": {"name": "NETBPF"}, "repositories": [{"name": REPOSITORY, "location": "x"}]}
    )
    span = Span.of(PERIOD, settings, AS_OF)
    told = [
        untold(frames(text), settings, span)
        for text in (objects, objects + gap.format(part=""), objects + gap.format(part="git"))
    ]
    assert told == [{}, {("repository", REPOSITORY): "forgotten"}, {("repository", REPOSITORY): "forgotten"}]
