"""How old the secrets of main are."""

from __future__ import annotations

from audit.simulator.manifests import changed
from audit.simulator.repository import Commit
from audit.simulator.vaulted import held
from audit.simulator.world import stamp


class Ages:
    """When the secrets of main came, and when each was last rotated."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, str]] = {}

    def note(self, commit: Commit) -> None:
        """Main moves on to `commit`."""
        before, at = commit.parents[0].tree if commit.parents else {}, stamp(commit.committer.at)
        for path in changed(before, commit.tree):
            now = held(path, commit.tree[path]) if path in commit.tree else None
            was = held(path, before[path]) if path in before else None
            if now is None:
                self._rows.pop(path, None)
            elif now != was:
                made = self._rows[path]["created_sha"] if path in self._rows else commit.sha
                row = {"path": path, "kind": now.kind, "namespace": now.namespace, "name": now.name}
                self._rows[path] = row | {"changed_sha": commit.sha, "changed_at": at, "created_sha": made}

    def rows(self) -> list[dict[str, str]]:
        """What is on main, by path."""
        return [self._rows[path] for path in sorted(self._rows)]
