"""Kustomizations: a change of whatever one is built from takes effect where it is deployed."""

from __future__ import annotations

import pytest
from lab import URL, Lab, found, places

PROD = "apps/web/overlays/prod"
HERE = {("web", "prod", PROD)}


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("resources: [../../../../shared/x.yaml]", "shared/x.yaml"),
        ("resources: [../../../../shared/base]", "shared/base/kustomization.yml"),
        ("resources: [../../../../shared/base]", "shared/base/deployment.yaml"),
        ("resources: ['../../../..//shared/./base/']", "shared/base/deployment.yaml"),
        ("bases: [../../../../shared/base]", "shared/base/deployment.yaml"),
        ("components: [../../../../shared/base]", "shared/base/deployment.yaml"),
        ("patches: [{path: ../../../../shared/x.yaml, target: {kind: Deployment}}]", "shared/x.yaml"),
        ("patchesStrategicMerge: [../../../../shared/x.yaml]", "shared/x.yaml"),
        (
            "patchesJson6902: [{path: ../../../../shared/x.yaml, target: {kind: A, name: b}}]",
            "shared/x.yaml",
        ),
        ("replacements: [{path: ../../../../shared/x.yaml}]", "shared/x.yaml"),
        ("configMapGenerator: [{name: a, files: [../../../../shared/x.conf]}]", "shared/x.conf"),
        ("configMapGenerator: [{name: a, files: [key=../../../../shared/x.conf]}]", "shared/x.conf"),
        ("configMapGenerator: [{name: a, envs: [../../../../shared/x.env]}]", "shared/x.env"),
        ("secretGenerator: [{name: a, env: ../../../../shared/x.env}]", "shared/x.env"),
        ("generators: [../../../../shared/x.yaml]", "shared/x.yaml"),
        ("transformers: [../../../../shared/base]", "shared/base/deployment.yaml"),
        ("validators: [../../../../shared/x.yaml]", "shared/x.yaml"),
        ("configurations: [../../../../shared/x.yaml]", "shared/x.yaml"),
        ("crds: [../../../../shared/x.json]", "shared/x.json"),
        ("openapi: {path: ../../../../shared/x.json}", "shared/x.json"),
        ("helmCharts: [{name: a, valuesFile: ../../../../shared/x.yaml}]", "shared/x.yaml"),
        ("helmCharts: [{name: a, additionalValuesFiles: [../../../../shared/x.yaml]}]", "shared/x.yaml"),
        ("helmCharts: [{name: a}]", f"{PROD}/charts/a/templates/deep/x.tpl"),
        (
            "helmCharts: [{name: a, version: 1.10, repo: 'https://x.y'}]",
            f"{PROD}/charts/a-1.10/a/values.yaml",
        ),
        (
            "helmGlobals: {chartHome: ../../../../shared}\nhelmCharts: [{name: chart}]",
            "shared/chart/templates/x.tpl",
        ),
        ("helmChartInflationGenerator: [{chartName: a, values: ../../../../shared/x.yaml}]", "shared/x.yaml"),
        (f"resources: ['{URL}//shared/base?ref=main']", "shared/base/deployment.yaml"),
        ("resources: ['git@git.example.org:acme/gitops.git//shared/base']", "shared/base/deployment.yaml"),
    ],
)
def test_what_a_kustomization_names_is_part_of_it(lab: Lab, said: str, path: str) -> None:
    files = {
        f"{PROD}/kustomization.yaml": said,
        f"{PROD}/charts/a/Chart.yaml": "name: a",
        f"{PROD}/charts/a-1.10/a/Chart.yaml": "name: a",
        "shared/base/kustomization.yml": "resources: [deployment.yaml]",
        "shared/chart/Chart.yaml": "name: chart",
        "unused.yaml": "x",
    }
    graph = lab.graph(files)
    assert {(app, env) for app, env, _ in found(graph, path)} == {("web", "prod")}
    assert found(graph, f"{PROD}/kustomization.yaml") == HERE
    assert graph.of_path("unused.yaml") == ()
    assert graph.of_path("shared/other.yaml") == ()
    assert graph.unread == []


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("resources: ['https://github.com/other/repo//deploy?ref=v1']", "https://github.com/other/repo//deploy?ref=v1"),
        ("bases: ['github.com/other/repo/deploy?ref=v1']", "github.com/other/repo/deploy?ref=v1"),
        ("components: ['git::https://u:hunter2@h.example/other/repo//x?ref=v1&t=hunter2']", "git::https://h.example/other/repo//x?ref=v1"),
        ("resources: ['git@h.example:other/repo.git//deploy']", "git@h.example:other/repo.git//deploy"),
        ("resources: ['https://x.example/install.yaml']", "https://x.example/install.yaml"),
        ("patches: [{path: 'https://x.example/patch.yaml'}]", "https://x.example/patch.yaml"),
        ("helmCharts: [{name: a, repo: 'https://charts.example', version: 1.2.3}]", "https://charts.example/a"),
        ("helmCharts: [{name: a, repo: 'oci://r.example/charts'}]", "oci://r.example/charts/a"),
        ("resources: ['https://git.example.org/acme/gitops/releases/download/v1/x.yaml']", "https://git.example.org/acme/gitops/releases/download/v1/x.yaml"),
    ],
)  # fmt: skip
def test_remote_bases_are_marked_as_such_without_passwords(lab: Lab, said: str, shown: str) -> None:
    (root,) = lab.graph({f"{PROD}/kustomization.yaml": said}).roots()
    assert (root["root"], root["kind"], root["remote"]) == (PROD, "kustomization", shown)


