"""Controls with rules that are broken on purpose, one at a time, and which of their examples can tell.

A module is compiled once. Every comparison, every `&` and `|` and every `~` of it goes through `_Switch`, which does what the operator does,
or for the one that is broken what stands in its place. In a first run over the examples nothing is broken, and both are worked
out: an example in which a break never makes a difference of its own can't fail for it, and is not run again.
"""

from __future__ import annotations

import ast
import importlib
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from audit.controls.examples import failures
from audit.controls.interface import Context, Control, Example, Gap, Need, Tables
from audit.settings import Settings
from tests.controls.worlds import world_of

Way = Callable[..., Any]
"""What an operator does to its operands."""

_COMPARED: dict[type[ast.cmpop], tuple[Way, Way]] = {
    ast.Lt: (operator.lt, operator.le),
    ast.LtE: (operator.le, operator.lt),
    ast.Gt: (operator.gt, operator.ge),
    ast.GtE: (operator.ge, operator.gt),
    ast.Eq: (operator.eq, operator.ne),
    ast.NotEq: (operator.ne, operator.eq),
    ast.In: (lambda one, all: one in all, lambda one, all: one not in all),
    ast.NotIn: (lambda one, all: one not in all, lambda one, all: one in all),
}
"""By which a comparison takes in its limit where it did not, or the other way round, and the same is for other."""
_JOINED: dict[type[ast.operator], tuple[Way, Way]] = {
    ast.BitAnd: (operator.and_, operator.or_),
    ast.BitOr: (operator.or_, operator.and_),
}
_SIZES = {"lt": "le", "le": "lt", "gt": "ge", "ge": "gt"}
_SAME = {"eq": "ne", "ne": "eq", "isin": "isin"}


def _call(name: str) -> Way:
    return lambda one, words, *of: getattr(one, name)(*of, **words)


def _not(way: Way) -> Way:
    return lambda *of: ~way(*of)


_CALLED = {name: (_call(name), _call(other)) for name, other in (_SIZES | _SAME).items()}
_CALLED["isin"] = (_call("isin"), _not(_call("isin")))
"""The same by methods of pandas."""


@dataclass
class _Switch:
    """What a module's operators go through.

    Attributes:
        broken: number of the one that is broken; none when None.
        differed: while not None, which are told apart from what stands in their place.
    """

    broken: int | None = None
    differed: set[int] | None = None

    def __call__(self, number: int, kept: Callable[..., Any], turned: Callable[..., Any], *of: Any) -> Any:
        if self.broken == number:
            return turned(*of)
        value = kept(*of)
        if self.differed is not None and number not in self.differed and not _same(value, turned, of):
            self.differed.add(number)
        return value


def _same(value: Any, turned: Callable[..., Any], of: tuple[Any, ...]) -> bool:
    try:
        other = turned(*of)
        return bool(value.equals(other)) if hasattr(value, "equals") else bool(value == other)
    except Exception:  # whatever it is: it makes a difference
        return False


class Breakable:
    """A module whose operators can be broken, one at a time.

    Attributes:
        texts: each operator with what it is applied to, in the module's words.
        names: what the module defines.
    """

    def __init__(self, module: ModuleType) -> None:
        """Runs the source of `module` anew; the module itself stays as it is."""
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        switched = _Switched()
        tree = ast.fix_missing_locations(switched.visit(tree))
        self._code = compile(tree, str(module.__file__), "exec")
        self._once = switched.once
        self._switch = _Switch()
        self._given = {
            "__name__": module.__name__,
            "__doc__": module.__doc__,
            "_switch": self._switch,
            "_ways": switched.ways,
        }
        self.texts: list[str] = switched.texts
        self.names = self._run()

    def _run(self) -> dict[str, Any]:
        names = dict(self._given)
        exec(self._code, names)
        return names

    @contextmanager
    def differing(self) -> Iterator[set[int]]:
        """Numbers of the operators that come to something else than what would stand in their place; all as they work as the
        module is loaded."""
        self._switch.differed = set(self._once)
        yield self._switch.differed
        self._switch.differed = None

    @contextmanager
    def broken(self, number: int) -> Iterator[dict[str, Any]]:
        """What the module defines while one of its operators is broken."""
        self._switch.broken = number
        try:
            yield self._run() if number in self._once else self.names
        finally:
            self._switch.broken = None


