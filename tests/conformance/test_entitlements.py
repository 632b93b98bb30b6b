"""Real objects of clusters are read: those inside audit events, and files of YAML as they are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from audit import tables as t
from audit.normalise.interface import Context, Parsed
from audit.normalise.reader import parse

TWICE = "statefulset-ondelete.yaml"
"""A sample that gives one key twice: PyYAML takes the last in silence, Kubernetes refuses it."""


def parsed(path: Path, format: str = "auto") -> Parsed:
    found = parse(path, Context("samples", path.name, cluster="sample"), format=format)
    assert found.records == found.kept + found.noise + len(found.quarantined)
    return found


def rbac_objects(value: Any) -> Iterator[dict[str, Any]]:
    """Whole roles and bindings, wherever they are in `value`."""
    if isinstance(value, dict):
        if str(value.get("apiVersion", "")).startswith("rbac.") and "name" in value.get("metadata", {}):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from rbac_objects(inner)


def test_roles_and_bindings_that_real_requests_carried(data: Path, tmp_path: Path) -> None:
    paths = [*sorted((data / "falco-k8saudit/traces").iterdir()), data / "audit2rbac/demo.log"]
    events = [
        json.loads(line)
        for path in paths
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("{") and line.endswith("}")
    ]
    objects = list(rbac_objects(events))
    path = tmp_path / "objects.json"
    path.write_text("".join(json.dumps(found) + "\n" for found in objects), encoding="utf-8")
    read = parsed(path, "rbac-object")
    assert read.quarantined == []
    assert len(objects) == read.records == read.kept + read.noise > 10
    rules = [rule for found in objects for rule in found.get("rules") or ()]
    subjects = [subject for found in objects for subject in found.get("subjects") or ()]
    assert len(read.rows["rbac_rules"]) == len(rules) > 0
    assert len(read.rows["rbac_bindings"]) == len(subjects) > 0
    for table, rows in read.rows.items():
        frame = t.frame(t.TABLES[table], rows).drop_duplicates(t.key(t.TABLES[table]))
        t.conform(t.TABLES[table], frame)


def test_files_of_yaml_are_read_as_their_json_is(data: Path, tmp_path: Path) -> None:
    """508 files; the one that is refused gives a key twice."""
    paths = sorted(data.rglob("*.yaml"))
    refused, kept = [], 0
    for path in paths:
        read = parsed(path)
        if any("not plain YAML" in reason for _, _, reason in read.quarantined):
            refused.append(path.name)
            continue
        if not read.rows:
            continue
        kept += read.kept
        documents = [
            each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each is not None
        ]
        beside = tmp_path / "json"
        beside.write_text(json.dumps(documents, default=_json), encoding="utf-8")
        again = parsed(beside)
        place = {"evidence": "", "line": 0}
        for table, rows in read.rows.items():
            assert [row | place for row in rows] == [row | place for row in again.rows[table]], path
        assert (read.kept, read.noise) == (again.kept, again.noise)
    assert (len(paths), refused) == (508, [TWICE])
    assert kept >= 12


def _json(value: Any) -> str:
    """PyYAML makes dates of what JSON writes as text."""
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else str(value)
