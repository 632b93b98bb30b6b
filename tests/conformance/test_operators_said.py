"""Real objects of the operators are read, and judged as Argo CD judges them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from audit import tables as t
from audit.normalise.interface import Context, Parsed
from audit.normalise.reader import parse

CONTEXT = Context("samples", "sample.json", cluster="sample")


def parse_values(folder: Path, *values: Any, format: str = "auto") -> Parsed:
    path = folder / "object"
    path.write_text("".join(json.dumps(value, default=_json) + "\n" for value in values), encoding="utf-8")
    parsed = parse(path, CONTEXT, format=format)
    assert parsed.records == parsed.kept + parsed.noise + len(parsed.quarantined)
    for table, rows in parsed.rows.items():
        t.conform(t.TABLES[table], t.frame(t.TABLES[table], rows))
    return parsed


def _json(value: Any) -> str:
    """YAML makes dates of what JSON writes as text."""
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else str(value)


def samples(data: Path, *kinds: str) -> Iterator[tuple[str, Any, str]]:
    """Name, content and expected health of the samples of some kinds."""
    folder = data / "argocd"
    for case in json.loads((folder / "health_cases.json").read_text(encoding="utf-8")):
        if case["kind"] in kinds and "promoter." not in case["apiVersion"]:
            (document,) = yaml.safe_load_all((folder / case["input"]).read_text(encoding="utf-8"))
            yield case["input"], document, case["expected_status"]


HEALTH = [("ApplicationSet", "application_sets", 5), ("SealedSecret", "managed_secrets", 3)]
HEALTH += [(kind, "managed_secrets", 3) for kind in ("ExternalSecret", "PushSecret")]
HEALTH += [(kind, "managed_secrets", 2) for kind in ("SecretStore", "ClusterSecretStore")]
HEALTH += [("ClusterExternalSecret", "managed_secrets", 5), ("HelmRepository", "app_sources", 3)]
HEALTH += [
    (kind, "app_sources", 2)
    for kind in (
        "GitRepository", "OCIRepository", "HelmChart", "Bucket", "ImageRepository", "ImagePolicy", "ImageUpdateAutomation",
    )
]  # fmt: skip
"""Kinds of 40 samples. Of the other 209, 6 are of Flux' applications, which have tests of their own."""


@pytest.mark.parametrize(("kind", "table", "count"), HEALTH)
def test_health_of_objects(data: Path, tmp_path: Path, kind: str, table: str, count: int) -> None:
    """As many of as many, each with the health that Argo CD gives it."""
    found = list(samples(data, kind))
    assert len(found) == count
    for name, document, expected in found:
        parsed = parse_values(tmp_path, document)
        assert (parsed.records, parsed.kept) == (1, 1), name
        assert [row["health_status"] for row in parsed.rows[table]] == [expected], name


def test_settings_of_applications(data: Path, tmp_path: Path) -> None:
    """Two of two: one that syncs by itself, one that a person syncs."""
    names = ("diff-cache", "live-child-application")
    paths = [data / f"argocd/controller/{name}.yaml" for name in names]
    documents = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths]
    parsed = parse_values(tmp_path, *documents)
    assert (parsed.records, parsed.kept) == (2, 2)
    for document, row in zip(documents, parsed.rows["app_settings"], strict=True):
        automated = (document["spec"].get("syncPolicy") or {}).get("automated")
        assert row["automated"] is (automated is not None)
        assert row["self_heal"] is bool((automated or {}).get("selfHeal"))
        assert row["project"] == document["spec"]["project"]


def test_payloads_that_forges_send_to_argo_cd_are_not_taken_for_what_it_tells(data: Path) -> None:
    """21 of 21: all are webhooks of Git and package forges, none is a notification of Argo CD."""
    folders = [data / "argocd" / folder / "webhook/testdata" for folder in ("util", "applicationset")]
    paths = [path for folder in folders for path in sorted(folder.glob("*.json"))]
    assert len(paths) == 21
    for path in paths:
        parsed = parse(path, CONTEXT)
        assert not [name for name in parsed.formats if name.startswith(("argocd", "flux"))], path.name


def test_objects_of_kinds_that_no_control_asks_for_are_not_taken_for_others(
    data: Path, tmp_path: Path
) -> None:
    """Workloads, certificates, rollouts, promotions: none of them gives a row of an operator or a secret."""
    read = {kind for kind, _, _ in HEALTH} | {"Kustomization", "HelmRelease"}
    cases = json.loads((data / "argocd/health_cases.json").read_text(encoding="utf-8"))
    others = [case for case in cases if case["kind"] not in read or "promoter." in case["apiVersion"]]
    assert len(cases) - len(others) == sum(count for _, _, count in HEALTH) + 6
    for case in others:
        documents = list(yaml.safe_load_all((data / "argocd" / case["input"]).read_text(encoding="utf-8")))
        assert not parse_values(tmp_path, *documents).rows.keys() - {"policy_constraints"}, case["input"]


def test_lines_that_flux_controllers_log(data: Path, tmp_path: Path) -> None:
    """Two of two, with what is expected of them."""
    (sheet,) = yaml.safe_load_all((data / "datadog/fluxcd_tests.yaml").read_text(encoding="utf-8"))
    tests = sheet["tests"]
    parsed = parse_values(tmp_path, *(json.loads(test["sample"]) for test in tests))
    assert (parsed.records, parsed.kept) == (2, 2)
    for test, row in zip(tests, parsed.rows["operator_events"], strict=True):
        expected = test["result"]["custom"]
        about = expected.get("eventInvolvedObject", expected)
        assert row["message"] == test["result"].get("message", json.loads(test["sample"])["msg"])
        assert row["at"].timestamp() * 1000 == test["result"]["timestamp"]
        assert row["object"] == f"{about['namespace']}/{about['name']}"
        assert row["kind"] == about.get("kind", about.get("controllerKind"))
        assert (row["level"], row["reconcile"]) == (expected["level"], expected.get("reconcileID"))
