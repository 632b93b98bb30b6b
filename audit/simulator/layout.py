"""How the GitOps repository is laid out: who uses what, and so where a change of each file takes effect.

The organisation's own declaration. It is not read back from the files: those only have to say the same.
Apps have a base that the overlay of each environment uses, but for one app whose staging stands alone; shared parts
(`components/`) are used by some overlays; a chart is deployed with one file of values for each environment; the
infrastructure's components run in the environments that `RUNS_IN` names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from audit.simulator import keeping, leaks, texts, vaulted
from audit.simulator.repository import Tree
from audit.simulator.world import CHARTS, COMPONENTS, ENVIRONMENTS, RUNS_IN

PARTS = ("tracing", "autoscaling")
"""Shared parts: Kustomize components that overlays put in."""
SEALED = "sealed-secret.yaml"
EXPORTER = "infrastructure/monitoring/exporter.yaml"

Target = tuple[str, str]
"""Application or component, and environment; `*` is a whole environment."""
_TAG = re.compile(rf'(?:newTag: |  tag: |image: {texts.REGISTRY}/[a-z]+:)"?([0-9.]+|latest)"?$', re.MULTILINE)


@dataclass(frozen=True)
class Layout:
    """Where everything is, for these apps."""

    apps: tuple[str, ...]

    def alone(self, app: str, environment: str) -> bool:
        """Whether an app does without its base there."""
        return environment == "staging" and app in self.apps[1:2]

    def first_parts(self, app: str, environment: str) -> tuple[str, ...]:
        """Shared parts that an overlay uses from the start."""
        place = self.apps.index(app)
        traced = place % 3 == 0 and environment != "dev"
        scaled = place % 2 == 1 and environment == "prod"
        return tuple(part for part, used in zip(PARTS, (traced, scaled), strict=True) if used)

    def first_tree(self, mailmap: str) -> Tree:
        """The repository as it is first committed."""
        tree = {".mailmap": mailmap, "README.md": texts.README}
        tree |= leaks.first_files() | {vaulted.SOPS: vaulted.sops_file()}
        tree |= {path: texts.page(path.rpartition("/")[2]) for path in keeping.DOCUMENTS.values()}
        for name in ("sync", "validate"):
            tree[f".github/workflows/{name}.yaml"] = texts.workflow(name)
        for app in self.apps:
            tree |= self._app(app)
        for part in PARTS:
            folder = f"components/{part}"
            tree[f"{folder}/kustomization.yaml"] = texts.kustomization(["agent.yaml"], part=True)
            tree[f"{folder}/agent.yaml"] = texts.config_map(f"{part}-agent")
        for chart in CHARTS:
            files = texts.chart(chart, ENVIRONMENTS)
            tree |= {f"charts/{chart}/{name}": content for name, content in files.items()}
        for component in COMPONENTS:
            tree |= self._component(component)
        for environment in ENVIRONMENTS:
            tree |= self._cluster(environment)
        return dict(sorted(tree.items()))

    def _app(self, app: str) -> Tree:
        base = f"apps/{app}/base"
        tree = {
            f"{base}/deployment.yaml": texts.deployment(app),
            f"{base}/service.yaml": texts.service(app),
            f"{base}/external-secret.yaml": vaulted.external_secret(app),
            f"{base}/kustomization.yaml": texts.kustomization(
                ["deployment.yaml", "service.yaml", "external-secret.yaml"]
            ),
        }
        for environment in ENVIRONMENTS:
            folder, alone = f"apps/{app}/overlays/{environment}", self.alone(app, environment)
            more = [SEALED] if environment == "prod" else []
            tree[f"{folder}/kustomization.yaml"] = texts.overlay(
                app, environment, parts=self.first_parts(app, environment), alone=alone, more=more
            )
            tree |= {f"{folder}/{name}": vaulted.sealed_secret(app) for name in more}
            if alone:
                tree[f"{folder}/deployment.yaml"] = texts.deployment(app, tag="1.0.0")
        return tree

    def _component(self, component: str) -> Tree:
        folder, files = f"infrastructure/{component}", ["settings.yaml", "limits.yaml"]
        tree = {f"{folder}/{name}": texts.config_map(f"{component}-{name[:-5]}") for name in files}
        if component == "monitoring":
            files.append("exporter.yaml")
            tree[EXPORTER] = texts.deployment("exporter", tag="1.0.0")
        return {**tree, f"{folder}/kustomization.yaml": texts.kustomization(files)}

    def _cluster(self, environment: str) -> Tree:
        applications = [
            texts.argo_application(app, environment, source(app, environment), value_files(app, environment))
            for app in (*self.apps, *CHARTS)
        ]
        kustomizations = [texts.flux_kustomization(c) for c in COMPONENTS if environment in RUNS_IN[c]]
        files = {
            "cluster.yaml": texts.config_map(f"{environment}-cluster"),
            "apps.yaml": texts.config_map(f"{environment}-apps"),
            "applications.yaml": "---\n".join(applications),
            "infrastructure.yaml": "---\n".join(kustomizations),
        }
        files["kustomization.yaml"] = texts.kustomization(list(files))
        return {f"clusters/{environment}/{name}": content for name, content in files.items()}

    def tag_file(self, app: str, environment: str) -> str:
        """The file that says which version of an app or chart runs there."""
        if app in CHARTS:
            return f"charts/{app}/values-{environment}.yaml"
        name = "deployment" if self.alone(app, environment) else "kustomization"
        return f"apps/{app}/overlays/{environment}/{name}.yaml"

    def reached(self, paths: Iterable[str], before: Tree, after: Tree) -> set[Target]:
        """Where changes of `paths` take effect, by who uses them in either of two trees."""
        found: set[Target] = set()
        for path in paths:
            match path.split("/"):
                case ["apps", app, "overlays", environment, *_]:
                    found.add((app, environment))
                case ["apps", app, *_]:
                    found |= {(app, e) for e in ENVIRONMENTS if not self.alone(app, e)}
                case ["components", part, *_]:
                    found |= self.users(part, before) | self.users(part, after)
                case ["charts", chart, name] if name.startswith("values-"):
                    found.add((chart, name.removeprefix("values-").removesuffix(".yaml")))
                case ["charts", chart, *_]:
                    found |= {(chart, environment) for environment in ENVIRONMENTS}
                case ["infrastructure", component, *_]:
                    found |= {(component, environment) for environment in RUNS_IN[component]}
                case ["clusters", environment, *_]:
                    found.add(("*", environment))
        return found

    def users(self, part: str, tree: Tree) -> set[Target]:
        """Overlays that put a shared part in."""
        return {
            (app, environment)
            for app in self.apps
            for environment in ENVIRONMENTS
            if texts.part_path(part) in tree.get(f"apps/{app}/overlays/{environment}/kustomization.yaml", "")
        }

    def tags(self, tree: Tree) -> dict[tuple[str, str, str], str]:
        """(app or component, environment, image) → its version, wherever a file of `tree` sets one."""
        return {what: tag_in(tree[path]) for what, path in self.tag_files().items() if path in tree}

    def tag_files(self) -> dict[tuple[str, str, str], str]:
        """(app or component, environment, image) → the file that sets its version."""
        files = {
            (app, environment, f"{texts.REGISTRY}/{app}"): self.tag_file(app, environment)
            for app in (*self.apps, *CHARTS)
            for environment in ENVIRONMENTS
        }
        return files | {
            ("monitoring", e, f"{texts.REGISTRY}/exporter"): EXPORTER for e in RUNS_IN["monitoring"]
        }


def tag_in(content: str) -> str:
    """The version that a file sets."""
    match = _TAG.search(content)
    assert match is not None
    return match[1]


def with_tag(content: str, version: str) -> str:
    """The file with another version in it."""
    match = _TAG.search(content)
    assert match is not None
    return content[: match.start(1)] + version + content[match.end(1) :]


def source(app: str, environment: str) -> str:
    """The path from which an app or chart is deployed."""
    return f"charts/{app}" if app in CHARTS else f"apps/{app}/overlays/{environment}"


def value_files(app: str, environment: str) -> tuple[str, ...]:
    """Files of values with which it is deployed, besides the chart's own."""
    return (f"values-{environment}.yaml",) if app in CHARTS else ()
