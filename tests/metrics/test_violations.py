"""What failed, in figures that can be checked by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd

from audit.controls.examples import AS_OF, PERIOD, frames
from audit.metrics import judged, made_of
from tests.metrics.test_metrics import SETTINGS

FAILED = """
people
| person |
| ada    |

roles
| person | team     | since      | until      |
| ada    | platform |            | 2026-09-30 |
| ada    | payments | 2026-09-30 |            |

exceptions
| exception_id | control | subject | severity | at         | person | repo       | cluster |
| A-1          | CHG-01  | one     | high     | 2026-09-21 | ada    | netbpf/one |         |
| A-2          | CHG-01  | two     | high     | 2026-09-11 | grace  | netbpf/one |         |
| A-3          | CHG-01  | three   | high     | 2026-09-01 |        | netbpf/two |         |
| A-4          | CLU-01  | four    | critical | 2026-09-30 | ada    |            | prod    |
| A-5          | EVD-01  | five    | low      |            |        |            |         |
"""


def _figure(found: pd.DataFrame, metric: str, dimension: str = "all", group: str = "") -> tuple[Any, ...]:
    rows = found.set_index(["metric", "dimension", "group"])
    row = rows.loc[(metric, dimension, group), ["value", "numerator", "denominator", "undetermined"]]
    return tuple(None if pd.isna(item) else item for item in row)


def _measure(text: str) -> pd.DataFrame:
    return judged(frames(text), SETTINGS, PERIOD, as_of=AS_OF)


def test_violations_are_told_by_control_severity_system_and_team() -> None:
    """By the team of that time; whoever is in none that is known is no team's; what has no repository belongs to its cluster."""
    found = _measure(FAILED)
    assert _figure(found, "violations") == (5, 5, None, 0)
    expected = {
        ("control", "CHG-01"): 3, ("control", "CLU-01"): 1, ("severity", "high"): 3, ("severity", "critical"): 1,
        ("system", "netbpf/one"): 2, ("system", "prod"): 1, ("system", "(none)"): 1, ("team", "platform"): 1,
        ("team", "payments"): 1, ("team", "(none)"): 3,
    }  # fmt: skip
    assert {key: _figure(found, "violations", *key)[0] for key in expected} == expected
    assert set(found["quarter"]) == {"2026Q3"}


def test_violations_are_as_old_as_they_are_at_the_end_of_the_quarter() -> None:
    """10, 20, 30 and 1 days: 15; what has no time is undetermined."""
    found = _measure(FAILED)
    assert _figure(found, "violation_age") == (15, 4, 5, 1)
    assert _figure(found, "violation_age", "control", "CHG-01") == (20, 3, 3, 0)


def test_violations_take_as_long_as_until_they_are_put_right() -> None:
    """48 and 96 hours: 72; what is not put right by then, or of which nothing tells, is undetermined."""
    text = FAILED.replace("| severity | at         |", "| severity | at         | resolved_at |")
    for day, resolved in (("21", "2026-09-23"), ("11", "2026-09-15"), ("01", "2026-10-02")):
        text = text.replace(f"high     | 2026-09-{day} |", f"high     | 2026-09-{day} | {resolved} |")
    text = text.replace("critical | 2026-09-30 |", "critical | 2026-09-30 | |")
    found = _measure(text.replace("low      |            |", "low      |            | |"))
    assert _figure(found, "resolve_time") == (72, 2, 5, 3)
    assert _figure(found, "resolve_time", "system", "netbpf/one") == (72, 2, 2, 0)
    assert _figure(found, "resolve_time", "severity", "high") == (72, 2, 3, 1)


def test_a_system_that_fails_a_control_twice_repeats_it() -> None:
    """Two of the four whose system is known."""
    found = _measure(FAILED)
    assert _figure(found, "repeated_violations") == (0.5, 2, 4, 1)
    assert _figure(found, "repeated_violations", "system", "netbpf/one") == (1, 2, 2, 0)
    assert _figure(found, "repeated_violations", "system", "netbpf/two") == (0, 0, 1, 0)


def test_what_was_not_tested_is_told_beside_the_figures() -> None:
    """No violation seen is no violation only where somebody looked."""
    untested = "conclusions\n| control | conclusion |\n| CHG-01 | not tested |\n| CHG-02 | effective |"
    found = _measure(untested).set_index(["metric", "dimension"])
    assert found.loc[("violations", "all"), "value"] == 0
    assert found.loc[("violations", "all"), "note"] == "controls not tested: 1"


def test_a_figure_of_violations_leads_to_the_exceptions() -> None:
    made = made_of("violations", frames(FAILED), SETTINGS, PERIOD, as_of=AS_OF)
    own = made[made["dimension"].eq("system") & made["group"].eq("netbpf/one")]
    assert set(own["subject"]) == {"A-1", "A-2"}
