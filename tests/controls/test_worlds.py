"""Worlds that several tests judge are the same for each of them; this file is the last of its folder."""

from __future__ import annotations

from audit.controls.registry import CONTROLS
from tests.controls import worlds


def test_judging_leaves_every_world_as_it_was_made() -> None:
    """Whatever examples, mutations and other orders of rows did with them before."""
    control = CONTROLS[0]
    for example in control.examples:
        worlds.world_of(control, example)
    assert worlds.changed() == []


def test_a_world_that_was_changed_is_noticed() -> None:
    control = CONTROLS[0]
    example = control.examples[0]
    tables, _ = worlds.world_of(control, example)
    kept = tables["landings"]
    tables["landings"] = kept.assign(subject="another")
    try:
        assert worlds.changed() == [(control.id, example.title, "landings")]
    finally:
        tables["landings"] = kept
    assert worlds.changed() == []
