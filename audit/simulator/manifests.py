"""How files of the GitOps repository are edited, added and merged."""

from __future__ import annotations

import random
import re

from audit.simulator import leaks, texts, vaulted
from audit.simulator.repository import Tree

_SLOT = re.compile(
    r'^(\s*(?:- )?(newTag|tag|count|cpu|memory|retention|version|uses|reviewed|replicas|sealed): )"?([^"{]*)"?$'
    rf"|^(\s+(image): ({texts.REGISTRY}/[a-z]+:[0-9.]+))$"
)
_MARGIN = 3  # lines between two edits of one file that git is sure to merge by itself


def edit(rng: random.Random, tree: Tree, path: str, serial: int) -> Tree:
    """`tree` with one setting of `path` changed to a value it does not have; `serial` makes it new."""
    lines = tree[path].split("\n")
    slots = [index for index, line in enumerate(lines) if _SLOT.match(line)]
    index = rng.choice(slots)
    match = _SLOT.match(lines[index])
    assert match is not None
    if match[5]:
        lines[index] = f"{match[4].rpartition(':')[0]}:{version(serial)}"
    else:
        lines[index] = match[1] + _value(match[2], match[3], serial)
    return {**tree, path: "\n".join(lines)}


def editable(tree: Tree) -> list[str]:
    """Paths that `edit` can change."""
    return [path for path, content in tree.items() if any(map(_SLOT.match, content.split("\n")))]


def version(serial: int) -> str:
    """A version that was not there before."""
    return f"1.{serial // 50}.{serial % 50}"


def _value(name: str, old: str, serial: int) -> str:
    if name in {"newTag", "tag", "version"}:
        return f'"{version(serial)}"'
    if name in {"count", "replicas"}:
        return str(int(old) % 9 + 1)
    if name == "uses":
        return f"{old.split('@', maxsplit=1)[0]}@v{serial // 10 + 1}.{serial % 10}"
    if name == "sealed":
        return vaulted.value(old, serial)
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


def add(tree: Tree, path: str, content: str) -> Tree:
    """`tree` with a new file, which the kustomization beside it lists."""
    folder, _, name = path.rpartition("/")
    listing, more = f"{folder}/kustomization.yaml", {path: content}
    if listing in tree:
        more[listing] = tree[listing].replace("resources:\n", f"resources:\n  - {name}\n", 1)
    return dict(sorted({**tree, **more}.items()))


def new_page(path: str, serial: int) -> str:
    """Content of a new file at `path`."""
    secret = leaks.page(path, serial)
    if secret is not None:
        return secret
    if path.startswith(".github/workflows/"):
        name = path.rpartition("/")[2].removesuffix(".yaml")
        return texts.workflow(name).replace("@v1.0", f"@v{serial}.0")
    if path.endswith(".yaml"):
        return texts.config_map(f"added-{serial}")
    return texts.page(f"Decision {serial}")
