"""Works out by hand what each file of a checkout is used for: plain recursion over the YAML, as the tools do it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

import yaml

ENVIRONMENTS = ("dev", "staging", "prod")
Files = dict[str, str]


def roots(files: Files) -> Iterator[tuple[str, str, set[str]]]:
    """(app, environment, files it is built from) of everything that the clusters deploy."""
    for environment in ENVIRONMENTS:
        folder = f"clusters/{environment}"
        if f"{folder}/kustomization.yaml" not in files:
            continue
        yield "*", environment, _closure(files, folder)
        for declared in yaml.load_all(files[f"{folder}/infrastructure.yaml"], yaml.CSafeLoader):
            path = declared["spec"]["path"].removeprefix("./")
            yield path.split("/")[1], environment, _closure(files, path)
        for declared in yaml.load_all(files[f"{folder}/applications.yaml"], yaml.CSafeLoader):
            source = declared["spec"]["source"]
            app = declared["metadata"]["name"].removesuffix(f"-{environment}")
            if "helm" in source:
                yield app, environment, _chart(files, source["path"], source["helm"]["valueFiles"])
            else:
                yield app, environment, _closure(files, source["path"])


def reached(before: Files, after: Files) -> set[tuple[str, str]]:
    """Where what differs between two checkouts takes effect."""
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    return {
        (app, environment)
        for files in (before, after)
        for app, environment, built_from in roots(files)
        if built_from & changed
    }


def _closure(files: Files, folder: str) -> set[str]:
    path = f"{folder}/kustomization.yaml"
    content = yaml.load(files[path], yaml.CSafeLoader)
    found = {path}
    for named in [*content.get("resources", []), *content.get("components", [])]:
        other = posixpath.normpath(f"{folder}/{named}")
        found |= {other} if other in files else _closure(files, other)
    return found


def _chart(files: Files, folder: str, values: list[str]) -> set[str]:
    used = {path for path in files if path.startswith(f"{folder}/") and "/values-" not in path}
    named = {f"{folder}/{name}" for name in values}
    assert named <= files.keys()
    return used | named
