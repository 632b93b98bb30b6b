"""Generators of ApplicationSets: the sets of parameters that they give, from the tree and the clusters in scope."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from audit.git.contents import Unreadable
from audit.git.graph.objects import UNKNOWN, Context
from audit.git.graph.references import glob, mapping, mappings, parent, remote, text, texts
from audit.git.graph.templating import normalized, render

MOST = 5000
"""Sets of parameters beyond which a generator is not followed."""

_DEEPEST = 8
_STAGES = ("env", "environment", "stage", "tier")
_Parameters = dict[str, str]


class Choice(NamedTuple):
    """One set of parameters, with the clusters that a generator chose from without saying how, and the files it was read from."""

    parameters: _Parameters
    siblings: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()

    def with_(self, other: Choice) -> Choice:
        """Both, the other's parameters over one's own."""
        return Choice(
            self.parameters | other.parameters, self.siblings | other.siblings, self.files | other.files
        )


def choices(
    generator: Mapping[str, Any], context: Context, given: _Parameters, depth: int = 0
) -> list[Choice]:
    """The sets of parameters of one generator; a single one without any where they can't be known.

    Args:
        given: parameters of the generator that a matrix puts before this one.
    """
    if depth > _DEEPEST:
        return [Choice({})]
    found: Iterator[Choice] = iter((Choice({}),))
    for name, make in _GENERATORS.items():
        if isinstance(generator.get(name), dict):
            found = make(render(generator[name], given) if given else generator[name], context, depth)
            break
    else:
        body = next((each for each in generator.values() if isinstance(each, dict)), {})
        found = iter((Choice(_values(body, {})),))
    selector = mapping(generator, "selector")
    return [each for each in islice(found, MOST) if _selected(each.parameters, selector)]


def undecided(generator: Mapping[str, Any], context: Context, depth: int = 0) -> Iterator[str]:
    """What of a generator the repository and the settings don't tell, in words for a report."""
    for name, body in generator.items():
        if not isinstance(body, dict) or name == "selector" or depth > _DEEPEST:
            continue
        if name not in _GENERATORS:
            yield f"what its generator '{name}' gives is known only where it runs"
        elif name == "clusters" and not context.clusters:
            yield "its clusters are not among the settings'"
        elif name == "git" and not context.home.has(text(body, "repoURL")):
            yield f"its generator reads {remote(text(body, 'repoURL'))}"
        elif name == "list" and text(body, "elementsYaml"):
            yield "the elements of its list are known only where it runs"
        elif name in ("matrix", "merge"):
            for each in mappings(body.get("generators")):
                yield from undecided(each, context, depth + 1)


def _list(body: Mapping[str, Any], _context: Context, _depth: int) -> Iterator[Choice]:
    if text(body, "elementsYaml"):
        yield Choice({})
    for element in mappings(body.get("elements")):
        yield Choice(dict(flat(element)))


def _clusters(body: Mapping[str, Any], context: Context, _depth: int) -> Iterator[Choice]:
    """Every cluster in scope that a selector of environments does not leave out; other labels are not known."""
    selector = mapping(body, "selector")
    labels = {key: value for key, value in mapping(selector, "matchLabels").items() if isinstance(value, str)}
    served = {cluster.environment for cluster in context.clusters}
    stages = {value for key, value in labels.items() if key.rpartition("/")[2] in _STAGES} & served
    chosen = [cluster for cluster in context.clusters if not stages or cluster.environment in stages]
    siblings = frozenset(cluster.name for cluster in chosen)
    for cluster in chosen:
        said = {
            "name": cluster.name,
            "nameNormalized": normalized(cluster.name),
            "server": cluster.name,
            **{f"metadata.labels.{key}": value for key, value in labels.items()},
        }
        yield Choice(said | _values(body, said), siblings)
    if not context.clusters:
        yield Choice(_values(body, {}))


