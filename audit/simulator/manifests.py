"""What the GitOps repository holds, how it is edited and merged, and where a path takes effect."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable

from audit.simulator.repository import Tree
from audit.simulator.world import COMPONENTS, ENVIRONMENTS

_SLOT = re.compile(
    r'^(\s*(?:- )?(newTag|count|cpu|memory|retention|version|uses|reviewed|replicas): )"?([^"]*)"?$'
)
_MARGIN = 3  # lines between two edits of one file that git is sure to merge by itself


def first_tree(apps: Iterable[str], mailmap: str) -> Tree:
    """The repository as it is first committed."""
    tree = {".mailmap": mailmap, "README.md": _README, "docs/runbook.md": _page("Runbook")}
    tree["docs/architecture.md"] = _page("Architecture")
    for name in ("sync", "validate"):
        tree[f".github/workflows/{name}.yaml"] = _workflow(name)
    for app in apps:
        tree |= _application(app)
    for component in COMPONENTS:
        tree |= _component(component)
    for environment in ENVIRONMENTS:
        tree[f"clusters/{environment}/kustomization.yaml"] = _kustomization(["cluster.yaml", "apps.yaml"])
        tree[f"clusters/{environment}/cluster.yaml"] = _values(f"{environment}-cluster")
        tree[f"clusters/{environment}/apps.yaml"] = _values(f"{environment}-apps")
    return tree


def edit(rng: random.Random, tree: Tree, path: str, serial: int) -> Tree:
    """`tree` with one setting of `path` changed to a value it does not have; `serial` makes it new."""
    lines = tree[path].split("\n")
    slots = [index for index, line in enumerate(lines) if _SLOT.match(line)]
    index = rng.choice(slots)
    match = _SLOT.match(lines[index])
    assert match is not None
    lines[index] = match[1] + _value(match[2], match[3], serial)
    return {**tree, path: "\n".join(lines)}


def _value(name: str, old: str, serial: int) -> str:
    if name in {"newTag", "version"}:
        return f'"1.{serial // 50}.{serial % 50}"'
    if name in {"count", "replicas"}:
        return str(int(old) % 9 + 1)
    if name == "uses":
        return f"{old.split('@', maxsplit=1)[0]}@v{serial // 10 + 1}.{serial % 10}"
    return {"cpu": f"{100 + serial}m", "memory": f"{256 + serial}Mi", "retention": f"{serial}h"}.get(
        name, f"revision {serial}"
    )


def merge(base: Tree, ours: Tree, theirs: Tree) -> Tree | None:
    """What git makes of two sides by itself; None where it would find, or nearly find, a conflict."""
    result = dict(ours)
    for path in {**base, **theirs}:
        before, mine, other = base.get(path), ours.get(path), theirs.get(path)
        if other in (before, mine):
            continue
        content = other if mine == before else _merge_text(before, mine, other)
        if content is None and (mine != before or other is not None):
            return None
        if content is None:
            del result[path]
        else:
            result[path] = content
    return dict(sorted(result.items()))


def _merge_text(before: str | None, mine: str | None, other: str | None) -> str | None:
    if before is None or mine is None or other is None:
        return None
    base, ours, theirs = before.split("\n"), mine.split("\n"), other.split("\n")
    if not len(base) == len(ours) == len(theirs):
        return None
    left = [index for index, line in enumerate(base) if ours[index] != line]
    right = [index for index, line in enumerate(base) if theirs[index] != line]
    if any(abs(a - b) <= _MARGIN for a in left for b in right):
        return None
    for index in right:
        ours[index] = theirs[index]
    return "\n".join(ours)


def changed(before: Tree, after: Tree) -> set[str]:
    """Paths that differ."""
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def targets(paths: Iterable[str]) -> frozenset[tuple[str, str]]:
    """(application or component, environment) in which changes to `paths` take effect; `*` is a whole environment."""
    found: set[tuple[str, str]] = set()
    for path in paths:
        match path.split("/"):
            case ["apps", app, "overlays", environment, _, *_]:
                found.add((app, environment))
            case ["apps" | "infrastructure", app, _, *_]:
                found |= {(app, environment) for environment in ENVIRONMENTS}
            case ["clusters", environment, _, *_]:
                found.add(("*", environment))
    return frozenset(found)


def new_page(path: str, serial: int) -> str:
    """Content of a new file at `path`."""
    return _values(f"added-{serial}") if path.endswith(".yaml") else _page(f"Decision {serial}")


_README = """# netbpf-gitops

