"""Argo CD and Flux: a change takes effect where the objects that name its folder, chart or value file deploy it."""

from __future__ import annotations

from typing import Any

import pytest
from lab import URL, Files, Lab, found

from audit.settings import PathRule

APP = "argoproj.io/v1alpha1"
KUSTOMIZATION = "kustomize.toolkit.fluxcd.io/v1"
RELEASE = "helm.toolkit.fluxcd.io/v2"


def application(source: str, name: str = "web-prod", cluster: str = "prod-1") -> str:
    return (
        f"apiVersion: {APP}\nkind: Application\nmetadata: {{name: {name}}}\nspec:\n  destination: {{name: {cluster}}}\n"
        f"  {source}\n"
    )


def places(lab: Lab, files: Files, path: str, **more: Any) -> set[tuple[str, str]]:
    return {(app, environment) for app, environment, _ in found(lab.graph(files, rules=(), **more), path)}


CHART = {"charts/web/Chart.yaml": "name: web\ndependencies: [{name: lib, repository: 'file://../lib'}]"}
LIB = {"charts/lib/Chart.yaml": "name: lib"}


@pytest.mark.parametrize(
    ("source", "path", "reached"),
    [
        ("source: {repoURL: HERE, path: deploy/web}", "deploy/web/x.yaml", True),
        ("source: {repoURL: HERE, path: deploy/web}", "deploy/web/below/x.yaml", False),
        ("source: {repoURL: HERE, path: deploy/web, directory: {recurse: true}}", "deploy/web/below/x.yaml", True),
        ("source: {repoURL: HERE, path: deploy/web, directory: {exclude: 'x.*'}}", "deploy/web/x.yaml", False),
        ("source: {repoURL: HERE, path: deploy/web, directory: {include: 'y.*'}}", "deploy/web/x.yaml", False),
        ("source: {repoURL: HERE, path: deploy/web}", "deploy/web/notes.txt", False),
        ("source: {repoURL: 'https://git.example.org/other/repo.git', path: deploy/web}", "deploy/web/x.yaml", False),
        ("source: {repoURL: HERE, path: charts/web}", "charts/web/templates/x.yaml", True),
        ("source: {repoURL: HERE, path: charts/web}", "charts/lib/templates/_x.tpl", True),
        ("source: {repoURL: HERE, path: charts/web, helm: {valueFiles: [values-prod.yaml]}}", "charts/web/values-prod.yaml", True),
        ("source: {repoURL: HERE, path: charts/web, helm: {valueFiles: [/env/prod.yaml]}}", "env/prod.yaml", True),
        ("source: {repoURL: HERE, path: charts/web, helm: {valueFiles: [../../env/*.yaml]}}", "env/prod.yaml", True),
        ("source: {repoURL: HERE, path: charts/web, helm: {fileParameters: [{name: a, path: x.txt}]}}", "charts/web/x.txt", True),
        (
            "sources: [{repoURL: 'https://c.example', chart: web, helm: {valueFiles: [$v/env/prod.yaml]}}, {repoURL: HERE, ref: v}]",
            "env/prod.yaml", True,
        ),
        (
            "sources: [{repoURL: 'https://c.example', chart: web, helm: {valueFiles: [$v/env/prod.yaml]}}, {repoURL: 'https://x.example/r', ref: v}]",
            "env/prod.yaml", False,
        ),
        ("source: {repoURL: HERE, path: deploy/web, kustomize: {components: [../../parts/a]}}", "parts/a/x.yaml", True),
    ],
)  # fmt: skip
def test_what_an_application_deploys_takes_effect_on_its_cluster(
    lab: Lab, source: str, path: str, reached: bool
) -> None:
    files = {
        "argo/web.yaml": application(source.replace("HERE", f"'{URL}'")),
        "parts/a/kustomization.yaml": "kind: Component\nresources: [x.yaml]",
        **CHART, **LIB, path: "x: 1",
    }  # fmt: skip
    assert places(lab, files, path) == ({("web-prod", "prod")} if reached else set())


