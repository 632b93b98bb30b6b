"""How the operators are set: what they may deploy from where, and whether they do it by themselves."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Bool, Float, Int, Meta, Table, column
from audit.tables.forge import _EVIDENCE, _LINE

_SNAPSHOT = "; it tells no time of its own: its evidence object does"
_AUTOMATED = "Syncs by itself: automated sync (Flux: always)"
_PRUNE = "Removes what the source no longer has"
_SELF_HEAL = "Puts back what was changed in the cluster"
_NAMES = "sorted, separated by spaces"


class AppSettings(Table):
    """How each application is set, one row for each snapshot: whether the operator syncs, prunes and heals by itself."""

    cluster: str = column("Cluster whose operator holds it")
    app: str = column("namespace/name of the object; a manifest may leave the namespace out")
    observed_at: UTC = column(
        "When the operator last reconciled it, as the snapshot says; missing when it never did", optional=True
    )
    operator: str = column("argocd or flux", isin=["argocd", "flux"])
    object_kind: str = column("Application, Kustomization or HelmRelease")
    project: str = column("Argo CD project it belongs to; missing for Flux", optional=True)
    automated: Bool = column(_AUTOMATED)
    prune: Bool = column(f"{_PRUNE}; missing where the kind of object has no such setting", optional=True)
    self_heal: Bool = column(
        f"{_SELF_HEAL}: selfHeal of Argo CD, drift detection of a HelmRelease (mode enabled); a Kustomization always does"
    )
    allow_empty: Bool = column("May remove everything; missing for Flux", optional=True)
    suspended: Bool = column("Reconciliation is off: Flux's suspend, Argo CD's skip-reconcile annotation")
    interval: str = column("How often Flux reconciles it, as written; missing for Argo CD", optional=True)
    drift_detection: str = column(
        "Drift detection of a HelmRelease: enabled, warn or disabled; missing for others", optional=True
    )
    force: Bool = column("Recreates what can't be changed; missing for Argo CD", optional=True)
    repos: str = column(f"Source repositories, or Flux sources as kind/namespace/name: {_NAMES}")
    destination: str = column("Cluster it deploys to, as its object names it; empty where it names none")
    namespace: str = column("Namespace it deploys to; empty where it names none")
    ignored: str = column("Differences that it is told to ignore, as JSON; empty when there are none")
    sync_options: str = column("Sync options, sorted, separated by commas")
    generation: Int = column("Generation of the object: counts the changes of its settings", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "How applications are set, snapshot by snapshot"
        metadata: ClassVar[Meta] = {
            "source": "Argo CD Application and Flux Kustomization and HelmRelease objects",
            "stage": "normalised",
        }
        unique: ClassVar[list[str]] = [
            "cluster",
            "operator",
            "object_kind",
            "app",
            "observed_at",
            "evidence",
            "line",
        ]


class AppProjects(Table):
    """Projects of Argo CD, as a snapshot has them: what their applications may deploy, from where to where."""

    cluster: str = column("Cluster whose operator holds it")
    project: str = column("namespace/name of the project")
    source_repos: str = column(f"Repositories that its applications may deploy from: {_NAMES}; * is any")
    source_namespaces: str = column(f"Namespaces that its applications may lie in: {_NAMES}")
    destinations: str = column("Where they may deploy to, as JSON: server, name and namespace of each")
    cluster_kinds: str = column(f"Cluster-wide group/kind that they may deploy: {_NAMES}")
    cluster_kinds_denied: str = column(f"Cluster-wide group/kind that they may not deploy: {_NAMES}")
    namespace_kinds: str = column(
        f"group/kind that they may deploy in namespaces: {_NAMES}; empty: every kind"
    )
    namespace_kinds_denied: str = column(f"group/kind that they may not deploy in namespaces: {_NAMES}")
    signature_keys: str = column(f"Keys of which one must have signed what is deployed: {_NAMES}")
    orphans_watched: Bool = column("Objects that no application owns are watched for")
    own_clusters_only: Bool = column("They deploy to clusters of the project alone")
    created_at: UTC = column("When the project was created", optional=True)
    generation: Int = column("Generation of the object: counts the changes of its settings", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Projects of Argo CD"
        metadata: ClassVar[Meta] = {
            "source": f"Argo CD AppProject objects{_SNAPSHOT}",
            "stage": "normalised",
        }
        unique: ClassVar[list[str]] = ["cluster", "project", "evidence", "line"]


class ProjectRoles(Table):
    """Roles of Argo CD projects: which groups and tokens may do what with their applications."""

    cluster: str = column("Cluster whose operator holds it")
    project: str = column("namespace/name of the project")
    role: str = column("Name of the role")
    groups: str = column("Groups of the single sign-on that have the role, as JSON, sorted")
    policies: str = column("Its policies, as JSON, sorted")
    tokens: Int = column("Tokens that were issued for it", unit="tokens", ge=0)
    tokens_without_end: Int = column("Those that never expire", unit="tokens", ge=0)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Roles of Argo CD's projects"
        metadata: ClassVar[Meta] = {
            "source": f"Argo CD AppProject objects{_SNAPSHOT}",
            "stage": "normalised",
        }
        unique: ClassVar[list[str]] = ["cluster", "project", "role", "evidence", "line"]


class SyncWindows(Table):
    """Windows in which a project's applications may or may not be synced, and whether a person may override them."""

    cluster: str = column("Cluster whose operator holds it")
    project: str = column("namespace/name of the project")
    place: Int = column("Place of the window in the project, counted from 0", ge=0)
    kind: str = column("allow or deny", isin=["allow", "deny"])
    schedule: str = column("When it opens, in cron's words")
    duration: str = column("How long it stays open, as written")
    time_zone: str = column("Time zone of the schedule; UTC where none is set")
    applications: str = column(f"Applications that it holds for: {_NAMES}")
    namespaces: str = column(f"Namespaces that it holds for: {_NAMES}")
    clusters: str = column(f"Clusters that it holds for: {_NAMES}")
    all_must_match: Bool = column("Applications, namespaces and clusters must all match, not one of them")
    manual_sync: Bool = column("A person may sync against it")
    overrun: Bool = column("A sync that has begun may run on after it closed")
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Windows for syncs"
        metadata: ClassVar[Meta] = {
            "source": f"Argo CD AppProject objects{_SNAPSHOT}",
            "stage": "normalised",
        }
        unique: ClassVar[list[str]] = ["cluster", "project", "place", "evidence", "line"]


