"""What Argo CD's and Flux's own objects hold in forms of their own, made into what the rest of them is: values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_DEEPEST = 30
_DOT = re.compile(r"(?<!\\)\.")
_OBJECTS = {
    "Application": "argoproj.io/",
    "ApplicationSet": "argoproj.io/",
    "HelmRelease": "helm.",
    "HelmChart": "helm.cattle.io/",
    "HelmChartConfig": "helm.cattle.io/",
    "Kustomization": "kustomize.toolkit.fluxcd.io/",
}


def is_operators(document: Mapping[str, Any]) -> bool:
    """Whether a Kubernetes object tells Argo CD, Flux or a Helm controller what to deploy."""
    api = _OBJECTS.get(document["kind"])
    return api is not None and document["apiVersion"].startswith(api)


def is_override(path: str) -> bool:
    """Whether a file is an override that Argo CD (or its image updater) keeps beside a source."""
    return path.rsplit("/", 1)[-1].startswith(".argocd-source")


def values_of(parameters: Iterable[Any]) -> dict[str, Any]:
    """Helm parameters (`name: web.image.tag`, `value: v1`) as the values that they set; the last of a name counts.

    A name whose parent is set to a text by another parameter is left out, as in Helm, which refuses it.
    """
    values: dict[str, Any] = {}
    for parameter in parameters:
        if not isinstance(parameter, dict):
            continue
        name, value = parameter.get("name"), parameter.get("value")
        if not isinstance(name, str) or not isinstance(value, str):
            continue
        *parents, last = (part.replace("\\.", ".") for part in _DOT.split(name))
        inner = values
        for part in parents[:_DEEPEST]:
            below = inner.setdefault(part, {})
            if not isinstance(below, dict):
                break
            inner = below
        else:
            if len(parents) <= _DEEPEST and not isinstance(inner.get(last), dict):
                inner[last] = value
    return values
