"""The build graph along histories that git itself wrote and that are read as the product reads them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from git_repo import Repo
from hypothesis import given, settings
from hypothesis import strategies as st
from lab import CLUSTERS, HOME, OVERLAYS, URL

from audit.git import history, observe
from audit.git.contents import Contents, Step
from audit.git.graph import BuildGraph
from audit.git.paths import PathRules
from audit.settings import PathRule
from audit.sources.git_view import view

PROD = "apps/web/overlays/prod"
LINK = "link"
"""Content that makes a path a symbolic link."""

ARGO = "apiVersion: argoproj.io/v1alpha1\nkind: {}\nmetadata: {{name: {}}}\nspec:\n"
FLUX = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: f, namespace: flux-system}\n"
KUSTOMIZATIONS = (
    "resources: [../../base, x.yaml]", "resources: [../../../shared]\nimages: [{name: a, newTag: v1}]", "resources: [",
    "components: [../../../../parts/a]\nconfigMapGenerator: [{name: a, files: [v=x.yaml]}]",
    "helmCharts: [{name: c}]\nhelmGlobals: {chartHome: ../../../../charts}", "", "resources: [../../../../../../x]",
)  # fmt: skip
SETS = (
    f"  generators: [{{git: {{repoURL: '{URL}', directories: [{{path: 'deploy/*'}}, {{path: deploy/b, exclude: true}}]}}}}]\n"
    "  template: {metadata: {name: '{{path.basename}}'}, spec: {source: {repoURL: '%s', path: '{{path}}'}, destination: {name: dev-1}}}",
    f"  generators: [{{git: {{repoURL: '{URL}', files: [{{path: 'conf/*.yaml'}}]}}}}]\n"
    "  template: {metadata: {name: '{{app}}'}, spec: {source: {repoURL: '%s', path: 'deploy/{{app}}'}, destination: {name: prod-1}}}",
    "  generators: [{clusters: {}}]\n"
    "  template: {metadata: {name: a}, spec: {source: {repoURL: '%s', path: deploy/a}, destination: {name: '{{name}}'}}}",
)  # fmt: skip
APPLICATIONS = tuple(
    ARGO.format("Application", "one") + f"  destination: {{name: prod-1}}\n  source: {{repoURL: '{URL}', {said}}}"
    for said in (
        "path: deploy/a", "path: deploy, directory: {recurse: true}", f"path: {PROD}",
        "path: charts/c, helm: {valueFiles: [values-prod.yaml, ../../conf/*.yaml]}",
    )
)  # fmt: skip
SYNCED = tuple(
    f"{FLUX}spec: {{path: {path}, sourceRef: {{kind: GitRepository, name: {name}}}}}\n"
    for path, name in (("./deploy", "flux-system"), ("./deploy/a", "own"), ("./apps/web/base", "own"))
)
SOURCES = tuple(
    "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: own, namespace: flux-system}\n"
    f"spec: {{url: '{url}'}}\n"
    for url in (URL, "https://x.example/other")
)
PLAIN = ("app: a\n", "app: b\n", "x: [\n", LINK)
FILES: dict[str, Sequence[str]] = {
    "apps/web/base/kustomization.yaml": (*KUSTOMIZATIONS, LINK), "apps/web/base/x.yaml": PLAIN,
    f"{PROD}/kustomization.yaml": KUSTOMIZATIONS, f"{PROD}/x.yaml": PLAIN,
    "apps/web/overlays/dev/Kustomization": KUSTOMIZATIONS, "apps/shared/kustomization.yml": ("resources: [y.yaml]", ""),
    "apps/shared/y.yaml": PLAIN, "parts/a/kustomization.yaml": ("kind: Component\nresources: [x.yaml]", "kind: ["),
    "parts/a/x.yaml": PLAIN, "charts/c/Chart.yaml": ("name: c", "dependencies: [{name: l, repository: 'file://../l'}]", "["),
    "charts/c/values-prod.yaml": PLAIN, "charts/c/templates/x.yaml": ("{{ if }}", *APPLICATIONS),
    "charts/l/Chart.yaml": ("name: l",), "charts/l/t.tpl": PLAIN, "deploy/a/x.yaml": PLAIN, "deploy/b/x.yaml": PLAIN,
    "deploy/b/kustomization.yaml": ("resources: [x.yaml]", "- a"), "conf/a.yaml": PLAIN, "conf/b.yaml": PLAIN,
    "argo/app.yaml": (*APPLICATIONS, "kind: ["), "argo/set.yaml": tuple(ARGO.format("ApplicationSet", "set") + each.replace("%s", URL) for each in SETS),
    "clusters/prod/f.yaml": SYNCED, "clusters/dev/f.yaml": SYNCED, "clusters/prod/source.yaml": SOURCES,
    "clusters/dev/source.yaml": SOURCES, "docs/x.md": PLAIN,
}  # fmt: skip
PATHS = tuple(FILES)
Edit = tuple[str, str | None, str | None]
"""A path, its new content (None: it goes), or the path that it moves to."""

writes = st.sampled_from(PATHS).flatmap(
    lambda path: st.tuples(st.just(path), st.sampled_from(FILES[path]), st.none())
)
leaves = st.tuples(st.sampled_from(PATHS), st.none(), st.none())
moves = st.tuples(st.sampled_from(PATHS), st.none(), st.sampled_from(PATHS))
commits = st.lists(
    st.lists(st.one_of(writes, writes, writes, leaves, moves), min_size=1, max_size=6), min_size=2, max_size=9
)
beginnings = st.lists(writes, min_size=12, max_size=40)


def stream(history_of: Sequence[Sequence[Edit]]) -> bytes:
    """Commits as `git fast-import` reads them. An edit of a file that is not there is left out."""
    said, present = [], set[str]()
    for at, edits in enumerate(history_of):
        said.append(
            f"commit refs/heads/main\ncommitter A <a@example.org> {1_780_000_000 + at} +0000\ndata 1\nx"
        )
        for path, content, target in edits:
            if content is not None:
                mode, body = ("120000", "../x") if content == LINK else ("100644", content)
                said.append(f"M {mode} inline {path}\ndata {len(body.encode())}\n{body}")
                present.add(path)
            elif path in present and target is None:
                said.append(f"D {path}")
                present.remove(path)
            elif path in present and target is not None and target != path:
                said.append(f"R {path} {target}")
                present = present - {path} | {target}
    return "\n".join([*said, "done\n"]).encode()


@contextmanager
def walked(written: bytes) -> Iterator[tuple[Contents, list[Step]]]:
    """A repository of a history, read as the product does."""
    with tempfile.TemporaryDirectory() as folder:
        repo = Repo(Path(folder) / "work")
        repo.git("fast-import", "--quiet", "--done", stdin=written)
        tables = history.read(repo.path, repo="acme/gitops", branch="main")
        with view(repo.path, branch="main") as seen, Contents(seen) as contents:
            yield contents, observe.mainline_steps(tables, 0)


def graph_of(contents: Contents) -> BuildGraph:
    rules = (OVERLAYS, PathRule(pattern="clusters/{environment}/**"))
    return BuildGraph(contents, PathRules(rules, ("dev", "prod")), CLUSTERS, HOME)


@settings(max_examples=15, deadline=None)
@given(beginnings, commits)
def test_walking_a_history_gives_at_each_commit_what_its_tree_alone_gives(
    beginning: list[Edit], edits: list[list[Edit]]
) -> None:
    """What a commit changed is reached as before it or as after it, and nothing else is."""
    with walked(stream([beginning, *edits])) as (contents, steps):
        graph, last = graph_of(contents), graph_of(contents)
        graph.begin({})
        last.begin({})
        for step, reached in graph.walk(steps):
            anew = graph_of(contents)
            anew.begin(contents.tree(step.sha), step.sha)
            assert graph.roots() == anew.roots()
            for path in PATHS:
                assert graph.of_path(path) == anew.of_path(path), path
            possible = {each for path in PATHS for one in (last, anew) for each in one.of_path(path)}
            touched = {path for change in step.changes for path in (change.path, change.old_path)}
            assert set(reached) <= possible
            assert {each.path for each in reached} <= touched
            last = anew


@settings(max_examples=5, deadline=None)
@given(beginnings, commits)
def test_where_a_walk_begins_makes_no_difference(beginning: list[Edit], edits: list[list[Edit]]) -> None:
    """A run that goes on from the last commit that is known gives what one from the first gives."""
    with walked(stream([beginning, *edits])) as (contents, steps):
        whole = graph_of(contents)
        whole.begin({})
        expected = [reached for _, reached in whole.walk(steps)]
        middle = len(steps) // 2
        rest = graph_of(contents)
        rest.begin(contents.tree(steps[middle - 1].sha))
        assert [reached for _, reached in rest.walk(steps[middle:])] == expected[middle:]
