"""Argo CD Applications: the folders, charts and value files that their sources name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from audit.git.graph.objects import Context, Declared
from audit.git.graph.references import (
    WILD,
    inside,
    is_url,
    mapping,
    mappings,
    remote,
    text,
    texts,
    use_folder,
    use_path,
)
from audit.git.graph.units import Folder, Kind, Reads, Unit, Uses

GROUP = "argoproj.io"


def units(
    declared: Declared,
    name: str,
    spec: Mapping[str, Any],
    context: Context,
    *,
    kind: Kind = Kind.APPLICATION,
    templated: bool = False,
    siblings: frozenset[str] = frozenset(),
    files: frozenset[str] = frozenset(),
) -> Iterator[Unit]:
    """What an Application deploys: one unit, or as many as there are folders that its path may mean.

    Args:
        declared: the object; an ApplicationSet, where it is one that generated the Application.
        name: of the Application.
        spec: of the Application.
        templated: whether its path was generated: it is left out then where no such folder exists.
        siblings: clusters among which its generator chose.
        files: what its generator read it from.
    """
    said = list(mappings(spec.get("sources"))) or list(mappings(spec.get("source")))
    dry = mapping(spec, "sourceHydrator", "drySource")
    said += [dry] if dry else []
    destination = text(spec, "destination", "name") or text(spec, "destination", "server")
    choices: list[list[str]] = []
    for each in said:
        folders = context.folders(text(each, "path"), Uses()) if _is_local(each, context) else []
        if templated:
            folders = [folder for folder in folders if context.tree.has_folder(folder, context.asked)]
            if not folders and _is_local(each, context) and WILD.search(text(each, "path")) is None:
                return
        choices.append(folders)
    first = next((index for index, folders in enumerate(choices) if len(folders) > 1), None)
    for folder in choices[first] if first is not None else [""]:
        chosen = [[folder] if index == first else folders for index, folders in enumerate(choices)]
        uses = _unit(said, chosen, context)
        uses.files |= files
        yield uses.unit(
            declared.where,
            kind,
            declared.file,
            name=name,
            sources=[each for folders in chosen for each in folders],
            cluster=destination,
            siblings=siblings,
        )


def _is_local(source: Mapping[str, Any], context: Context) -> bool:
    """Whether a source is a folder of this repository."""
    return (
        bool(text(source, "path")) and not text(source, "chart") and context.home.has(text(source, "repoURL"))
    )


def _unit(
    said: list[Mapping[str, Any]],
    folders: list[list[str]],
    context: Context,
) -> Uses:
    uses = Uses()
    named = {text(each, "ref"): each for each in said if text(each, "ref")}
    for source, found in zip(said, folders, strict=True):
        if not _is_local(source, context):
            url, chart, path = (text(source, key) for key in ("repoURL", "chart", "path"))
            if chart or not context.home.has(url):
                uses.remotes.add(remote(url, chart or path))
        elif not found:
            context.folders(text(source, "path"), uses)
        for folder in found:
            uses.folders.add(_reference(source, folder))
        for each in found or (None,):
            _values(source, each, named, context, uses)
    return uses


def _reference(source: Mapping[str, Any], folder: str) -> Folder:
    """How Argo CD reads the folder of a source."""
    if isinstance(source.get("plugin"), dict):
        return Folder(folder, Reads.ALL)
    directory = mapping(source, "directory")
    deep = text(directory, "recurse").lower() == "true"
    return Folder(
        folder,
        Reads.DEEP if deep else Reads.FILES,
        text(directory, "include"),
        text(directory, "exclude"),
    )


def _values(
    source: Mapping[str, Any],
    folder: str | None,
    named: Mapping[str, Mapping[str, Any]],
    context: Context,
    uses: Uses,
) -> None:
    """Value files and parameters from files, of this source or of another that it refers to; components, patches."""
    files = texts(mapping(source, "helm").get("valueFiles"))
    files += [text(each, "path") for each in mappings(mapping(source, "helm").get("fileParameters"))]
    for entry in filter(None, files):
        if entry.startswith("$"):
            other, _slash, path = entry[1:].partition("/")
            origin = named.get(other)
            if origin is None or context.home.has(text(origin, "repoURL")):
                _value_file("", path, uses)
            else:
                uses.remotes.add(remote(text(origin, "repoURL"), path))
        elif is_url(entry):
            uses.remotes.add(remote(entry))
        elif folder is not None:
            _value_file(folder, entry, uses)
    if folder is None:
        return
    built = mapping(source, "kustomize")
    for entry in texts(built.get("components")):
        use_folder(uses, folder, entry, Reads.KUSTOMIZATION)
    for each in mappings(built.get("patches")):
        use_path(uses, folder, each.get("path"))
    for entry in texts(mapping(source, "directory", "jsonnet").get("libs")):
        use_folder(uses, "", entry, Reads.ALL)


def _value_file(folder: str, entry: str, uses: Uses) -> None:
    path = inside(folder, entry)
    if path is not None and WILD.search(path):
        uses.globs.add(path)
    else:
        use_path(uses, folder, entry)