def test_value_files_of_one_environment_reach_no_other(lab: Lab) -> None:
    sources = {
        env: f"source: {{repoURL: '{URL}', path: charts/web, helm: {{valueFiles: [values-{env}.yaml]}}}}"
        for env in ("dev", "prod")
    }
    files = {f"argo/{env}.yaml": application(said, f"web-{env}", f"{env}-1") for env, said in sources.items()}
    files |= {**CHART, "charts/web/values-dev.yaml": "a: 1", "charts/web/values-prod.yaml": "a: 2"}
    assert places(lab, files, "charts/web/values-dev.yaml") == {("web-dev", "dev")}
    assert places(lab, files, "charts/web/values.yaml") == {("web-dev", "dev"), ("web-prod", "prod")}


def test_an_application_of_applications_hands_on_what_it_deploys(lab: Lab) -> None:
    files = {
        "root.yaml": application(f"source: {{repoURL: '{URL}', path: argo}}", "root"),
        "argo/web.yaml": application(f"source: {{repoURL: '{URL}', path: deploy/web}}"),
        "deploy/web/x.yaml": "x: 1",
    }
    assert ("root", "prod") in places(lab, files, "argo/web.yaml")
    assert places(lab, files, "deploy/web/x.yaml") == {("web-prod", "prod")}


def appset(generator: str, path: str, name: str = "'{{name}}'", cluster: str = "prod-1") -> str:
    return (
        f"apiVersion: {APP}\nkind: ApplicationSet\nmetadata: {{name: set}}\nspec:\n  generators: [{generator}]\n"
        f"  template:\n    metadata: {{name: {name}}}\n    spec:\n      source: {{repoURL: '{URL}', path: {path}}}\n"
        f"      destination: {{name: {cluster}}}\n"
    )


@pytest.mark.parametrize(
    ("said", "path", "expected"),
    [
        (appset("list: {elements: [{name: web, env: prod}]}", "'deploy/{{name}}'"), "deploy/web/x.yaml", {("web", "prod")}),
        (appset("list: {elements: [{name: web}]}", "'deploy/{{name}}'"), "deploy/shop/x.yaml", set()),
        (
            appset(f"git: {{repoURL: '{URL}', directories: [{{path: 'deploy/*'}}]}}", "'{{path}}'", "'{{path.basename}}'"),
            "deploy/shop/x.yaml", {("shop", "prod")},
        ),
        (
            appset(
                f"git: {{repoURL: '{URL}', directories: [{{path: 'deploy/*'}}, {{path: deploy/shop, exclude: true}}]}}",
                "'{{path}}'", "'{{path.basename}}'",
            ),
            "deploy/shop/x.yaml", set(),
        ),
        (
            appset(f"git: {{repoURL: '{URL}', files: [{{path: 'conf/*.yaml'}}]}}", "'deploy/{{app}}'", "'{{app}}'"),
            "deploy/web/x.yaml", {("web", "prod")},
        ),
        (
            appset(
                "matrix: {generators: [{list: {elements: [{env: dev-1}, {env: prod-1}]}}, {list: {elements: [{name: web}]}}]}",
                "'deploy/{{name}}'", "'{{name}}'", "'{{env}}'",
            ),
            "deploy/web/x.yaml", {("web", "dev"), ("web", "prod")},
        ),
        (
            appset("list: {elements: [{name: web}]}", "'deploy/{{ .name | lower }}'", "'{{ .name }}'"),
            "deploy/web/x.yaml", {("web", "prod")},
        ),
    ],
)  # fmt: skip
def test_what_an_application_set_generates_is_followed(
    lab: Lab, said: str, path: str, expected: set[tuple[str, str]]
) -> None:
    files = {
        "argo/set.yaml": said, "conf/web.yaml": "app: web", "deploy/web/x.yaml": "x: 1", "deploy/shop/x.yaml": "x: 1",
    }  # fmt: skip
    assert places(lab, files, path) == expected


def test_what_an_application_set_does_not_say_is_not_guessed(lab: Lab) -> None:
    said = appset("pullRequest: {github: {owner: a}}", "'deploy/{{branch}}'", "'{{branch}}'")
    graph = lab.graph({"argo/set.yaml": said, "deploy/web/x.yaml": "x: 1"}, rules=())
    assert {each.app for each in graph.of_path("deploy/web/x.yaml")} <= {"set"}