class ApplicationSets(Table):
    """ApplicationSets of Argo CD, one row for each snapshot: what makes applications, and how these are set."""

    cluster: str = column("Cluster whose operator holds it")
    name: str = column("namespace/name of the object")
    observed_at: UTC = column("When one of its conditions last changed; missing without any", optional=True)
    generators: str = column("Kinds of its generators, nested ones too, sorted, separated by commas")
    project: str = column("Project in its template; missing where it names none", optional=True)
    repos: str = column(f"Source repositories in its template: {_NAMES}")
    automated: Bool = column(f"In its template: {_AUTOMATED}")
    prune: Bool = column(f"In its template: {_PRUNE}")
    self_heal: Bool = column(f"In its template: {_SELF_HEAL}")
    patched: Bool = column("A patch of the template may set these otherwise for some applications")
    policy: str = column(
        "What it may do with applications: create-only, create-update, create-delete or sync; missing where not set",
        optional=True,
    )
    keeps_resources: Bool = column("Keeps what was deployed when an application is removed")
    rollout: str = column("AllAtOnce or RollingSync, as written; missing where not set", optional=True)
    error: str = column("Message of what went wrong; missing when nothing did", optional=True)
    health_status: str = column("Healthy, Degraded or Progressing, as Argo CD judges its conditions")
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "ApplicationSets, snapshot by snapshot"
        metadata: ClassVar[Meta] = {"source": "Argo CD ApplicationSet objects", "stage": "normalised"}
        unique: ClassVar[list[str]] = ["cluster", "name", "observed_at", "evidence", "line"]


