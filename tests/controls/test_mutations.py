"""A rule that is broken on purpose is noticed: with one comparison changed, an example of the control fails."""

from __future__ import annotations

import ast
import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from audit.controls import arrivals, spans
from audit.controls.examples import failures, world
from audit.controls.interface import Control, Example, Tables
from audit.controls.registry import CONTROLS
from audit.settings import Settings

pytestmark = pytest.mark.no_cover  # the examples themselves cover what these break

SHARED = {spans: ("clu_04", "clu_05", "clu_06"), arrivals: ("dep_03", "dep_05", "dep_06")}
"""Helpers, and controls whose examples must notice that one of them is broken."""
_OPERATORS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_METHODS = {"lt": "le", "le": "lt", "gt": "ge", "ge": "gt"}
"""By which a comparison takes in its limit where it did not, or the other way round."""
_EQUAL: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
_SAME_OR_NOT = {"eq": "ne", "ne": "eq", "isin": "isin"}
_BOTH: dict[type[ast.operator], type[ast.operator]] = {ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}

_SAME = "both sides are the same moment there, so that it does not matter which is taken"
_CUT = "the runner leaves out what is not of the quarter, such as what happens as it ends"
_RUNNING = (
    "only of a quarter that runs can evidence end as an alert is due, and examples are of one that is over"
)
_OTHERS = "an example judges one control, and this needs others: tests/controls/test_runner.py"

UNNOTICED = {
    "CHG-06: rows['at'].lt(context.stop)": _CUT,
    "CHG-06: rows['at'].lt(context.start)": _SAME,
    "STR-01: spans['start'].lt(context.stop)": _CUT,
    "STR-01: spans['start'].lt(context.start)": _SAME,
    "DOC-01: age.gt(limit)": _CUT,
    "DOC-01: due < context.start": _SAME,
    "TRN-01: rows['expires_at'].lt(limit)": _SAME,
    "SCN-01: rows['at'] < context.stop": _CUT,
    "SCN-02: rows['at'] < context.stop": _CUT,
    "SEC-03: due < context.start": _SAME,
    "SEC-03: context.stop - rotated > limit": _CUT,
    "WVR-01: rows['landed_at'] < context.start": _SAME,
    "WVR-01: rows['landed_at'].lt(context.stop)": _CUT,
    "WVR-01: until > context.stop": _SAME,
    "ACC-01: made.gt(last)": _SAME,
    "CLU-08: rows['start'] + limit < pd.Timestamp(context.as_of)": _RUNNING,
    "POL-01: seen['at'] < context.stop": "a rule first seen as the quarter ends leaves all before it untold, which is a gap",
    "WVR-01: len(ids) > _SHOWN": _OTHERS,
    "WVR-01: met['at'].ge(waiver['expires'])": _OTHERS,
    "STR-02: during['delta'].ge(0)": "a file that is changed was there before",
    "EVD-01: pushes['operation_id'].ge(0)": "no operation has the id 0: webhooks' are below it, the forge's above",
}
"""Comparisons that may take in their limit or not without a change of what is found, and why."""


_WORLDS: dict[tuple[str, str], tuple[Tables, Settings]] = {}


def remembered(control: Control, example: Example) -> tuple[Tables, Settings]:
    """The world of an example, which is the same however its control is broken."""
    key = (control.id, example.title)
    if key not in _WORLDS:
        _WORLDS[key] = world(control, example)
    return _WORLDS[key]


TURNED = ("CHG-02", "CHG-04", "CHG-09", "DEP-03", "CLU-01", "CLU-05", "CLU-06", "CLU-09")
"""Controls whose examples show what each `==`, `isin`, `&` and `|` is for; those of the others are not held to it yet."""
UNSHOWN = {
    "CHG-09: ~rows['judged'] & rows['found'].ne('')": "what was judged and failed is an exception, beside which no gap shows",
}
"""Tests in them that may be turned round without a change of what is found, and why."""


def comparisons(tree: ast.AST) -> list[ast.Compare | ast.Call]:
    """Every comparison by size, with an operator or by a method of pandas, in the order of the tree."""
    return [
        node
        for node in ast.walk(tree)
        if (isinstance(node, ast.Compare) and type(node.ops[0]) in _OPERATORS)
        or (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS
        )
    ]


