"""Kustomizations: which files, folders and addresses a `kustomization.yaml` builds from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from audit.git.contents import Unreadable
from audit.git.graph.references import (
    OUTSIDE,
    Home,
    inside,
    is_url,
    mapping,
    mappings,
    parent,
    remote,
    text,
    texts,
    use_folder,
    use_path,
)
from audit.git.graph.units import Kind, Reads, Unit, Uses

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
FLUX = "kustomize.toolkit.fluxcd.io/"
BUILT_IN = "builtin"
_CHARTS = "charts"
_LOADED = ("resources", "bases", "components")
_PLUGINS = ("generators", "transformers", "validators")
_FILES = ("configurations", "crds", "patchesStrategicMerge")
_PATCHED = ("patches", "patchesJson6902", "replacements")
_GENERATED = ("configMapGenerator", "secretGenerator")


def is_flux(documents: tuple[Any, ...]) -> bool:
    """Whether a file named like a kustomization holds objects of Flux instead."""
    return any(text(each, "apiVersion").startswith(FLUX) for each in documents)


def unit(path: str, documents: tuple[Any, ...], home: Home) -> Unit:
    """The unit of the kustomization in the file `path`.

    Raises:
        Unreadable: it is not a mapping, as Kustomize requires.
    """
    folder, uses = parent(path), Uses()
    for document in documents:
        if document in ("", None, "null"):
            continue
        if not isinstance(document, dict):
            raise Unreadable("a kustomization has to be a mapping")
        _read(document, folder, home, uses)
    return uses.unit(folder, Kind.KUSTOMIZATION, path)


def plugin(path: str, document: Mapping[str, Any], home: Home) -> Unit:
    """The unit of one of Kustomize's own generators or transformers, configured in a file of its own."""
    uses, folder = Uses(), parent(path)
    for key in ("path", "paths", "crds"):
        for entry in texts(document.get(key)):
            use_path(uses, folder, entry)
    _generated(document, folder, uses)
    _replaced(document, folder, uses)
    if text(document, "kind") == "HelmChartInflationGenerator":
        home_of_charts = text(document, "chartHome") or text(document, "helmGlobals", "chartHome") or _CHARTS
        _chart(document, folder, home_of_charts, home, uses)
    return uses.unit(f"{path}#{text(document, 'metadata', 'name')}", Kind.PLUGIN, path)


def _read(document: Mapping[str, Any], folder: str, home: Home, uses: Uses) -> None:
    for entry in _entries(document, _LOADED):
        _load(entry, folder, home, uses)
    for entry in filter(_is_path, _entries(document, _PLUGINS)):
        _load(entry, folder, home, uses)
    for entry in filter(_is_path, _entries(document, _FILES)):
        use_path(uses, folder, entry)
    for key in _PATCHED:
        for each in mappings(document.get(key)):
            use_path(uses, folder, each.get("path"))
    for key in _GENERATED:
        for each in mappings(document.get(key)):
            _generated(each, folder, uses)
    use_path(uses, folder, mapping(document, "openapi").get("path"))
    chart_home = text(document, "helmGlobals", "chartHome") or _CHARTS
    for each in mappings(document.get("helmCharts")):
        _chart(each, folder, chart_home, home, uses)
    for each in mappings(document.get("helmChartInflationGenerator")):
        _chart(each, folder, text(each, "chartHome") or chart_home, home, uses)


def _entries(document: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[str]:
    return (entry for key in keys for entry in texts(document.get(key)))


def _is_path(entry: str) -> bool:
    """Whether an entry names a file or folder: it may be YAML that stands in the kustomization itself."""
    return "\n" not in entry.strip() and not entry.lstrip().startswith("{")


def _load(entry: str, folder: str, home: Home, uses: Uses) -> None:
    """An entry that is a file, a folder with a kustomization, or an address of either."""
    if is_url(entry):
        within = home.within(entry)
        if within is None:
            uses.remotes.add(remote(entry))
        else:
            uses.files.add(within)
            use_folder(uses, "", f"/{within}", Reads.KUSTOMIZATION)
    elif use_path(uses, folder, entry) is not None:
        use_folder(uses, folder, entry, Reads.KUSTOMIZATION)


def _generated(each: Mapping[str, Any], folder: str, uses: Uses) -> None:
    """Files of a ConfigMap's or Secret's generator: `path` or `key=path`, and files of variables."""
    for entry in texts(each.get("files")):
        use_path(uses, folder, entry.partition("=")[2] or entry)
    for key in ("env", "envs"):
        for entry in texts(each.get(key)):
            use_path(uses, folder, entry)


def _replaced(document: Mapping[str, Any], folder: str, uses: Uses) -> None:
    for each in mappings(document.get("replacements")):
        use_path(uses, folder, each.get("path"))


def _chart(each: Mapping[str, Any], folder: str, chart_home: str, home: Home, uses: Uses) -> None:
    """A chart that Kustomize inflates: pulled, or lying in the folder of charts; and its value files."""
    name, version = (text(each, key) for key in ("name", "version"))
    name = name or text(each, "chartName")
    repository = text(each, "repo") or text(each, "chartRepoUrl")
    if repository and home.within(repository) is None:
        uses.remotes.add(remote(repository, name))
    base = inside(folder, chart_home)
    if base is None:
        uses.problems.add(OUTSIDE.format(chart_home))
    elif name:
        for local in (name, f"{name}-{version}/{name}" if version else name):
            use_folder(uses, base, local, Reads.CHART)
    for key in ("valuesFile", "additionalValuesFiles", "values"):
        for entry in texts(each.get(key)):
            if _is_path(entry):
                use_path(uses, folder, entry)
