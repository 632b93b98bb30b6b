"""The build graph along the mainline: step by step it is what it would be at once, and only what changed is read again."""

from __future__ import annotations

import itertools
import random

import pytest
from lab import URL, Lab, found, places

from audit.git.contents import Change, Step
from audit.git.graph import BuildGraph
from audit.git.paths import PathRules

PROD = "apps/web/overlays/prod"


def _content(rng: random.Random, path: str) -> str:
    """Something that a file of its name could hold: often something that names others, now and then garbage."""
    if rng.random() < 0.06:
        return "a: [\n"
    name = path.rpartition("/")[2]
    if name == "kustomization.yaml":
        used = rng.sample(["../../base", "../../../shared", "x.yaml", "../../../../parts/a", "y.yaml"], 2)
        key = rng.choice(["resources", "resources", "components"])
        return f"{key}: {used}\nconfigMapGenerator: [{{name: a, files: [v.txt]}}]\n".replace("'", '"')
    if name == "Chart.yaml":
        return rng.choice(["name: c\n", "name: c\ndependencies: [{name: l, repository: 'file://../lib'}]\n"])
    if name == "argo.yaml":
        folder = rng.choice(["deploy/a", "charts/c", "apps/web/base", "gone"])
        return (
            f"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: one}}\nspec: {{source: {{repoURL: '{URL}', "
            f"path: {folder}, helm: {{valueFiles: [values-prod.yaml]}}}}, destination: {{name: prod-1}}}}\n"
        )
    if name == "set.yaml":
        return (
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: set}\nspec:\n"
            f"  generators: [{{git: {{repoURL: '{URL}', directories: [{{path: 'deploy/*'}}]}}}}]\n"
            f"  template: {{metadata: {{name: '{{{{path.basename}}}}'}}, spec: {{source: {{repoURL: '{URL}', path: '{{{{path}}}}'}}, "
            "destination: {name: dev-1}}}\n"
        )
    if name == "flux.yaml":
        return (
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: f, namespace: flux-system}\n"
            f"spec: {{path: ./{rng.choice(['deploy/a', 'apps/web/base', 'parts'])}, sourceRef: {{kind: GitRepository, name: flux-system}}}}\n"
        )
    return f"x: {rng.randint(0, 9)}\n"


PATHS = [
    "apps/web/base/kustomization.yaml", "apps/web/base/x.yaml", "apps/web/base/v.txt", f"{PROD}/kustomization.yaml",
    f"{PROD}/x.yaml", "apps/web/overlays/dev/kustomization.yaml", "apps/shared/kustomization.yaml", "apps/shared/y.yaml",
    "parts/a/kustomization.yaml", "parts/a/x.yaml", "charts/c/Chart.yaml", "charts/c/values-prod.yaml",
    "charts/c/templates/x.yaml", "charts/lib/Chart.yaml", "charts/lib/t.tpl", "deploy/a/x.yaml", "deploy/b/x.yaml",
    "argo.yaml", "clusters/prod/flux.yaml", "set.yaml", "docs/x.md",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(25))
def test_stepping_gives_what_beginning_anew_gives(lab: Lab, seed: int) -> None:
    rng = random.Random(seed)
    files = {path: _content(rng, path) for path in PATHS if rng.random() < 0.7}
    graph = lab.graph(files)
    for _ in range(12):
        before, renames = dict(files), dict[str, str]()
        for path in rng.sample(PATHS, rng.randint(1, 4)):
            if path in files and rng.random() < 0.3:
                del files[path]
            else:
                files[path] = _content(rng, path)
        if rng.random() < 0.3 and "apps/web/base/x.yaml" in before and "apps/web/base/x.yaml" in files:
            files[f"{PROD}/moved.yaml"] = files.pop("apps/web/base/x.yaml")
            renames = (
                {f"{PROD}/moved.yaml": "apps/web/base/x.yaml"} if f"{PROD}/moved.yaml" not in before else {}
            )
        lab.step(graph, before, files, renames)
        anew = lab.graph(files)
        assert graph.roots() == anew.roots()
        for path in {*PATHS, f"{PROD}/moved.yaml"}:
            assert graph.of_path(path) == anew.of_path(path), path