def test_a_folder_that_comes_later_is_found_by_a_set_that_was_there_before(lab: Lab) -> None:
    said = appset(
        f"git: {{repoURL: '{URL}', directories: [{{path: 'deploy/*'}}]}}", "'{{path}}'", "'{{path.basename}}'"
    )
    before = {"argo/set.yaml": said, "deploy/web/x.yaml": "x: 1"}
    graph = lab.graph(before, rules=())
    reached = lab.step(graph, before, {**before, "deploy/new/x.yaml": "x: 1"})
    assert {(each.app, each.environment) for each in reached} == {("new", "prod")}


def flux(path: str, source: str = "{kind: GitRepository, name: flux-system}", name: str = "web") -> str:
    return (
        f"apiVersion: {KUSTOMIZATION}\nkind: Kustomization\nmetadata: {{name: {name}, namespace: flux-system}}\n"
        f"spec: {{path: {path}, sourceRef: {source}, prune: true}}\n"
    )


CLUSTER = "clusters/prod"


@pytest.mark.parametrize("path", ["./apps/web", "apps/web", "/apps/web/"])
def test_what_a_flux_kustomization_deploys_takes_effect_in_its_clusters_environment(
    lab: Lab, path: str
) -> None:
    files = {
        f"{CLUSTER}/web.yaml": flux(path),
        "apps/web/kustomization.yaml": "resources: [../../base]",
        "base/kustomization.yaml": "resources: [x.yaml]",
        "elsewhere/x.yaml": "x: 1",
    }
    assert {env for _, env in places(lab, files, "base/x.yaml")} == {"prod"}
    assert places(lab, files, "elsewhere/x.yaml") == set()


def test_without_a_kustomization_flux_takes_everything_below(lab: Lab) -> None:
    files = {f"{CLUSTER}/web.yaml": flux("./apps/web"), "apps/web/a/b/x.yaml": "x: 1"}
    assert {env for _, env in places(lab, files, "apps/web/a/b/x.yaml")} == {"prod"}


def test_a_source_of_another_repository_is_marked_and_its_path_is_not_taken_for_ours(lab: Lab) -> None:
    other = (
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: other, namespace: flux-system}\n"
        "spec: {url: 'https://user:secret@git.example.org/other/repo'}\n"
    )
    files = {
        f"{CLUSTER}/source.yaml": other,
        f"{CLUSTER}/web.yaml": flux("./apps/web", "{kind: GitRepository, name: other}"),
        "apps/web/x.yaml": "x: 1",
    }
    assert places(lab, files, "apps/web/x.yaml") == set()
    remotes = " ".join(root["remote"] for root in lab.graph(files, rules=()).roots())
    assert "git.example.org/other/repo" in remotes
    assert "secret" not in remotes


def test_each_cluster_has_the_source_that_is_declared_for_it(lab: Lab) -> None:
    """Clusters of one repository declare sources of one name: each means its own."""
    files: dict[str, str] = {"apps/dev/x.yaml": "x: 1", "apps/prod/x.yaml": "x: 1"}
    for env in ("dev", "prod"):
        files[f"clusters/{env}/source.yaml"] = (
            "apiVersion: source.extensions.fluxcd.io/v1beta1\nkind: ArtifactGenerator\nmetadata: {name: all, namespace: flux-system}\n"
            "spec:\n  sources: [{alias: repo, kind: GitRepository, name: flux-system}]\n"
            f"  artifacts: [{{name: apps, copy: [{{from: '@repo/apps/{env}/**', to: '@artifact/here/'}}]}}]\n"
        )
        files[f"clusters/{env}/apps.yaml"] = flux("./here", "{kind: ExternalArtifact, name: apps}")
    graph = lab.graph(files, rules=(PathRule(pattern="clusters/{environment}/**"),))
    for env in ("dev", "prod"):
        for path in (f"apps/{env}/x.yaml", f"clusters/{env}/source.yaml"):
            assert {environment for _, environment, _ in found(graph, path)} == {env}
    moved = {path: content for path, content in files.items() if path != "clusters/prod/source.yaml"}
    lab.step(graph, files, moved)
    assert found(graph, "apps/prod/x.yaml") == set()
    assert {environment for _, environment, _ in found(graph, "apps/dev/x.yaml")} == {"dev", "prod"}


