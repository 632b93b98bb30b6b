"""An application that somebody made in the cluster, from a repository that nobody else knows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from audit.simulator.world import World, quarter_of, stamp

CLUSTER = "dev"
_NAME, _SOURCE = "argocd/toys", "https://github.com/netbpf-lab/toys.git"


def since(world: World) -> datetime:
    """When somebody made it: in the middle of everything."""
    return world.start + (world.end - world.start) / 2


def show(world: World, cluster: str, at: datetime) -> list[dict[str, Any]]:
    """What a snapshot at `at` has of it: it fits what runs already, so that nothing ever was synced."""
    if cluster != CLUSTER or at < since(world):
        return []
    namespace, _, name = _NAME.partition("/")
    return [
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"creationTimestamp": stamp(since(world)), "name": name, "namespace": namespace},
            "spec": {
                "destination": {"namespace": name, "server": "https://kubernetes.default.svc"},
                "project": "default",
                "source": {"path": "deploy", "repoURL": _SOURCE, "targetRevision": "main"},
                "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
            },
            "status": {
                "health": {"status": "Healthy"},
                "reconciledAt": stamp(at - timedelta(seconds=60)),
                "sync": {"status": "Synced"},
            },
        }
    ]


def record(world: World, looked: list[datetime]) -> None:
    """CLU-07: each quarter in which somebody looked and it was there."""
    for at in {quarter_of(at): at for at in looked if at >= since(world)}.values():
        why = f"it comes from {_SOURCE}"
        world.truth.violation("CLU-07", f"{CLUSTER}/{_NAME}", at, why=why)