BASE = {
    "apps/web/base/kustomization.yaml": "resources: [x.yaml]",
    "apps/web/base/x.yaml": "x: 1",
    "apps/web/overlays/dev/kustomization.yaml": "resources: [../../base]",
    f"{PROD}/kustomization.yaml": "resources: [../../base]",
}
BOTH = {("web", "dev", "build graph"), ("web", "prod", "build graph")}


def test_a_file_that_is_taken_out_takes_effect_where_it_was(lab: Lab) -> None:
    graph = lab.graph(BASE)
    after = {path: content for path, content in BASE.items() if path != "apps/web/base/x.yaml"}
    assert places(lab.step(graph, BASE, after)) == BOTH


def test_a_file_that_moves_takes_effect_where_it_was_and_where_it_is(lab: Lab) -> None:
    graph = lab.graph(BASE)
    after = {path: content for path, content in BASE.items() if path != "apps/web/base/x.yaml"}
    after["apps/shop/overlays/prod/x.yaml"] = "x: 1"
    reached = lab.step(graph, BASE, after, {"apps/shop/overlays/prod/x.yaml": "apps/web/base/x.yaml"})
    assert places(reached) == BOTH | {("shop", "prod", "path rule")}


def test_an_overlay_that_stops_using_a_base_reaches_only_itself(lab: Lab) -> None:
    graph = lab.graph(BASE)
    after = {**BASE, f"{PROD}/kustomization.yaml": "resources: [y.yaml]"}
    assert places(lab.step(graph, BASE, after)) == {("web", "prod", "build graph")}
    assert {env for _, env, _ in found(graph, "apps/web/base/x.yaml")} == {"dev"}


def test_rules_do_not_guess_for_a_file_that_the_graph_knows_from_now_on(lab: Lab) -> None:
    before = {**BASE, f"{PROD}/kustomization.yaml": "resources: [../../base]"}
    graph = lab.graph(before)
    listed = "resources: [x.yaml, new.yaml]"
    after = {**before, "apps/web/base/kustomization.yaml": listed, "apps/web/base/new.yaml": "x: 1"}
    assert places(lab.step(graph, before, after)) == BOTH


def test_only_files_of_the_graph_that_changed_are_read_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = lab.graph(BASE)
    reads: list[str] = []
    raw, documents = lab.contents.raw, lab.contents.documents
    monkeypatch.setattr(lab.contents, "raw", lambda blob: (reads.append(blob), raw(blob))[1])
    monkeypatch.setattr(lab.contents, "documents", lambda blob: (reads.append(blob), documents(blob))[1])
    lab.step(graph, BASE, {**BASE, "docs/x.md": "text", "apps/web/logo.png": "\x00"})
    assert reads == []
    one = {**BASE, "docs/x.md": "text", "apps/web/logo.png": "\x00"}
    two = {**one, f"{PROD}/kustomization.yaml": "resources: [../../base, y.yaml]"}
    lab.step(graph, one, two)
    assert set(reads) == {lab.blob(two[f"{PROD}/kustomization.yaml"])}


def test_a_hundred_thousand_files_in_one_commit_are_stepped_over(lab: Lab) -> None:
    graph = lab.graph(BASE)
    blob = lab.blob("x: 1")
    changes = [Change(f"apps/web/base/data/{n:06}.yaml", None, "A", None, blob) for n in range(100_000)]
    changes.append(Change("apps/web/base/x.yaml", None, "M", lab.blob("x: 1"), lab.blob("x: 2")))
    reached = graph.step(Step("next", 1, tuple(changes)))
    assert {each.environment for each in reached if each.path == "apps/web/base/x.yaml"} == {"dev", "prod"}


