"""What changes are about, and what they do to the files."""

from __future__ import annotations

import random
from typing import NamedTuple

from audit.simulator import keeping, people, texts, vaulted
from audit.simulator.layout import EXPORTER, PARTS, SEALED, Layout, tag_in, with_tag
from audit.simulator.manifests import add, edit, new_page, version
from audit.simulator.repository import Tree
from audit.simulator.world import CHARTS, COMPONENTS, ENVIRONMENTS, Actor

_MOVING = 9  # of so many new versions one is a tag that moves


class Theme(NamedTuple):
    """What a change is about.

    Attributes:
        paths: files that it changes, or adds where they are not there.
        promoted: app and environment that gets the version of the environment before; dev gets a new one.
        part: shared part that the first of `paths`, an overlay, puts in, or takes out where it is in.
        drops: file that it takes away, where it is there.
    """

    subject: str
    paths: tuple[str, ...]
    promoted: tuple[str, str] | None = None
    part: str | None = None
    drops: str | None = None


def choose(rng: random.Random, layout: Layout, who: Actor, number: int) -> Theme:
    """Something to change, as fits who changes it. `number` is in the names of files that it adds."""
    app, component = rng.choice(layout.apps), rng.choice(COMPONENTS)
    environment = rng.choice(ENVIRONMENTS)
    if who is people.DEPENDABOT:
        name = rng.choice(("sync", "validate"))
        return Theme(f"Bump the actions of {name}", (f".github/workflows/{name}.yaml",))
    if who is people.RELEASE:
        return _promotion(layout, rng.choice((*layout.apps, *CHARTS)), environment, "Release")
    overlays = [f"apps/{app}/overlays/{name}/kustomization.yaml" for name in ENVIRONMENTS]
    one = (overlays[ENVIRONMENTS.index(environment)],)
    base = f"apps/{app}/base/{rng.choice(('deployment', 'service'))}.yaml"
    settings = f"infrastructure/{component}/{rng.choice(('settings', 'limits'))}.yaml"
    cluster = f"clusters/{environment}/{rng.choice(('cluster', 'apps'))}.yaml"
    chart, part = rng.choice(CHARTS), rng.choice(PARTS)
    secret = rng.choice(
        (f"apps/{app}/overlays/prod/{SEALED}", f"apps/{app}/base/external-secret.yaml", vaulted.SOPS)
    )
    papers = keeping.DOCUMENTS
    flow = rng.choice(keeping.WORKFLOWS)
    inside = rng.choice(("values.yaml", "templates/deployment.yaml", f"values-{environment}.yaml"))
    return rng.choice(
        (
            _promotion(layout, app, environment, "Promote"),
            _promotion(layout, rng.choice((app, chart)), environment, "Promote"),
            Theme(f"Tune {app} in {environment}", one),
            Theme(f"Roll {app} out everywhere", tuple(overlays)),
            Theme(f"{app}: adjust the base", (base,)),
            Theme(f"{app}: adjust the base and {environment}", (base, *one)),
            Theme(f"{app}: describe its alerts", (f"apps/{app}/base/alerts-{number}.yaml", *one)),
            Theme(f"{component}: change limits", (settings,)),
            Theme(f"{component} and {app}: raise retention", (settings, base)),
            Theme("monitoring: new exporter", (EXPORTER,)),
            Theme(f"Configure the {environment} cluster", (cluster,)),
            Theme(f"{chart}: adjust the chart", (f"charts/{chart}/{inside}",)),
            Theme(f"Change {part} everywhere", (f"components/{part}/agent.yaml",)),
            Theme(f"{app}: turn {part} over in {environment}", one, part=part),
            Theme(f"{app}: look after its secrets", (secret,)),
            Theme(f"Retire the workflow {flow}", ("docs/architecture.md",), drops=keeping.workflow(flow)),
            Theme("Bring the workflows up to date", tuple(map(keeping.workflow, keeping.WORKFLOWS))),
            Theme("Go through the runbooks", (papers["runbooks"], papers["troubleshooting"])),
            Theme("Fold the rollback page into the runbook", (papers["runbooks"],), drops=papers["rollback"]),
            Theme("Write down how to roll back", (papers["rollback"],)),
            Theme("Review the policy", (papers["policy" if number % 3 == 0 else "troubleshooting"],)),
            Theme("Record a decision", (f"docs/decisions/{number:05}.md", "docs/architecture.md")),
        )
    )


def _promotion(layout: Layout, app: str, environment: str, verb: str) -> Theme:
    paths = (layout.tag_file(app, environment),)
    return Theme(f"{verb} {app} to {environment}", paths, promoted=(app, environment))


def begin(rng: random.Random, layout: Layout, theme: Theme, tree: Tree, serial: int) -> Tree:
    """`tree` with a theme's first commit done: each of its paths is another one afterwards."""
    if theme.promoted:
        return _promote(layout, theme.promoted, tree, serial)
    if theme.part:
        path = theme.paths[0]
        turned = {**tree, path: _turn_over(tree[path], theme.part)}
        return edit(rng, turned, path, serial)  # or it would be an earlier turn, taken back or copied
    if theme.drops:
        tree = {path: content for path, content in tree.items() if path != theme.drops}
    for place, path in enumerate(theme.paths):
        tree = go_on(rng, tree, path, serial + place)
    return tree


def go_on(rng: random.Random, tree: Tree, path: str, serial: int) -> Tree:
    """`tree` with `path` changed, or added where it is not there."""
    if path in tree:
        return edit(rng, tree, path, serial)
    return add(tree, path, new_page(path, serial))


def _promote(layout: Layout, what: tuple[str, str], tree: Tree, serial: int) -> Tree:
    app, environment = what
    path, place = layout.tag_file(app, environment), ENVIRONMENTS.index(environment)
    now = tag_in(tree[path])
    wanted = tag_in(tree[layout.tag_file(app, ENVIRONMENTS[place - 1])]) if place else now
    if wanted == now:
        wanted = "latest" if now != "latest" and serial % _MOVING == 4 else version(serial)
    return {**tree, path: with_tag(tree[path], wanted)}


def _turn_over(content: str, part: str) -> str:
    """An overlay with a shared part put in, or taken out."""
    line, header = f"  - {texts.part_path(part)}\n", "components:\n"
    if line in content:
        content = content.replace(line, "")
        return content if f"{header}  - " in content else content.replace(header, "")
    if header in content:
        return content.replace(header, header + line)
    return content.replace("commonAnnotations:\n", f"{header}{line}commonAnnotations:\n")