Everything that runs in NETBPF's clusters is declared here. Changes come by pull request, are reviewed, pass
`validate` and `policy`, and are then synchronised by Argo CD (apps) and Flux (infrastructure).
"""


def _page(title: str) -> str:
    return (
        f"# {title}\n\nKept by the platform team.\n\nreviewed: revision 0\n\nSee the README for the rules.\n"
    )


def _workflow(name: str) -> str:
    return f"""name: {name}
on:
  pull_request:
  push:
    branches: [main]
permissions:
  contents: read
jobs:
  {name}:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v1.0
        with:
          persist-credentials: false

      # tools that the job needs
      - uses: actions/setup-python@v1.0
        with:
          python-version: "3.12"

      - run: make {name}
"""


def _kustomization(resources: Iterable[str]) -> str:
    listed = "".join(f"  - {name}\n" for name in resources)
    return (
        f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n{listed}"
        "labels:\n  - includeSelectors: false\n    pairs:\n      netbpf.com/managed-by: gitops\n"
        'commonAnnotations:\n  netbpf.com/note: |\n    version: "1.0.0"\n'
    )


def _values(name: str) -> str:
    return f"""apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
data:
  version: "1.0.0"
  owner: platform
  contact: gitops@netbpf.com
  mode: standard
  region: eu-north
  retention: 24h
  level: info
  format: json
  zone: a
  tier: gold
  memory: 256Mi
"""


def _application(app: str) -> Tree:
    deployment = f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: {app}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: {app}
  template:
    metadata:
      labels:
        app: {app}
    spec:
      containers:
        - name: {app}
          image: ghcr.io/netbpf/{app}
          resources:
            requests:
              cpu: 100m
              memory: 256Mi
          ports:
            - name: http
              containerPort: 8080
          readinessProbe:
            httpGet:
              path: /ready
              port: http
      terminationGracePeriodSeconds: 30
"""
    service = f"""apiVersion: v1
kind: Service
metadata:
  name: {app}
  annotations:
    netbpf.com/contract: |
      version: "1.0.0"
spec:
  selector:
    app: {app}
  ports:
    - name: http
      port: 80
      targetPort: http
"""
    folder = f"apps/{app}"
    tree = {
        f"{folder}/kustomization.yaml": _kustomization(["base"]),
        f"{folder}/base/deployment.yaml": deployment,
        f"{folder}/base/service.yaml": service,
        f"{folder}/base/kustomization.yaml": _kustomization(["deployment.yaml", "service.yaml"]),
    }
    for environment in ENVIRONMENTS:
        tree[
            f"{folder}/overlays/{environment}/kustomization.yaml"
        ] = f"""apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: {app}
resources:
  - ../../base
images:
  - name: ghcr.io/netbpf/{app}
    newTag: "1.0.0"
commonAnnotations:
  netbpf.com/environment: {environment}
  netbpf.com/runbook: https://docs.netbpf.com/{app}
  netbpf.com/contact: gitops@netbpf.com
replicas:
  - name: {app}
    count: 2
"""
    return tree


def _component(component: str) -> Tree:
    folder = f"infrastructure/{component}"
    return {
        f"{folder}/kustomization.yaml": _kustomization(["settings.yaml", "limits.yaml"]),
        f"{folder}/settings.yaml": _values(f"{component}-settings"),
        f"{folder}/limits.yaml": _values(f"{component}-limits"),
    }