class OperatorRequests(Table):
    """Calls to the operator's API that change something, as its log tells them, and acts of people that it logs."""

    cluster: str = column("Cluster whose operator was called")
    at: UTC = column("When the line was written")
    stage: str = column(
        "received (tells who and what), finished (tells the outcome) or event (an act of a person)",
        isin=["received", "finished", "event"],
    )
    service: str = column("Service of the API, such as ApplicationService; empty for an event")
    method: str = column("Sync, Rollback, TerminateOperation, UpdateSpec, Delete, …; the reason of an event")
    user: str = column("E-mail of the caller, else login, else subject", optional=True)
    subject: str = column("Subject of the caller's claims", optional=True)
    issuer: str = column("Who vouches for the claims: argocd for local users and tokens", optional=True)
    groups: str = column("Groups in the claims, sorted, separated by spaces", optional=True)
    app: str = column(
        "Application or other object, its namespace before it where the line tells it", optional=True
    )
    project: str = column("Project of Argo CD", optional=True)
    detail: str = column(
        "What was asked for, as JSON: revision, prune, names of overridden parameters, …; what an event says",
        optional=True,
    )
    code: str = column("Outcome of a finished call, such as OK or PermissionDenied", optional=True)
    address: str = column("Address of the caller", optional=True)
    took: Float = column("How long a finished call took", unit="ms", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Calls to the operators' API"
        metadata: ClassVar[Meta] = {
            "source": "log of Argo CD's API server (JSON or logfmt); no token, patch or value is ever taken in",
            "stage": "normalised",
            "time": "at",
        }
        unique: ClassVar[list[str]] = [
            "cluster",
            "at",
            "stage",
            "service",
            "method",
            "user",
            "app",
            "detail",
            "code",
            "subject",
            "address",
            "took",
        ]


class AppSources(Table):
    """Sources of Flux and its automation of images, one row for each snapshot: what is fetched, and how it is verified."""

    cluster: str = column("Cluster whose operator holds it")
    kind: str = column("GitRepository, OCIRepository, HelmRepository, HelmChart, Bucket, ImageRepository, …")
    name: str = column("namespace/name of the object")
    observed_at: UTC = column("The last time of which it tells; missing when it tells none", optional=True)
    url: str = column("Address, image or chart, without credentials", optional=True)
    reference: str = column("What is followed, such as branch=main; empty where it names nothing")
    interval: str = column("How often it is fetched, as written", optional=True)
    suspended: Bool = column("It is not fetched")
    insecure: Bool = column("It is fetched without encryption")
    credentials: str = column("Name of the secret that it is fetched with", optional=True)
    verification: str = column(
        "How signatures are verified: mode or provider; missing where they are not", optional=True
    )
    verified_by: str = column("Secret with the keys, and identities that may sign, as JSON; empty for none")
    verified: Bool = column(
        "The signature of what was fetched is good; missing where it isn't told", optional=True
    )
    revision: str = column("Revision fetched last, or image chosen last", optional=True)
    digest: str = column("Digest of what was fetched last", optional=True)
    revision_at: UTC = column("When that was fetched", optional=True)
    push_branch: str = column("Branch that updates of images are pushed to", optional=True)
    pushed: str = column("Commit that was pushed last", optional=True)
    pushed_at: UTC = column("When that was pushed", optional=True)
    ready: str = column("The Ready condition: True, False or Unknown", optional=True)
    reason: str = column("Its reason", optional=True)
    health_status: str = column("Healthy, Degraded, Progressing or Suspended, as Argo CD judges it")
    generation: Int = column("Generation of the object: counts the changes of its settings", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Sources of Flux, snapshot by snapshot"
        metadata: ClassVar[Meta] = {
            "source": "Flux objects of the groups source.toolkit.fluxcd.io and image.toolkit.fluxcd.io",
            "stage": "normalised",
        }
        unique: ClassVar[list[str]] = ["cluster", "kind", "name", "observed_at", "evidence", "line"]


class OperatorEvents(Table):
    """Lines in which an operator's controllers log what they did with an object."""

    cluster: str = column("Cluster whose operator it is")
    at: UTC = column("When the line was written")
    level: str = column("Level, such as info or error")
    controller: str = column("Controller, or part of it, that logged; empty where it isn't told")
    kind: str = column("Kind of the object; empty where a line does not tell it")
    object: str = column("namespace/name of the object")
    reconcile: str = column("Id that the lines of one reconciliation share", optional=True)
    message: str = column("What it says; addresses without credentials")
    revision: str = column("Revision that it speaks of", optional=True)
    error: str = column("What went wrong", optional=True)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "What the operators' controllers log"
        metadata: ClassVar[Meta] = {
            "source": "logs of Flux's controllers",
            "stage": "normalised",
            "time": "at",
        }
        unique: ClassVar[list[str]] = ["cluster", "at", "kind", "object", "reconcile", "message", "error"]