def _git(body: Mapping[str, Any], context: Context, _depth: int) -> Iterator[Choice]:
    if not context.home.has(text(body, "repoURL")):
        yield Choice(_values(body, {}))
        return
    prefix = text(body, "pathParamPrefix")
    directories = mappings(body.get("directories"))
    left_out = [text(each, "path") for each in directories if text(each, "exclude") == "true"]
    seen = set()
    for each in directories:
        for folder in context.tree.folders(_slashless(text(each, "path")), context.asked):
            hidden = any(part.startswith(".") for part in folder.split("/"))
            if text(each, "exclude") == "true" or hidden or not folder or folder in seen:
                continue
            if not any(glob(_slashless(pattern)).fullmatch(folder) for pattern in left_out):
                seen.add(folder)
                said = _path(folder, prefix)
                yield Choice(said | _values(body, said))
    for each in mappings(body.get("files")):
        for path in context.tree.files(_slashless(text(each, "path")), context.asked):
            for document in _documents(path, context):
                said = dict(flat(document)) | _path(parent(path), prefix)
                said["path.filename"] = path.rpartition("/")[2]
                yield Choice(said | _values(body, said), files=frozenset({path}))


def _matrix(body: Mapping[str, Any], context: Context, depth: int) -> Iterator[Choice]:
    found = [Choice({})]
    for generator in mappings(body.get("generators")):
        found = list(
            islice(
                (
                    first.with_(then)
                    for first in found
                    for then in choices(generator, context, first.parameters, depth + 1)
                ),
                MOST,
            )
        )
    yield from found


def _merge(body: Mapping[str, Any], context: Context, depth: int) -> Iterator[Choice]:
    """The first generator's sets, each with what the others say where the merge keys are the same."""
    keys = texts(body.get("mergeKeys"))
    first, *others = [choices(each, context, {}, depth + 1) for each in mappings(body.get("generators"))] or [
        []
    ]
    for base in first:
        known = all(key in base.parameters for key in keys)
        merged = base
        for each in (each for other in others for each in other):
            if not known:
                yield base.with_(each)
            elif all(each.parameters.get(key) == base.parameters[key] for key in keys):
                merged = merged.with_(each)._replace(siblings=base.siblings)
        yield merged


_GENERATORS: dict[str, Callable[[Mapping[str, Any], Context, int], Iterator[Choice]]] = {
    "list": _list,
    "clusters": _clusters,
    "git": _git,
    "matrix": _matrix,
    "merge": _merge,
}


def _values(body: Mapping[str, Any], said: _Parameters) -> _Parameters:
    """Values of a generator's own, which may use its parameters."""
    return {
        f"values.{key}": render(value, said)
        for key, value in mapping(body, "values").items()
        if isinstance(value, str)
    }


def _slashless(pattern: str) -> str:
    return pattern.removeprefix("./").strip("/")


def _path(folder: str, prefix: str) -> _Parameters:
    """Parameters of a folder, in the form of plain templates and in that of Go's."""
    parts = folder.split("/")
    said = {"path": folder, "path.path": folder}
    said |= {"path.basename": parts[-1], "path.basenameNormalized": normalized(parts[-1])}
    for index, part in enumerate(parts):
        said |= {f"path[{index}]": part, f"path.segments.{index}": part}
    return {f"{prefix}.{key}": value for key, value in said.items()} if prefix else said


def _documents(path: str, context: Context) -> Iterator[Mapping[str, Any]]:
    """The sets of parameters in a file; one that can't be read gives a set without any."""
    try:
        documents = context.documents(context.tree.blobs[path])
    except Unreadable:
        yield {}
        return
    for document in documents:
        yield from mappings(document)


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested mappings as names with dots; entries of lists by their number."""
    if isinstance(value, str):
        yield prefix, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from flat(each, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from flat(each, f"{prefix}.{index}")


def _selected(parameters: _Parameters, selector: Mapping[str, Any]) -> bool:
    """Whether a set fits a generator's selector; a parameter that is not known fits."""
    for key, value in mapping(selector, "matchLabels").items():
        if parameters.get(key, value) not in (value, UNKNOWN):
            return False
    for each in mappings(selector.get("matchExpressions")):
        value, values = parameters.get(text(each, "key")), texts(each.get("values"))
        operator = text(each, "operator")
        if value is not None and (
            (operator == "In" and value not in values) or (operator == "NotIn" and value in values)
        ):
            return False
    return True
