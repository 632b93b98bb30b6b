"""Helm charts: everything below a chart's folder is its own; its dependencies may lie elsewhere."""

from __future__ import annotations

import re
from typing import Any

from audit.git.contents import Unreadable
from audit.git.graph.references import ancestors, mappings, parent, remote, text, use_folder
from audit.git.graph.units import Kind, Reads, Unit, Uses

CHART = "Chart.yaml"
REQUIREMENTS = "requirements.yaml"
_TEMPLATES = "templates"
_FILE = re.compile(r"file:(?://)?")


def unit(path: str, documents: tuple[Any, ...]) -> Unit:
    """The unit of a chart, from its `Chart.yaml`, or of the requirements beside it.

    Raises:
        Unreadable: it is not a mapping.
    """
    uses, folder = Uses(), parent(path)
    for document in documents:
        if document in ("", None, "null"):
            continue
        if not isinstance(document, dict):
            raise Unreadable(f"{path.rpartition('/')[2]} of a chart has to be a mapping")
        for each in mappings(document.get("dependencies")):
            _depend(text(each, "repository"), text(each, "name"), folder, uses)
    if path.rpartition("/")[2] == REQUIREMENTS:
        return uses.unit(path, Kind.REQUIREMENTS, path)
    return uses.unit(folder, Kind.CHART, path)


def is_template(path: str, is_chart: Any) -> bool:
    """Whether a path is a template of a chart, which is no YAML.

    Args:
        is_chart: says of a folder whether it has a `Chart.yaml`.
    """
    if f"/{_TEMPLATES}/" not in f"/{path}":
        return False
    return any(
        folder.rpartition("/")[2] == _TEMPLATES and is_chart(parent(folder)) for folder in ancestors(path)
    )


def _depend(repository: str, name: str, folder: str, uses: Uses) -> None:
    if _FILE.match(repository):
        use_folder(uses, folder, _FILE.sub("", repository, count=1), Reads.CHART)
    elif repository:
        uses.remotes.add(remote(repository, name))
