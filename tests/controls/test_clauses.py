"""Every clause of the policy is tested, or says why not; every control tests some clause."""

from __future__ import annotations

from audit.controls.clauses import CLAUSES, PENDING, reason
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
