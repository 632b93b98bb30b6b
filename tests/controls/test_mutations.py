"""A rule that is broken on purpose is noticed: with one comparison changed, an example of the control fails."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from audit.controls import arrivals, spans
from audit.controls.examples import expected, outcome
from audit.controls.interface import Control

CONTROLS = (
    "clu_02",
    "clu_03",
    "clu_04",
    "clu_05",
    "clu_06",
    "clu_07",
    "dep_03",
    "dep_05",
    "dep_06",
    "evd_03",
)
SHARED = {spans: ("clu_04", "clu_05", "clu_06"), arrivals: ("dep_03", "dep_05", "dep_06")}
"""Helpers, and controls whose examples must notice that one of them is broken."""
_CHANGED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}


def comparisons(module: ModuleType) -> list[ast.Compare]:
    """Every comparison by size of a module, in the order of its text."""
    return [
        node
        for node in ast.walk(ast.parse(_source(module)))
        if isinstance(node, ast.Compare) and type(node.ops[0]) in _CHANGED
    ]


def broken(module: ModuleType, number: int) -> dict[str, object]:
    """The names of a module in which one comparison takes in its limit where it did not, or the other way round."""
    tree = ast.parse(_source(module))
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Compare) and type(n.ops[0]) in _CHANGED]
    found[number].ops[0] = _CHANGED[type(found[number].ops[0])]()
    names: dict[str, object] = {"__name__": module.__name__, "__doc__": module.__doc__}
    exec(compile(tree, str(module.__file__), "exec"), names)
    return names


def _source(module: ModuleType) -> str:
    return Path(str(module.__file__)).read_text(encoding="utf-8")


def notices(control: Control) -> bool:
    """Whether an example of a control comes to something else than it should."""
    for example in control.examples:
        conclusion, exceptions = outcome(control, example)
        wanted = expected(example)
        columns = list(wanted[0]) if wanted else ["subject"]
        rows = sorted(tuple(row) for row in exceptions[columns].itertuples(index=False))
        if conclusion != example.conclusion or rows != sorted(tuple(row.values()) for row in wanted):
            return True
    return False


def _own() -> Iterator[tuple[str, int]]:
    for name in CONTROLS:
        module = importlib.import_module(f"audit.controls.{name}")
        yield from ((name, number) for number in range(len(comparisons(module))))


@pytest.mark.parametrize(("name", "number"), list(_own()))
def test_a_changed_comparison_of_a_control_fails_an_example(name: str, number: int) -> None:
    module = importlib.import_module(f"audit.controls.{name}")
    control = broken(module, number)["CONTROL"]
    assert isinstance(control, Control)
    where = comparisons(module)[number]
    assert notices(control), f"line {where.lineno}: {ast.unparse(where)}"


@pytest.mark.parametrize(
    ("helper", "number"),
    [(helper, number) for helper in SHARED for number in range(len(comparisons(helper)))],
)
def test_a_changed_comparison_of_a_helper_fails_an_example(
    monkeypatch: pytest.MonkeyPatch, helper: ModuleType, number: int
) -> None:
    names, where = broken(helper, number), comparisons(helper)[number]
    noticed = False
    for name in SHARED[helper]:
        module = importlib.import_module(f"audit.controls.{name}")
        for each, value in names.items():
            if callable(value) and getattr(module, each, None) is getattr(helper, each, module):
                monkeypatch.setattr(module, each, value)
        noticed = noticed or notices(replace(module.CONTROL))
    assert noticed, f"line {where.lineno}: {ast.unparse(where)}"
