"""What the clusters say: who asked the API server for what, and what admission policy found."""

from __future__ import annotations

from typing import ClassVar

from audit.model import Origin
from audit.tables.base import UTC, Bool, Int, Meta, Table, column
from audit.tables.forge import _EVIDENCE, _LINE


class ClusterAccess(Table):
    """Requests to the API server worth keeping: one row for each request, the last stage winning."""

    cluster: str = column("Cluster")
    audit_id: str = column("The request's own id")
    variant: Int = column("Counts, from 0, the different requests that claim this id", ge=0)
    at: UTC = column("When the request was received")
    stage_rank: Int = column("0 RequestReceived, 1 ResponseStarted, 2 ResponseComplete or Panic", ge=0, le=2)
    verb: str = column("Verb, as Kubernetes names it")
    user: str = column("Who authenticated", optional=True)
    groups: str = column("Groups of the one who authenticated, separated by commas")
    cloud_arn: str = column(
        "ARN of the one who authenticated, as EKS tells it: IAM user, or session of a role", optional=True
    )
    impersonated: str = column("Who it acted as, when it impersonated someone", optional=True)
    api_group: str = column("API group; empty for the core group")
    resource: str = column("Resource, plural; empty for a non-resource request")
    subresource: str = column("Subresource; empty when there is none")
    namespace: str = column("Namespace; empty for cluster-wide objects")
    name: str = column("Name of the object; empty when the request names none")
    code: Int = column("HTTP status of the response; missing when none was recorded", optional=True)
    dry_run: Bool = column("The request changed nothing: dry run")
    user_agent: str = column("User agent", optional=True)
    source_ip: str = column("First source address", optional=True)
    field_manager: str = column(
        "Program that manages the fields it writes, as the request names it: kubectl-edit, kubectl-rollout, …",
        optional=True,
    )
    truncated: Bool = column("The API server left out the bodies: the event was too large for its backend")
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Requests to the clusters' API servers"
        metadata: ClassVar[Meta] = {
            "source": "Kubernetes audit log, or GKE's entries of it; machines' reads, leases and events are counted as noise",
            "stage": "normalised",
            "time": "at",
        }
        unique: ClassVar[list[str]] = ["cluster", "audit_id", "variant"]


class PolicyResults(Table):
    """Violations that Gatekeeper's audit found. What policy reports say has a table of its own: it has other words."""

    cluster: str = column("Cluster")
    audit_id: str = column("Id of the audit run")
    at: UTC = column("When the run found it")
    constraint_kind: str = column("Constraint's kind")
    constraint: str = column("Constraint's name")
    action: str = column("deny, warn or dryrun; of a scoped constraint all that apply, separated by commas")
    resource_kind: str = column("Kind of the object")
    resource_namespace: str = column("Namespace of the object; empty for cluster-wide objects")
    resource_name: str = column("Name of the object")
    message: str = column("What the policy said")
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Policy violations found by audit"
        metadata: ClassVar[Meta] = {
            "source": "Gatekeeper audit log, its export and constraint status",
            "stage": "normalised",
            "time": "at",
        }
        unique: ClassVar[list[str]] = [
            "cluster",
            "audit_id",
            "constraint_kind",
            "constraint",
            "resource_kind",
            "resource_namespace",
            "resource_name",
            "message",
        ]


class ClusterWrites(Table):
    """Requests that changed, or tried to change, a cluster, sessions into workloads, and what people asked of nodes past the
    API server, judged by who made them."""

    cluster: str = column("Cluster")
    audit_id: str = column("The request's own id")
    variant: Int = column("Counts, from 0, the different requests that claim this id", ge=0)
    at: UTC = column("When")
    environment: str = column("Environment of the cluster")
    principal_kind: str = column(
        "person or machine, by the one who authenticated", isin=["person", "machine"]
    )
    person: str = column("Who did it, resolved; as the log names it when nobody matches")
    user: str = column("Who authenticated, raw")
    impersonated: str = column("Who it acted as", optional=True)
    verb: str = column("Verb")
    resource: str = column("resource.group/subresource")
    namespace: str = column("Namespace")
    name: str = column("Name of the object")
    outcome: str = column(
        "done, denied, failed, dry run or unknown", isin=["done", "denied", "failed", "dry run", "unknown"]
    )
    field_manager: str = column(
        "Program that manages the fields it writes, as the request names it", optional=True
    )
    change: Bool = column("It is a write to an object in scope, and it was done or its outcome is unknown")
    break_glass: str = column("Ticket of the break-glass span it lies in", optional=True)
    origin: str = column(
        "Where a change came from: deployment, operator's records, operator (outside every deployment on record), cluster, "
        "automation, break-glass, by hand or other machine; missing for what changed nothing in scope",
        optional=True,
        isin=[origin.value for origin in Origin],
    )
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Writes to the clusters"
        metadata: ClassVar[Meta] = {
            "source": "cluster access, with principals resolved",
            "stage": "joined",
            "time": "at",
        }
        unique: ClassVar[list[str]] = ["cluster", "audit_id", "variant"]