@pytest.mark.parametrize(
    ("url", "reached"), [(URL, {("flux", "prod")}), ("https://x.example/other/repo", set())]
)
def test_a_flux_instance_synchronises_a_folder(lab: Lab, url: str, reached: set[tuple[str, str]]) -> None:
    instance = (
        "apiVersion: fluxcd.controlplane.io/v1\nkind: FluxInstance\nmetadata: {name: flux, namespace: flux-system}\n"
        f"spec: {{sync: {{kind: GitRepository, url: '{url}', path: sync/it}}}}\n"
    )
    files = {"clusters/prod/flux.yaml": instance, "sync/it/x.yaml": "x: 1"}
    assert places(lab, files, "sync/it/x.yaml") == reached


@pytest.mark.parametrize("path", ["charts/web/templates/x.yaml", "charts/web/prod.yaml", "charts/lib/x.tpl"])
def test_a_helm_release_deploys_a_chart_of_the_repository_with_its_value_files(lab: Lab, path: str) -> None:
    release = (
        f"apiVersion: {RELEASE}\nkind: HelmRelease\nmetadata: {{name: web, namespace: web}}\nspec:\n  chart:\n    spec:\n"
        "      chart: ./charts/web\n      sourceRef: {kind: GitRepository, name: flux-system, namespace: flux-system}\n"
        "      valuesFiles: [./charts/web/values.yaml, ./charts/web/prod.yaml]\n"
    )
    files = {f"{CLUSTER}/release.yaml": release, **CHART, **LIB, path: "x: 1"}
    assert {env for _, env in places(lab, files, path)} == {"prod"}


def test_values_of_a_release_that_a_generator_makes_a_config_map_of_reach_its_overlay(lab: Lab) -> None:
    files = {
        f"{CLUSTER}/web.yaml": flux("./apps/web"),
        "apps/web/kustomization.yaml": "resources: [r.yaml]\nconfigMapGenerator: [{name: v, files: [values.yaml=v/prod.yaml]}]",
        "apps/web/r.yaml": f"apiVersion: {RELEASE}\nkind: HelmRelease\nmetadata: {{name: web}}\n"
        "spec: {chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: c}}}, valuesFrom: [{kind: ConfigMap, name: v}]}",
        "apps/web/v/prod.yaml": "x: 1",
    }
    assert {env for _, env in places(lab, files, "apps/web/v/prod.yaml")} == {"prod"}


def test_dependencies_that_a_chart_has_from_elsewhere_are_marked_at_what_deploys_it(lab: Lab) -> None:
    source = f"source: {{repoURL: '{URL}', path: charts/web}}"
    chart = "name: web\ndependencies: [{name: redis, repository: 'https://u:hunter2@charts.example'}, {name: lib, repository: 'file://../lib'}]"
    files = {"argo/web.yaml": application(source), "charts/web/Chart.yaml": chart, **LIB}
    (root,) = lab.graph(files, rules=()).roots()
    assert (root["root"], root["kind"], root["files"]) == ("argo/web.yaml#web-prod", "application", 3)
    assert root["remote"] == "https://charts.example/redis"


def test_a_template_of_a_chart_declares_nothing(lab: Lab) -> None:
    """What it holds is known only once Helm has filled it in; it is part of its chart and not read as YAML."""
    files = {
        **CHART,
        "charts/web/templates/app.yaml": "{{ if .x }}\n"
        + application(f"source: {{repoURL: '{URL}', path: deploy/web}}"),
        "deploy/web/x.yaml": "x: 1",
    }
    graph = lab.graph(files, rules=())
    assert graph.unread == []
    assert graph.of_path("deploy/web/x.yaml") == ()