def test_a_change_in_base_reaches_every_overlay_that_uses_it_and_no_other(lab: Lab) -> None:
    base = "apps/web/base"
    files = {
        f"{base}/kustomization.yaml": "resources: [deployment.yaml]",
        f"{base}/deployment.yaml": "kind: Deployment",
        f"{base}/README.md": "not built",
        "apps/web/overlays/dev/kustomization.yaml": "resources: [../../base]",
        f"{PROD}/kustomization.yaml": "resources: [../../base]",
        "apps/web/overlays/prod-eu/kustomization.yaml": "resources: [../prod]",
        "apps/web/overlays/alone/kustomization.yaml": "resources: [deployment.yaml]",
        "apps/shop/overlays/prod/kustomization.yaml": "resources: [../../../web/base]",
    }
    graph = lab.graph(files)
    assert found(graph, f"{base}/deployment.yaml") == {
        ("web", "dev", "apps/web/overlays/dev"),
        ("web", "prod", PROD),
        ("web", "prod-eu", "apps/web/overlays/prod-eu"),
        ("shop", "prod", "apps/shop/overlays/prod"),
    }
    assert graph.of_path(f"{base}/README.md") == ()


def test_what_no_graph_explains_is_left_to_path_rules_and_says_so(lab: Lab) -> None:
    graph = lab.graph({f"{PROD}/kustomization.yaml": "resources: [x.yaml]"})
    assert places(graph.of_path(f"{PROD}/x.yaml")) == {("web", "prod", "build graph")}
    assert places(graph.of_path(f"{PROD}/notes.txt")) == {("web", "prod", "path rule")}
    assert graph.of_path(f"{PROD}/notes.txt")[0].through == ""
    assert graph.of_path("elsewhere/notes.txt") == ()


def test_kustomizations_that_use_each_other_end(lab: Lab) -> None:
    files = {
        f"{PROD}/kustomization.yaml": "resources: [../../a]",
        "apps/web/a/kustomization.yaml": "resources: [../b, .]",
        "apps/web/b/kustomization.yaml": "resources: [../a, x.yaml]",
    }
    assert found(lab.graph(files), "apps/web/b/x.yaml") == HERE


def test_paths_out_of_the_repository_are_ignored_and_said(lab: Lab) -> None:
    graph = lab.graph({f"{PROD}/kustomization.yaml": "resources: [../../../../../etc/passwd, x.yaml]"})
    assert found(graph, f"{PROD}/x.yaml") == HERE
    assert graph.unread == [
        ("start", f"{PROD}/kustomization.yaml", "'../../../../../etc/passwd' leads out of the repository")
    ]


def test_yaml_in_place_of_a_path_is_no_path(lab: Lab) -> None:
    said = (
        "patchesStrategicMerge:\n- |-\n  kind: A\n  metadata: {name: x}\n- '{kind: A}'\n"
        "transformers:\n- |-\n  apiVersion: builtin\n  kind: LabelTransformer\n"
    )
    (root,) = lab.graph({f"{PROD}/kustomization.yaml": said}).roots()
    assert root["files"] == 1


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("kind: HelmChartInflationGenerator\nname: a\nvaluesFile: v.yaml", f"{PROD}/v.yaml"),
        ("kind: HelmChartInflationGenerator\nname: a\nchartHome: ../../c", "apps/web/c/a/values.yaml"),
        ("kind: PatchTransformer\npath: p.yaml", f"{PROD}/p.yaml"),
        ("kind: ReplacementTransformer\nreplacements: [{path: p.yaml}]", f"{PROD}/p.yaml"),
        ("kind: ConfigMapGenerator\nfiles: [k=p.txt]", f"{PROD}/p.txt"),
    ],
)
def test_what_a_built_in_plugin_names_is_part_of_it(lab: Lab, said: str, path: str) -> None:
    files = {
        f"{PROD}/kustomization.yaml": "generators: [plugin.yaml]",
        f"{PROD}/plugin.yaml": f"apiVersion: builtin\nmetadata: {{name: x}}\n{said}",
        "apps/web/c/a/Chart.yaml": "name: a",
    }
    assert found(lab.graph(files), path) == HERE


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_every_name_of_a_kustomization_counts(lab: Lab, name: str) -> None:
    assert found(lab.graph({f"{PROD}/{name}": "resources: [x.yaml]"}), f"{PROD}/x.yaml") == HERE
