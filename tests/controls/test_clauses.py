"""Every clause of the policy is tested, or says why not; every control tests some clause."""

from __future__ import annotations

import inspect
import re
import sys

import pytest

from audit.controls.clauses import CLAUSES, PENDING, reason
from audit.controls.interface import Control
from audit.controls.registry import CONTROLS

HERE = {control.id for control in CONTROLS}


def test_every_clause_has_a_control_or_a_reason_for_having_none() -> None:
    for clause in CLAUSES:
        assert bool(clause.controls) != bool(clause.reason), clause.path
        assert bool(HERE & set(clause.controls)) != bool(reason(clause)), clause.path


def test_clauses_name_controls_that_are_here_or_known_to_be_missing() -> None:
    named = {name for clause in CLAUSES for name in clause.controls}
    assert named == HERE | PENDING
    assert not HERE & PENDING


def test_no_clause_stands_twice() -> None:
    assert len({clause.path for clause in CLAUSES}) == len(CLAUSES)


_RULES = (
    "access",
    "alerting",
    "documents",
    "emergency",
    "policies",
    "protection",
    "scanning",
    "secrecy",
    "structure",
    "training",
)
"""Sections of the settings that say what is allowed."""


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_a_page_names_the_settings_that_its_rule_asks(control: Control) -> None:
    """Whoever reads what is tested must find where its limits are set."""
    page = control.page or ""
    rule = inspect.getsource(sys.modules[control.test.__module__]).replace(page, "")
    asked = set(re.findall(r"context\.settings\.(thresholds\.\w+)", rule))
    asked |= {name for name in re.findall(r"context\.settings\.(\w+)", rule) if name in _RULES}
    asked |= {name for _, name in re.findall(r"(allowed_of|limit)\([^)]*?\"(\w+)\"", rule)}
    assert {name for name in asked if not re.search(rf"[`\[.]{name}\b", page)} == set()
