"""Flux: the folders and charts that Kustomizations and HelmReleases deploy, through the sources that they name."""

from __future__ import annotations

import re
from typing import Any

from audit.git.graph.objects import UNKNOWN, Context, Declared
from audit.git.graph.references import inside, mapping, mappings, remote, text, texts, use_folder, use_path
from audit.git.graph.units import Folder, Kind, Reads, Unit, Uses

KUSTOMIZE = "kustomize.toolkit.fluxcd.io"
HELM = "helm.toolkit.fluxcd.io"
SOURCE = "source.toolkit.fluxcd.io"
EXTENSIONS = "source.extensions.fluxcd.io"
OPERATOR = "fluxcd.controlplane.io"
_GIT = "GitRepository"
_VARIABLE = re.compile(r"\$\{[^}]*\}")


def kustomization(declared: Declared, context: Context) -> Unit:
    """What a Kustomization of Flux deploys: a folder, with the components that it adds."""
    uses, sources = Uses(), list[str]()
    spec = declared.spec
    path = _VARIABLE.sub(UNKNOWN, text(spec, "path"))
    for root, below in _places(spec.get("sourceRef"), declared, path, context, uses):
        for folder in context.folders(f"{root}/{below}", uses):
            sources.append(folder)
            uses.folders.add(Folder(folder, Reads.BELOW))
            for entry in texts(spec.get("components")):
                use_folder(uses, folder, entry, Reads.KUSTOMIZATION)
    return uses.unit(
        declared.where, Kind.FLUX_KUSTOMIZATION, declared.file, name=declared.name, sources=sources
    )


def instance(declared: Declared, context: Context) -> Unit:
    """What Flux's operator sets a cluster up with: the folder that the cluster is synchronised with, if it is one of ours."""
    uses, sources = Uses(), list[str]()
    sync = mapping(declared.spec, "sync")
    url, path = text(sync, "url"), _VARIABLE.sub(UNKNOWN, text(sync, "path"))
    if sync and text(sync, "kind") == _GIT and context.home.has(url):
        sources = context.folders(path, uses)
        uses.folders.update(Folder(folder, Reads.BELOW) for folder in sources)
    elif sync:
        uses.remotes.add(remote(url, path))
    return uses.unit(
        declared.where, Kind.FLUX_KUSTOMIZATION, declared.file, name=declared.name, sources=sources
    )


def helm_release(declared: Declared, context: Context) -> Unit:
    """What a HelmRelease deploys: a chart of this repository with its value files, or one from elsewhere."""
    uses, sources = Uses(), list[str]()
    chart, owner = mapping(declared.spec, "chart", "spec"), declared
    reference = mapping(declared.spec, "chartRef")
    if reference:
        found = _find(reference, declared, context)
        if found is None or found.kind != "HelmChart":
            uses.remotes.add(_address(reference, found))
        else:
            chart, owner = found.spec, found
            uses.files.add(found.file)
    path = text(chart, "chart")
    if path:
        sources += _chart(chart, path, owner, context, uses)
    return uses.unit(declared.where, Kind.HELM_RELEASE, declared.file, name=declared.name, sources=sources)


def _chart(chart: Any, path: str, owner: Declared, context: Context, uses: Uses) -> list[str]:
    """Folders of this repository in which a chart lies; none where it comes from elsewhere."""
    reference = mapping(chart, "sourceRef")
    if text(reference, "kind") not in (_GIT, "ExternalArtifact"):
        uses.remotes.add(remote(_address(reference, _find(reference, owner, context)), path))
        return []
    found = []
    for root, below in _places(reference, owner, _VARIABLE.sub(UNKNOWN, path), context, uses):
        for folder in context.folders(f"{root}/{below}", uses):
            found.append(folder)
            uses.folders.add(Folder(folder, Reads.CHART))
            for entry in (*texts(chart.get("valuesFiles")), *texts(chart.get("valuesFile"))):
                for base in (root, folder):
                    if inside(base, entry) is not None:
                        use_path(uses, base, entry)
    return found


def _places(
    reference: Any, owner: Declared, path: str, context: Context, uses: Uses
) -> list[tuple[str, str]]:
    """Where in this repository a path of a source lies, as (folder, rest of the path); none where it is remote."""
    kind, name = text(reference, "kind"), text(reference, "name")
    found = _find(reference, owner, context)
    if kind == "ExternalArtifact" and found is not None:
        return _copied(found, name, path, context, uses)
    if kind == _GIT and (
        context.home.has(text(found.spec, "url")) if found is not None else context.home.named(name)
    ):
        return [("", path)]
    uses.remotes.add(remote(_address(reference, found), path))
    return []


def _copied(generator: Declared, name: str, path: str, context: Context, uses: Uses) -> list[tuple[str, str]]:
    """Where the files lie that an ArtifactGenerator copies to `path` of the artifact `name`."""
    uses.files.add(generator.file)
    wanted = inside("", path) or ""
    aliases = {text(each, "alias"): each for each in mappings(generator.spec.get("sources"))}
    found = []
    for artifact in mappings(generator.spec.get("artifacts")):
        for copy in mappings(artifact.get("copy")) if text(artifact, "name") == name else ():
            alias, _slash, pattern = text(copy, "from").removeprefix("@").partition("/")
            target = inside("", text(copy, "to").removeprefix("@artifact")) or ""
            base = re.split(r"/?[*?\[{]", pattern, maxsplit=1)[0]
            below = wanted if not target else wanted.removeprefix(target)
            if wanted != target and not f"{wanted}/".startswith(f"{target}/" if target else ""):
                if not f"{target}/".startswith(f"{wanted}/" if wanted else ""):
                    continue
                below = ""
            source = aliases.get(alias, {})
            if text(source, "kind") != _GIT:
                uses.remotes.add(remote(_address(source, None), pattern))
            elif _places(source, generator, path, context, uses):
                found.append((base, below))
    return found


def _find(reference: Any, owner: Declared, context: Context) -> Declared | None:
    """The object that declares a source, in the namespace that is named or in its user's, the nearest to its user's file."""
    kind, name = text(reference, "kind"), text(reference, "name")
    namespace = text(reference, "namespace") or owner.namespace
    return context.source(owner.file, kind, namespace, name) if name else None


def _address(reference: Any, found: Declared | None) -> str:
    """The address of a source that is elsewhere; its kind and name where no file declares it."""
    url = text(found.spec, "url") or text(found.spec, "endpoint") if found is not None else ""
    return url or f"{text(reference, 'kind') or 'source'}/{text(reference, 'name') or '?'}"
