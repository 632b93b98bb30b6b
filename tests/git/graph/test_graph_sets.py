"""ApplicationSets: what their generators give is followed where the repository and the settings tell it, and said where not."""

from __future__ import annotations

import pytest
from lab import CLUSTERS, HOME, URL, Files, Lab, found

from audit.git.graph import BuildGraph
from audit.git.paths import PathRules

HEAD = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: set}\nspec:\n"
LIST = "list: {elements: [{app: web, cluster: dev-1}, {app: shop, cluster: prod-1}]}"
DIRECTORIES = f"git: {{repoURL: '{URL}', directories: [{{path: 'deploy/*'}}]}}"


def made(generators: str, path: str, *, name: str, cluster: str, more: str = "") -> str:
    return (
        f"{HEAD}  generators: [{generators}]\n{more}  template:\n    metadata: {{name: '{name}'}}\n    spec:\n"
        f"      source: {{repoURL: '{URL}', path: '{path}'}}\n      destination: {{name: '{cluster}'}}\n"
    )


def reached(lab: Lab, files: Files, path: str) -> set[tuple[str, str]]:
    return {(app, environment) for app, environment, _ in found(lab.graph(files, rules=()), path)}


@pytest.mark.parametrize(
    ("said", "path", "expected"),
    [
        (made("clusters: {}", "deploy/web", name="web-{{name}}", cluster="{{name}}"), "deploy/web/x.yaml",
         {("web-dev-1", "dev"), ("web-prod-1", "prod"), ("web-prod-2", "prod")}),
        (made("clusters: {}", "deploy/web", name="web-{{.name}}", cluster="{{.server}}", more="  goTemplate: true\n"), "deploy/web/x.yaml",
         {("web-dev-1", "dev"), ("web-prod-1", "prod"), ("web-prod-2", "prod")}),
        (made("clusters: {selector: {matchLabels: {env: prod}}}", "deploy/web", name="web", cluster="{{name}}"), "deploy/web/x.yaml", {("web", "prod")}),
        (made("clusters: {values: {at: web}}", "deploy/{{values.at}}", name="web", cluster="{{name}}"), "deploy/web/x.yaml", {("web", "dev"), ("web", "prod")}),
        (made("clusters: {values: {at: web}}", "deploy/{{values.at}}", name="web", cluster="{{name}}"), "deploy/shop/x.yaml", set()),
        (made(f"matrix: {{generators: [{DIRECTORIES}, {{clusters: {{}}}}]}}", "{{path}}", name="{{path.basename}}", cluster="{{name}}"),
         "deploy/shop/x.yaml", {("shop", "dev"), ("shop", "prod")}),
        (made(f"matrix: {{generators: [{{{LIST}}}, {{git: {{repoURL: '{URL}', directories: [{{path: 'deploy/{{{{app}}}}'}}]}}}}]}}",
              "{{path}}", name="{{app}}", cluster="{{cluster}}"),
         "deploy/shop/x.yaml", {("shop", "prod")}),
        (made("merge: {mergeKeys: [name], generators: [{clusters: {values: {at: web}}}, {list: {elements: [{name: prod-1, values.at: shop}]}}]}",
              "deploy/{{values.at}}", name="{{values.at}}-{{name}}", cluster="{{name}}"),
         "deploy/shop/x.yaml", {("shop-prod-1", "prod")}),
        (made("merge: {mergeKeys: [name], generators: [{clusters: {values: {at: web}}}, {list: {elements: [{name: prod-1, values.at: shop}]}}]}",
              "deploy/{{values.at}}", name="{{values.at}}-{{name}}", cluster="{{name}}"),
         "deploy/web/x.yaml", {("web-dev-1", "dev"), ("web-prod-2", "prod")}),
        (made(f"git: {{repoURL: '{URL}', files: [{{path: 'conf/**/*.json'}}]}}", "deploy/{{app.name}}", name="{{app.name}}", cluster="{{path.basename}}"),
         "deploy/shop/x.yaml", {("shop", "prod")}),
        (made(f"git: {{repoURL: '{URL}', files: [{{path: 'conf/**/*.json'}}]}}", "deploy/{{app.name}}", name="{{app.name}}", cluster="{{path.basename}}"),
         "conf/prod-1/c.json", {("shop", "prod")}),
        (made("{list: {elements: [{app: web}, {app: shop}]}, selector: {matchLabels: {app: web}}}",
              "deploy/{{app}}", name="{{app}}", cluster="prod-1"), "deploy/shop/x.yaml", set()),
    ],
)  # fmt: skip
def test_what_generators_give_is_followed(
    lab: Lab, said: str, path: str, expected: set[tuple[str, str]]
) -> None:
    files = {
        "argo/set.yaml": said, "deploy/web/x.yaml": "x: 1", "deploy/shop/x.yaml": "x: 1",
        "conf/prod-1/c.json": '{"app": {"name": "shop"}}',
    }  # fmt: skip
    assert reached(lab, files, path) == expected
    assert lab.graph(files, rules=()).unread == []


@pytest.mark.parametrize(
    ("generator", "why"),
    [
        ("pullRequest: {github: {owner: acme, repo: x}}", "what its generator 'pullRequest' gives is known only where it runs"),
        (f"matrix: {{generators: [{DIRECTORIES}, {{plugin: {{configMapRef: {{name: a}}}}}}]}}",
         "what its generator 'plugin' gives is known only where it runs"),
        ("git: {repoURL: 'https://u:hunter2@x.example/other', directories: [{path: '*'}]}", "its generator reads https://x.example/other"),
        ("list: {elementsYaml: '{{ .a }}'}", "the elements of its list are known only where it runs"),
    ],
)  # fmt: skip
def test_what_only_the_operator_knows_is_said(lab: Lab, generator: str, why: str) -> None:
    said = made(generator, "deploy/{{path.basename}}", name="a", cluster="prod-1")
    assert lab.graph({"argo/set.yaml": said}).unread == [("start", "argo/set.yaml", why)]


def test_clusters_that_no_setting_names_are_said(lab: Lab) -> None:
    said = made("clusters: {}", "deploy/web", name="web", cluster="{{name}}")
    files = {"argo/set.yaml": said, "deploy/web/x.yaml": "x: 1"}
    graph = lab.graph(files, rules=(), clusters=())
    assert graph.unread == [("start", "argo/set.yaml", "its clusters are not among the settings'")]
    assert found(graph, "deploy/web/x.yaml") == set()
    known = BuildGraph(lab.contents, PathRules((), ()), CLUSTERS, HOME)
    known.begin(lab.tree(files))
    assert {env for _, env, _ in found(known, "deploy/web/x.yaml")} == {"dev", "prod"}


def test_a_parameter_file_moves_its_application_to_another_folder(lab: Lab) -> None:
    said = made(
        f"git: {{repoURL: '{URL}', files: [{{path: 'conf/*.yaml'}}]}}",
        "deploy/{{app}}",
        name="{{app}}",
        cluster="prod-1",
    )
    before = {
        "argo/set.yaml": said,
        "conf/a.yaml": "app: web",
        "deploy/web/x.yaml": "x: 1",
        "deploy/shop/x.yaml": "x: 1",
    }
    graph = lab.graph(before, rules=())
    assert found(graph, "deploy/shop/x.yaml") == set()
    lab.step(graph, before, {**before, "conf/a.yaml": "app: shop"})
    assert {(app, env) for app, env, _ in found(graph, "deploy/shop/x.yaml")} == {("shop", "prod")}
    assert found(graph, "deploy/web/x.yaml") == set()
