"""Argo CD ApplicationSets: the Applications that they generate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from audit.git.graph import argocd
from audit.git.graph.generators import MOST, choices, undecided
from audit.git.graph.objects import UNKNOWN, Context, Declared
from audit.git.graph.references import mapping, mappings, text
from audit.git.graph.templating import render
from audit.git.graph.units import Kind, Unit, Uses


def units(declared: Declared, context: Context) -> Iterator[Unit]:
    """One unit for each Application and folder; one for the set alone, so that its own file has a place, where it makes none."""
    made: dict[tuple[object, ...], Unit] = {}
    problems = set[str]()
    for generator in mappings(declared.spec.get("generators")):
        body = next((each for each in generator.values() if isinstance(each, dict)), {})
        template = merged(mapping(declared.spec, "template"), mapping(body, "template"))
        found = choices(generator, context, {})
        problems.update(undecided(generator, context))
        if len(found) >= MOST:
            problems.add(f"it generates more than {MOST} Applications")
        templated = bool(found) and "{{" in _paths(template)
        for choice in found:
            application = render(template, choice.parameters)
            name = text(application, "metadata", "name")
            for unit in argocd.units(
                declared,
                name if name and UNKNOWN not in name else declared.name,
                mapping(application, "spec"),
                context,
                kind=Kind.APPLICATION_SET,
                templated=templated,
                siblings=choice.siblings,
                files=choice.files,
            ):
                made.setdefault(unit.facts(), unit)
    if text(declared.spec, "templatePatch"):
        problems.add("its templatePatch is not followed")
    alone = Uses().unit(declared.where, Kind.APPLICATION_SET, declared.file, name=declared.name)
    first, *others = made.values() or [alone]
    yield replace(first, problems=first.problems | problems)
    yield from others


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> Mapping[str, Any]:
    """A mapping with another over it, key by key; text that is empty leaves what was there."""
    result = dict(base)
    for key, value in over.items():
        before = result.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            result[key] = merged(before, value)
        elif value not in ("", {}, []):
            result[key] = value
    return result


def _paths(template: Mapping[str, Any]) -> str:
    """The paths of a template's sources, together."""
    spec = mapping(template, "spec")
    sources = (*mappings(spec.get("source")), *mappings(spec.get("sources")))
    return "\n".join(text(each, "path") for each in sources)
