"""The worlds of the controls' own examples, each made once for all tests that judge them: `test_worlds.py` holds that nobody changes them."""

from __future__ import annotations

from audit.controls.examples import world
from audit.controls.interface import Control, Example, Tables
from audit.settings import Settings

_MADE: dict[tuple[str, str], tuple[Tables, Settings]] = {}
_SAID: dict[tuple[str, str], dict[str, str]] = {}


def world_of(control: Control, example: Example) -> tuple[Tables, Settings]:
    """What `audit.controls.examples.world` gives for an example of a control of the product."""
    named = control.id, example.title
    if named not in _MADE:
        _MADE[named] = world(control, example)
        _SAID[named] = _said(_MADE[named][0])
    return _MADE[named]


def changed() -> list[tuple[str, str, str]]:
    """Control, example and table of whatever is not as it was made, or is new, of all worlds until now."""
    return [
        (*named, name)
        for named, (tables, _) in _MADE.items()
        for name, text in _said(tables).items()
        if _SAID[named].get(name) != text
    ]


def _said(tables: Tables) -> dict[str, str]:
    """Every table in words: its types, and its rows."""
    return {
        name: f"{list(rows.dtypes.items())}{list(rows.index)}{rows.to_csv() if len(rows) else ''}"
        for name, rows in tables.items()
    }