def broken(module: ModuleType, number: int) -> tuple[str, dict[str, object]]:
    """A comparison's text, and the module's names with that comparison changed."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    node = comparisons(tree)[number]
    text = ast.unparse(node)
    if isinstance(node, ast.Compare):
        node.ops[0] = _OPERATORS[type(node.ops[0])]()
    else:
        assert isinstance(node.func, ast.Attribute)
        node.func.attr = _METHODS[node.func.attr]
    names: dict[str, object] = {"__name__": module.__name__, "__doc__": module.__doc__}
    exec(compile(tree, str(module.__file__), "exec"), names)
    return text, names


def logic(tree: ast.AST) -> list[ast.expr]:
    """Every test of what is the same or among others, and every `&` and `|`, in the order of the tree."""
    return [
        node
        for node in ast.walk(tree)
        if (isinstance(node, ast.Compare) and type(node.ops[0]) in _EQUAL)
        or (isinstance(node, ast.BinOp) and type(node.op) in _BOTH)
        or (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _SAME_OR_NOT
        )
    ]


class _Inverted(ast.NodeTransformer):
    """Puts `~` before one call."""

    def __init__(self, node: ast.Call) -> None:
        self._node = node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Its name is what `ast` asks for."""
        self.generic_visit(node)
        return ast.UnaryOp(ast.Invert(), node) if node is self._node else node


def confused(module: ModuleType, number: int) -> tuple[str, dict[str, object]]:
    """The text of one of `logic`, and the module's names with it turned round: the same for other, and for or."""
    tree: ast.AST = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    node = logic(tree)[number]
    text = ast.unparse(node)
    if isinstance(node, ast.Compare):
        node.ops[0] = _EQUAL[type(node.ops[0])]()
    elif isinstance(node, ast.BinOp):
        node.op = _BOTH[type(node.op)]()
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr == "isin":
            tree = ast.fix_missing_locations(_Inverted(node).visit(tree))
        else:
            node.func.attr = _SAME_OR_NOT[node.func.attr]
    names: dict[str, object] = {"__name__": module.__name__, "__doc__": module.__doc__}
    exec(compile(ast.unparse(tree), str(module.__file__), "exec"), names)
    return text, names


def noticed(control: Control) -> bool:
    """Whether an example fails, or the control breaks down on it."""
    try:
        return any(failures(control, remembered))
    except Exception:  # whatever it is: somebody would see it
        return True


def count(module: ModuleType) -> range:
    return range(len(comparisons(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")))))


def module_of(control: Control) -> ModuleType:
    return importlib.import_module(f"audit.controls.{control.id.lower().replace('-', '_')}")


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_a_changed_comparison_of_a_control_fails_an_example(control: Control) -> None:
    module, missed = module_of(control), set()
    for number in count(module):
        text, names = broken(module, number)
        changed = names["CONTROL"]
        assert isinstance(changed, Control)
        if not any(failures(changed, remembered)):
            missed.add(f"{control.id}: {text}")
    assert missed == {text for text in UNNOTICED if text.startswith(f"{control.id}:")}


@pytest.mark.parametrize("name", TURNED)
def test_a_test_turned_round_in_a_control_fails_an_example(name: str) -> None:
    """The same for other, among for not among, and for or: of each control all, but for those that are known."""
    control = next(one for one in CONTROLS if one.id == name)
    module, missed = module_of(control), set()
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    for number in range(len(logic(tree))):
        text, names = confused(module, number)
        changed = names["CONTROL"]
        assert isinstance(changed, Control)
        if not noticed(changed):
            missed.add(f"{control.id}: {text}")
    assert missed == {text for text in UNSHOWN if text.startswith(f"{control.id}:")}


@pytest.mark.parametrize(
    ("helper", "number"), [(helper, number) for helper in SHARED for number in count(helper)]
)
def test_a_changed_comparison_of_a_helper_fails_an_example(
    monkeypatch: pytest.MonkeyPatch, helper: ModuleType, number: int
) -> None:
    text, names = broken(helper, number)
    noticed = False
    for name in SHARED[helper]:
        module = importlib.import_module(f"audit.controls.{name}")
        for each, value in names.items():
            if callable(value) and getattr(module, each, None) is getattr(helper, each, module):
                monkeypatch.setattr(module, each, value)
        noticed = noticed or any(failures(replace(module.CONTROL), remembered))
    assert noticed, text
