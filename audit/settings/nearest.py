"""Which key was meant by one that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel


def meant(model: type[BaseModel], loc: Sequence[str]) -> tuple[str, str]:
    """What to say of the key at `loc`, which `model` does not have: the key of that table that is most like it, or
    the table that has a key of this name. Second, that key of the same table; empty where none is like it.
    """
    *tables, name = loc
    inside = model
    for part in tables:
        if part in inside.model_fields:  # else the place of an entry, or the name of one
            inside = next(_models(inside.model_fields[part].annotation), inside)
    like = difflib.get_close_matches(name, inside.model_fields, n=1)
    if like:
        return f"there is no such key; did you mean '{like[0]}'?", like[0]
    places = [place or "the top of the file, before any [table]" for place in _places(model, name)]
    return "there is no such key here" + (f"; it belongs to {' or '.join(places)}" if places else ""), ""


def _places(model: type[BaseModel], name: str, table: str = "") -> Iterator[str]:
    """Tables that have a key of this name; the first is empty where the file itself has it."""
    if name in model.model_fields:
        yield table
    for each, field in model.model_fields.items():
        for below in _models(field.annotation):
            yield from _places(below, name, f"{table}.{each}".strip("."))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in an annotation, such as that of `list[Source]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
