"""Templates of ApplicationSets, `{{path.basename}}` and Go's `{{ .path.basename | lower }}`, filled in as far as they can be known."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from audit.git.graph.objects import UNKNOWN

_EXPRESSION = re.compile(r"\{\{-?(.*?)-?\}\}", re.DOTALL)
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`|\(|\)|[^\s()|]+|\|')
_DEEPEST = 50
_ARGUMENTS = {"lower": 0, "upper": 0, "trim": 0, "quote": 0, "normalize": 0, "slugify": 0, "toString": 0}
_ARGUMENTS |= {"trimPrefix": 1, "trimSuffix": 1, "default": 1, "replace": 2}


def render(value: Any, parameters: Mapping[str, str], depth: int = 0) -> Any:
    """A template, text or nested, with parameters put in; what can't be known is `*`."""
    if depth > _DEEPEST:
        return UNKNOWN
    if isinstance(value, dict):
        return {
            render(key, parameters, depth + 1): render(each, parameters, depth + 1)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [render(each, parameters, depth + 1) for each in value]
    if isinstance(value, str) and "{{" in value:
        return _EXPRESSION.sub(lambda found: _evaluate(found[1].strip(), parameters), value)
    return value


def _evaluate(expression: str, parameters: Mapping[str, str]) -> str:
    """One expression: a parameter by its name, or Go's form of it, with the functions that are common in paths."""
    if expression in parameters:
        return parameters[expression]
    first, *functions = _pipeline(_WORD.findall(expression))
    value = _term(first, parameters)
    for words in functions:
        if not words:
            return UNKNOWN
        value = _apply(words[0], [_literal(word, parameters) for word in words[1:]], value)
    return value if value is not None else UNKNOWN


def _pipeline(words: list[str]) -> list[list[str]]:
    stages: list[list[str]] = [[]]
    for word in words:
        if word == "|":
            stages.append([])
        else:
            stages[-1].append(word)
    return stages


def _term(words: list[str], parameters: Mapping[str, str]) -> str | None:
    """The value of a stage that stands first: a field, a literal, a look-up, or a function of those."""
    if len(words) == 1:
        return _literal(words[0], parameters)
    if len(words) >= 3 and words[0] in ("index", "get") and words[1].startswith("."):
        keys = [word.strip('"`') for word in words[2:]]
        return parameters.get(".".join([words[1][1:], *keys]))
    if words and words[0] in _ARGUMENTS and not {"(", ")"} & set(words):
        values = [_literal(word, parameters) for word in words[1:]]
        return _apply(words[0], values[:-1], values[-1]) if values else None
    return None


def _literal(word: str, parameters: Mapping[str, str]) -> str | None:
    if len(word) > 1 and word[0] == word[-1] and word[0] in '"`':
        return word[1:-1]
    return parameters.get(word[1:]) if word.startswith(".") else None


def _apply(name: str, arguments: list[str | None], value: str | None) -> str | None:
    """A function of a pipeline; None where it, or what it works on, is not known."""
    known = [each for each in arguments if each is not None]
    if name not in _ARGUMENTS or len(known) != _ARGUMENTS[name] or len(known) != len(arguments):
        return None
    if name == "default":
        return value or known[0]
    return _TEXT[name](value, *known) if value is not None else None


def normalized(name: str) -> str:
    """A name as Argo CD makes it fit for an object: lower case, digits, `-` and `.`."""
    return re.sub(r"[^a-z0-9.-]", "-", name.lower()).strip("-.")


_TEXT: dict[str, Callable[..., str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "trim": str.strip,
    "quote": str.strip,
    "toString": str.strip,
    "normalize": normalized,
    "slugify": normalized,
    "trimPrefix": lambda value, prefix: value.removeprefix(prefix),
    "trimSuffix": lambda value, suffix: value.removesuffix(suffix),
    "replace": lambda value, old, new: value.replace(old, new),
}
