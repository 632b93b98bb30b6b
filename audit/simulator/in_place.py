"""What people do to workloads in place, and which controls it breaks."""

from __future__ import annotations

from audit.simulator.cluster_people import Act
from audit.simulator.world import World

_ROLLOUT, _EDIT = "kubectl-rollout", "kubectl-edit"
_SESSIONS = ("exec", "attach", "portforward", "ephemeralcontainers")


def record(world: World, cluster: str, act: Act) -> None:
    """Writes what `act`, which no break-glass span covers, breaks besides CLU-01."""
    request = act.request
    done = request.code is None or request.code < 400
    edited = act.change and request.query.get("fieldManager") == _EDIT
    if edited or (done and request.subresource in _SESSIONS):
        subject, why = f"{cluster}/{request.audit_id}", f"{request.subresource or _EDIT} by {request.user}"
        world.truth.violation("CLU-02", subject, request.at, why=why)
    if act.change and request.query.get("fieldManager") == _ROLLOUT:
        subject = f"{cluster}/rollout/{request.audit_id}"
        world.truth.violation("DEP-05", subject, request.at, why=f"kubectl rollout by {request.user}")