class _Switched(ast.NodeTransformer):
    """Puts `_switch(number, *_ways[number], …)` in the place of each operator that can be broken.

    Attributes:
        texts, ways: of each operator; how it works, and how when broken.
        once: numbers of those outside of any function.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.ways: list[tuple[Way, Way]] = []
        self.once: set[int] = set()
        self._inside = 0

    def _switch(self, text: str, ways: tuple[Way, Way], *of: ast.expr) -> ast.expr:
        number = len(self.texts)
        self.texts.append(text)
        self.ways.append(ways)
        if not self._inside:
            self.once.add(number)
        way = ast.Subscript(ast.Name("_ways", ast.Load()), ast.Constant(number), ast.Load())
        of = (ast.Constant(number), ast.Starred(way, ast.Load()), *of)
        return ast.Call(ast.Name("_switch", ast.Load()), list(of), [])

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Its name, like those of the others, is what `ast` asks for."""
        self._inside += 1
        node.body = [self.visit(each) for each in node.body]
        self._inside -= 1
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        node.value = node.value and self.visit(node.value)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """`a < b < c` is `a < b and b < c`."""
        if not all(type(each) in _COMPARED for each in node.ops):
            return cast("ast.expr", self.generic_visit(node))
        sides = [node.left, *node.comparators]
        pairs = [
            self._compared(left, sign, right)
            for left, sign, right in zip(sides[:-1], node.ops, sides[1:], strict=True)
        ]
        return pairs[0] if len(pairs) == 1 else ast.BoolOp(ast.And(), pairs)

    def _compared(self, left: ast.expr, sign: ast.cmpop, right: ast.expr) -> ast.expr:
        text = ast.unparse(ast.Compare(left, [sign], [right]))
        return self._switch(
            text, _COMPARED[type(sign)], self.visit(deepcopy(left)), self.visit(deepcopy(right))
        )

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        text = ast.unparse(node)
        self.generic_visit(node)
        ways = _JOINED.get(type(node.op))
        return self._switch(text, ways, node.left, node.right) if ways else node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        """`~` is left out; before a call that can be broken itself that would be the same."""
        text, before = ast.unparse(node), len(self.texts)
        beside = isinstance(node.operand, ast.Call) and _method(node.operand) in _SAME
        self.generic_visit(node)
        if not isinstance(node.op, ast.Invert) or (beside and len(self.texts) > before):
            return node
        return self._switch(text, (operator.invert, lambda one: one), node.operand)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        text, name = ast.unparse(node), _method(node)
        self.generic_visit(node)
        if name not in _CALLED:
            return node
        assert isinstance(node.func, ast.Attribute)
        keywords = ast.Dict(
            [ast.Constant(each.arg) for each in node.keywords], [each.value for each in node.keywords]
        )
        return self._switch(text, _CALLED[name], node.func.value, keywords, *node.args)


def _method(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else ""


class _Remembered:
    """A need that is asked once for each set of tables, however often a control is broken."""

    def __init__(self, need: Need) -> None:
        self.name, self.what = need.name, need.what
        self._need, self._known = need, dict[int, list[Gap]]()

    def gaps(self, tables: Tables, context: Context) -> list[Gap]:
        """Those of the need itself."""
        if id(tables) not in self._known:
            self._known[id(tables)] = self._need.gaps(tables, context)
        return self._known[id(tables)]


class Examples:
    """A control's examples, each with its world, which is the same however the control is broken."""

    def __init__(self, control: Control) -> None:
        self._control, self._examples = control, control.examples
        own = module_of(control).__name__
        self._needs = tuple(
            need if type(need).__module__ == own else _Remembered(need) for need in control.needs
        )

    def _world(self, _: Control, example: Example) -> tuple[Tables, Settings]:
        """That of the control as it is: a world holds what its needs ask for, and remembered needs do not tell all of it."""
        return world_of(self._control, example)

    def _failing(self, control: Control, example: Example) -> bool:
        """Whether an example of a control fails, or the control breaks down on it."""
        alone = replace(control, examples=(example,), needs=self._needs)
        try:
            return any(failures(alone, self._world))
        except Exception:  # whatever it is: somebody would see it
            return True

    def unnoticed(
        self,
        breakable: Breakable,
        control: Callable[[dict[str, Any]], Control],
        among: Iterable[int] | None = None,
    ) -> list[int]:
        """Numbers of the operators of a module that may be broken without an example that fails.

        Args:
            control: the control, of what the module defines.
            among: only these; all when None.
        """
        numbers = range(len(breakable.texts)) if among is None else among
        telling: dict[int, list[Example]] = {number: [] for number in numbers}
        for example in self._examples:
            with breakable.differing() as differed:
                assert not self._failing(control(breakable.names), example), example.title
            for number in differed & set(telling):
                telling[number].append(example)
        told = Counter[str]()  # what told much is asked first
        missed = []
        for number, examples in telling.items():
            asked = sorted(examples, key=lambda example: -told[example.title])
            by = next((each for each in asked if self._tells(each, breakable, number, control)), None)
            if by is None:
                missed.append(number)
            else:
                told[by.title] += 1
        return missed

    def _tells(
        self,
        example: Example,
        breakable: Breakable,
        number: int,
        control: Callable[[dict[str, Any]], Control],
    ) -> bool:
        try:
            with breakable.broken(number) as names:
                return self._failing(control(names), example)
        except TypeError:  # the module can't be loaded
            return True


def module_of(control: Control) -> ModuleType:
    """The file of a control."""
    return importlib.import_module(f"audit.controls.{control.id.lower().replace('-', '_')}")
