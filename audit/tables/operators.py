"""What the GitOps operators say: applications, their syncs, their state."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Bool, Int, Meta, Table, column
from audit.tables.forge import _EVIDENCE, _LINE


class Applications(Table):
    """Applications as declared to the operator, one row for each snapshot."""

    cluster: str = column("Cluster whose operator holds it")
    app: str = column("namespace/name of the object; a manifest may leave the namespace out")
    observed_at: UTC = column("When the operator last reconciled it, as the snapshot says")
    operator: str = column("argocd or flux", isin=["argocd", "flux"])
    object_kind: str = column("Application, Kustomization or HelmRelease")
    repo_url: str = column("Source repository, or name of the Flux source", optional=True)
    path: str = column("Path of the source in it", optional=True)
    target_revision: str = column("Branch, tag or revision it follows", optional=True)
    namespace: str = column("Namespace it deploys to", optional=True)
    automated: Bool = column("Automated sync is on (Flux: not suspended)")
    self_heal: Bool = column("Self-heal is on (Flux: not suspended)")
    sync_status: str = column(
        "Synced, OutOfSync, Unknown; Flux: the Ready condition as Synced or OutOfSync", optional=True
    )
    health_status: str = column("Healthy, Degraded, Progressing, Missing, …", optional=True)
    revision: str = column("Revision last synced", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Applications as the operator had them, snapshot by snapshot"
        metadata: ClassVar[Meta] = {
            "source": "Argo CD Application and Flux Kustomization and HelmRelease objects",
            "stage": "normalised",
            "time": "observed_at",
        }
        unique: ClassVar[list[str]] = ["cluster", "app", "observed_at"]


class SyncRecords(Table):
    """Sync operations as recorded: the same operation may be recorded several times, in several ways."""

    cluster: str = column("Cluster whose operator did it")
    app: str = column("namespace/name of the object")
    operator: str = column("argocd or flux", isin=["argocd", "flux"])
    record: str = column("Where it was recorded", isin=["history", "operation", "event"])
    history_id: Int = column("Argo CD's history id", optional=True)
    revision: str = column("Revision deployed: a commit id, or a chart version", optional=True)
    revision_kind: str = column("git or chart", isin=["git", "chart"])
    started_at: UTC = column("Started, where the record says", optional=True)
    finished_at: UTC = column("Finished")
    phase: str = column("succeeded, failed or running", isin=["succeeded", "failed", "running"])
    initiated_by: str = column(
        "Who asked for it: user name, or missing for the operator itself", optional=True
    )
    automated: Bool = column("The operator started it; missing when the record does not say", optional=True)
    options: str = column("force, replace, prune, manifests, rollback, requested: separated by commas")
    path: str = column("Source path it deployed, where the record says", optional=True)
    repo_url: str = column("Source repository it deployed, where the record says", optional=True)
    message: str = column("What the operator said", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Sync operations, as each record tells them"
        metadata: ClassVar[Meta] = {
            "source": "Argo CD history and operationState, Flux status.history, operators' events",
            "stage": "normalised",
            "time": "finished_at",
        }
        unique: ClassVar[list[str]] = [
            "cluster",
            "app",
            "finished_at",
            "record",
            "phase",
            "revision",
            "evidence",
            "line",
        ]


class StateChanges(Table):
    """Changes of sync or health status that an operator reported."""

    cluster: str = column("Cluster")
    app: str = column("namespace/name of the object")
    at: UTC = column("When")
    aspect: str = column("sync or health", isin=["sync", "health"])
    before: str = column("Status before", optional=True)
    after: str = column("Status after")
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Changes of sync and health status"
        metadata: ClassVar[Meta] = {
            "source": "Argo CD events ('Updated sync status: … -> …'), Flux events",
            "stage": "normalised",
            "time": "at",
        }
        unique: ClassVar[list[str]] = ["cluster", "app", "at", "aspect", "after"]


class Deployments(Table):
    """One row for each sync operation, however often it was recorded."""

    cluster: str = column("Cluster whose operator did it")
    application: str = column("namespace/name of the operator's object")
    started_at: UTC = column("Started (finished, where no record says when it started)")
    finished_at: UTC = column("Finished", optional=True)
    operator: str = column("argocd or flux", isin=["argocd", "flux"])
    app: str = column("Application or component that its path belongs to")
    environment: str = column("Environment that its path or cluster belongs to")
    repo: str = column(
        "Repository it deployed from; missing when no configured repository matches", optional=True
    )
    path: str = column("Source path", optional=True)
    revision: str = column("Revision deployed", optional=True)
    revision_kind: str = column("git or chart", isin=["git", "chart"])
    position: Int = column(
        "Mainline place of the revision; missing when it is not on the mainline", optional=True
    )
    on_branch: Bool = column("The revision is a known commit that is not on the mainline")
    status: str = column("succeeded, failed or running", isin=["succeeded", "failed", "running"])
    automated: Bool = column("The operator started it; missing when no record says", optional=True)
    initiated_by: str = column("Who asked for it, raw", optional=True)
    person: str = column("Who asked for it, resolved", optional=True)
    options: str = column("force, replace, prune, manifests, rollback, requested: separated by commas")
    changed: Bool = column("Successful, and its revision differs from the one before it")
    message: str = column("What the operator said", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Deployments"
        metadata: ClassVar[Meta] = {
            "source": "sync records, merged; revisions placed on the mainline",
            "stage": "joined",
            "time": "started_at",
        }
        unique: ClassVar[list[str]] = ["cluster", "application", "started_at"]


class DeploymentLandings(Table):
    """Which landings each successful deployment carried."""

    cluster: str = column("Cluster")
    application: str = column("namespace/name of the operator's object")
    started_at: UTC = column("Deployment")
    repo: str = column("Repository")
    head_sha: str = column("Landing it carried")
    app: str = column("Application")
    environment: str = column("Environment")

    class Config:
        title = "Landings carried by deployments"
        metadata: ClassVar[Meta] = {
            "source": "mainline places of successive successful deployments; landings that touch the app",
            "stage": "joined",
        }
        unique: ClassVar[list[str]] = ["cluster", "application", "started_at", "repo", "head_sha"]


class AppStates(Table):
    """Spans in which an application had one sync or health status."""

    cluster: str = column("Cluster")
    application: str = column("namespace/name of the operator's object")
    aspect: str = column("sync or health", isin=["sync", "health"])
    state: str = column("Status")
    start: UTC = column("First seen in it")
    end: UTC = column("Left it; missing while it lasts", optional=True)

    class Config:
        title = "Sync and health spans"
        metadata: ClassVar[Meta] = {"source": "status changes and snapshots", "stage": "joined"}
        unique: ClassVar[list[str]] = ["cluster", "application", "aspect", "start"]