@pytest.mark.parametrize(
    "content",
    [
        "a: &a [*a]", "[" * 5000, "\x00\x01", "resources: {a: b}", "resources: [1, [2], {a: b}]", "- a", "just text",
        "resources: ['']", "helmCharts: [{name: ../../../../../etc}]", "openapi: [x]", "resources: [" + "a/" * 5000 + "]",
        "resources: ['https://[']", "configMapGenerator: {files: x}", "apiVersion: 1\nkind: {a: b}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["kustomization.yaml", "Chart.yaml", "argo.yaml"])
def test_whatever_a_file_of_the_graph_holds_it_raises_nothing(lab: Lab, content: str, name: str) -> None:
    graph = lab.graph({**BASE, f"{PROD}/{name}": content})
    assert {env for _, env, _ in found(graph, "apps/web/base/x.yaml")} >= {"dev"}
    assert all(reason for *_, reason in graph.unread)
    graph.roots()


def test_an_overlay_that_cannot_be_read_is_said_and_its_files_go_by_the_rules(lab: Lab) -> None:
    graph = lab.graph({**BASE, f"{PROD}/kustomization.yaml": "a: [", f"{PROD}/x.yaml": "x: 1"})
    assert [(sha, path) for sha, path, _ in graph.unread] == [("start", f"{PROD}/kustomization.yaml")]
    assert places(graph.of_path(f"{PROD}/x.yaml")) == {("web", "prod", "path rule")}


def test_links_and_submodules_are_no_files(lab: Lab) -> None:
    graph = lab.graph(BASE)
    change = Change("apps/web/base/x.yaml", None, "T", lab.blob("x: 1"), None)
    assert {each.environment for each in graph.step(Step("next", 1, (change,)))} == {"dev", "prod"}
    assert BuildGraph(lab.contents, PathRules((), ("a",)), (), None).roots() == []


def test_templates_of_a_chart_whose_file_cannot_be_read_are_manifests_once_that_file_is_gone(
    lab: Lab,
) -> None:
    application = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: one}\n"
        f"spec: {{source: {{repoURL: '{URL}', path: deploy/a}}, destination: {{name: prod-1}}}}\n"
    )
    before = {"charts/c/Chart.yaml": "[", "charts/c/templates/x.yaml": application, "deploy/a/x.yaml": "x: 1"}
    after = {path: content for path, content in before.items() if path != "charts/c/Chart.yaml"}
    graph = lab.graph(before)
    assert found(graph, "deploy/a/x.yaml") == set()
    lab.step(graph, before, after)
    assert {app for app, _, _ in found(graph, "deploy/a/x.yaml")} == {"one"}


def test_a_walk_asks_git_for_the_files_of_many_commits_at_once(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file that may matter is asked for once, together with others; what cannot matter never is."""
    states = [
        {**BASE, f"{PROD}/x.yaml": f"walked: {number}", "docs/x.md": f"walked {number}"}
        for number in range(40)
    ]
    trees = [lab.tree(files) for files in states]
    changes = [
        tuple(Change(path, None, "M", old[path], new[path]) for path in sorted(new) if old[path] != new[path])
        for old, new in itertools.pairwise(trees)
    ]
    steps = [Step(str(number), number, change) for number, change in enumerate(changes)]
    graph = lab.graph(states[0])
    asked: list[list[str]] = []
    ask = lab.contents._ask
    monkeypatch.setattr(lab.contents, "_ask", lambda blobs: (asked.append(blobs), ask(blobs))[1])
    assert [step for step, _ in graph.walk(steps)] == steps
    assert asked == [[tree[f"{PROD}/x.yaml"] for tree in trees[1:]]]


def test_a_bomb_is_said_and_takes_no_other_file_with_it(lab: Lab) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    graph = lab.graph({**BASE, f"{PROD}/kustomization.yaml": bomb, "apps/web/base/y.yaml": "y: 1"})
    ((sha, path, reason),) = graph.unread
    assert (sha, path) == ("start", f"{PROD}/kustomization.yaml")
    assert "expands to more than" in reason
    assert {env for _, env, _ in found(graph, "apps/web/base/x.yaml")} == {"dev"}
