"""Which images a file sets, by what kind of file it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from audit.git.images import operators, tagfiles
from audit.git.images.found import HELM, KUSTOMIZE, MANIFEST, OPERATOR, Found, Setting
from audit.git.images.locators import child, elements, is_object
from audit.git.images.values import Walk

_KUSTOMIZATIONS = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
_STRUCTURED = (".yaml", ".yml", ".json")
_NEVER = re.compile(
    r"(?:(?:docker-)?compose(?:[._-].*)?\.ya?ml|Chart\.(?:yaml|lock)|package(?:-lock)?\.json|.*\.schema\.json)",
    re.DOTALL,
)
_PATCHES = ("patches", "patchesStrategicMerge", "patchesJson6902")
_CHARTS = ("helmCharts", "helmChartInflationGenerator")


class Form(Enum):
    """How a file is read, by its path alone."""

    STRUCTURED = "YAML or JSON"
    PLAIN = "perhaps a tag file"
    NEVER = "sets no image"


@lru_cache(maxsize=16384)
def form(path: str) -> Form:
    """How a file is read.

    Never: files below a folder `templates` (of a chart: text that becomes YAML), hidden files and folders (of tools and
    of continuous integration), `Chart.yaml`, Compose files, and what has the ending of neither YAML, JSON nor text.
    Argo CD's own hidden overrides, `.argocd-source-*.yaml`, are read.
    """
    *folders, name = path.split("/")
    hidden = any(folder.startswith(".") for folder in folders) or (
        name.startswith(".") and not operators.is_override(path)
    )
    if hidden or "templates" in folders or _NEVER.fullmatch(name):
        return Form.NEVER
    suffix = PurePosixPath(name).suffix.lower()
    if suffix in _STRUCTURED or name in _KUSTOMIZATIONS:
        return Form.STRUCTURED
    return Form.PLAIN if suffix in tagfiles.SUFFIXES else Form.NEVER


def settings_of(path: str, documents: Sequence[Any]) -> dict[str, Setting]:
    """What the YAML or JSON documents of the file at `path` set, by locator (see `locators`)."""
    return found_in(path, documents).settings


def found_in(path: str, documents: Sequence[Any]) -> Found:
    """As `settings_of`, with what can't be read."""
    found = Found()
    if form(path) is Form.NEVER:
        return found
    if len(documents) == 1 and tagfiles.of_mapping(path, documents[0], "0", found):
        return found
    for at, document in elements(documents, ""):
        _document(path, document, at, found)
    return found


def _document(path: str, document: Any, at: str, found: Found) -> None:
    if not isinstance(document, (dict, list)):
        return
    if path.rsplit("/", 1)[-1] in _KUSTOMIZATIONS or _is_kustomization(document):
        _kustomization(document, at, found)
    elif operators.is_override(path):
        Walk(found, OPERATOR).tree(document, at, at)
    elif not is_object(document):
        _other(path, document, at, found)
    elif isinstance(document.get("items"), list):
        for where, item in elements(document["items"], child(at, "items")):
            _document(path, item, where, found)
    else:
        set_by = OPERATOR if operators.is_operators(document) else MANIFEST
        Walk(found, set_by).tree(document, at, at)


def _other(path: str, document: Any, at: str, found: Found) -> None:
    """What is no Kubernetes object: Helm values, a JSON patch, or a list of any of these."""
    if isinstance(document, dict):
        Walk(found, MANIFEST if "op" in document else HELM).tree(document, at, at)
        return
    for where, element in elements(document, at):
        _document(path, element, where, found)


def _is_kustomization(document: Any) -> bool:
    return is_object(document) and document["apiVersion"].startswith("kustomize.config.k8s.io/")


def _kustomization(document: Any, at: str, found: Found) -> None:
    """A kustomization or component: its images, the patches written into it, and its charts' values."""
    if not isinstance(document, dict):
        return
    Walk(found, KUSTOMIZE).images(document.get("images"), child(at, "images"))
    for keys, set_by in ((_PATCHES, MANIFEST), (_CHARTS, HELM)):
        parts = {key: document[key] for key in keys if key in document}
        Walk(found, set_by).tree(parts, at, at)
