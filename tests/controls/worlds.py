"""The worlds of the controls' own examples, each made once for all tests that judge them: `test_examples.py` holds that nobody changes them."""

from __future__ import annotations

from audit.controls.examples import world
from audit.controls.interface import Control, Example, Tables
from audit.settings import Settings

_MADE: dict[tuple[str, str], tuple[Tables, Settings]] = {}


def world_of(control: Control, example: Example) -> tuple[Tables, Settings]:
    """What `audit.controls.examples.world` gives for an example of a control of the product."""
    named = control.id, example.title
    if named not in _MADE:
        _MADE[named] = world(control, example)
    return _MADE[named]
