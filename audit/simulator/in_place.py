"""What people do to workloads in place, and which controls it breaks."""

from __future__ import annotations

from audit.simulator.cluster_people import Act
from audit.simulator.world import World

_ROLLOUT = "kubectl-rollout"


def record(world: World, cluster: str, act: Act) -> None:
    """Writes what `act`, which no break-glass span covers, breaks besides CLU-01."""
    request = act.request
    if act.change and request.query.get("fieldManager") == _ROLLOUT:
        subject = f"{cluster}/rollout/{request.audit_id}"
        world.truth.violation("DEP-05", subject, request.at, why=f"kubectl rollout by {request.user}")
