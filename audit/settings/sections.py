"""The sections of the settings, each declared once: what its keys mean, and which slips are refused."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator


def _regex(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return value


Regex = Annotated[str, AfterValidator(_regex)]


class Section(BaseModel):
    """Base of every section: no key that is not declared, nothing changed after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Organisation(Section):
    """Whose report it is, and how its year runs."""

    name: str = Field(description="Name printed on the report")
    fiscal_year_start: int = Field(1, ge=1, le=12, description="Month in which the fiscal year starts")
    time_zone: str = Field("UTC", description="IANA time zone in which quarters and days are counted")
    classification: str = Field(
        "Confidential", description="Classification printed on every page of the report"
    )

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("not an IANA time zone, such as Europe/Berlin") from error
        return value


class Repository(Section):
    """A Git repository that declares the organisation's systems."""

    name: str = Field(description="Name on the forge: owner/name", pattern=r"^[^\s#@]+$")
    location: str = Field(description="Local path or URL; a relative path is relative to audit.toml")
    branch: str | None = Field(None, description="Default branch; the repository's own HEAD when not set")
    former_branches: tuple[str, ...] = Field(
        (), description="Names that the default branch had before: pull requests into them landed here"
    )
    reviews: Literal["github", "gerrit"] = Field(
        "github",
        description="Where its changes are reviewed; Gerrit's trailers are believed only where this says so",
    )


FormatName = Literal[
    "auto",
    "kubernetes-audit",
    "gke-audit",
    "github-audit-log",
    "github-pulls",
    "github-reviews",
    "github-review-events",
    "github-checks",
    "github-statuses",
    "github-deployments",
    "github-deployment-statuses",
    "github-workflow-runs",
    "github-protection",
    "github-rulesets",
    "github-activity",
    "github-environments",
    "github-collaborators",
    "github-teams",
    "github-team-repositories",
    "github-members",
    "argocd-application",
    "argocd-project",
    "argocd-application-set",
    "argocd-log",
    "flux-object",
    "flux-source",
    "flux-event",
    "flux-log",
    "argocd-event",
    "gatekeeper-audit",
    "gatekeeper-object",
    "kyverno-policy",
    "admission-policy",
    "policy-report",
    "managed-secret",
    "vault-audit",
    "cloudtrail",
    "alertmanager",
    "alertmanager-silence",
    "grafana-history",
    "prometheus-query",
    "prometheus-text",
    "rbac-object",
    "cluster-identities",
    "trainings",
    "access-reviews",
    "document-reviews",
    "github-code-scanning-alerts",
    "github-secret-scanning-alerts",
    "github-dependabot-alerts",
    "trivy-json",
    "trivy-operator",
    "grype-json",
    "sarif",
    "kubernetes-object",
]
"""As `audit.normalise.registry` names them; a test holds both to be the same."""


_GITHUB = re.compile(
    r"github:(?P<owner>[A-Za-z0-9][A-Za-z0-9_-]{0,99})(?:/(?P<name>(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}))?"
)


class Source(Section):
    """A place where evidence lies."""

    name: str = Field(description="Name of the source, used in the report", pattern=r"^[A-Za-z0-9._-]+$")
    location: str = Field(
        description="s3://bucket/prefix/, file:folder (relative to audit.toml), github:owner/name or github:owner"
    )
    format: FormatName = Field(
        "auto", description="Format of its records; auto recognises it record by record"
    )
    cluster: str | None = Field(None, description="Cluster that its records speak of")
    repository: str | None = Field(
        None, description="Repository that its records speak of, where they do not say"
    )
    exported_at: datetime | None = Field(
        None,
        description="When its exports were made (with offset), where neither its objects nor their records show it",
    )

    cadence_minutes: int | None = Field(
        None,
        ge=60,
        description="Longest time that may pass without a record of a log, or without an export; learned when not set",
    )
    ended_at: datetime | None = Field(
        None,
        description="When it gave its last evidence (with offset), another source having taken its place",
    )

    @property
    def kind(self) -> Literal["s3", "folder", "github"]:
        """What sort of place it is."""
        if self.location.startswith("github:"):
            return "github"
        return "s3" if self.location.startswith("s3://") else "folder"

    @field_validator("location")
    @classmethod
    def _known_scheme(cls, value: str) -> str:
        if re.match(r"s3://[^/]+", value) or value.removeprefix("file:") not in ("", value):
            return value
        if _GITHUB.fullmatch(value):
            return value
        raise ValueError("neither s3://bucket/prefix nor file:folder, github:owner/name or github:owner")

    @model_validator(mode="before")
    @classmethod
    def _of_its_repository(cls, values: Any) -> Any:
        """What GitHub gives of a repository speaks of that repository, unless the settings say otherwise."""
        if isinstance(values, dict) and values.get("repository") is None:
            named = _GITHUB.fullmatch(str(values.get("location")))
            if named is not None and named["name"]:
                return values | {"repository": f"{named['owner']}/{named['name']}"}
        return values

    @field_validator("exported_at", "ended_at")
    @classmethod
    def _with_offset(cls, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("the time needs an offset, as in 2026-10-01T10:00:00Z")
        return value


class S3(Section):
    """How to reach S3. Credentials come from boto3's chain (environment, profile, role), never from here."""

    endpoint_url: str | None = Field(None, description="Custom endpoint; AWS when not set")
    region: str | None = Field(None, description="Region")
    profile: str | None = Field(None, description="Profile of the AWS configuration")
    role_arn: str | None = Field(None, description="Role to assume before reading")
    requester_pays: bool = Field(False, description="The reader pays for requests")
    threads: int = Field(8, ge=1, le=64, description="Objects pulled at once")
    attempts: int = Field(5, ge=1, le=20, description="Tries for each request, with exponential backoff")


GitHubPart = Literal[
    "pulls",
    "statuses",
    "activity",
    "deployments",
    "runs",
    "rules",
    "environments",
    "access",
    "members",
    "teams",
    "audit-log",
]


class GitHub(Section):
    """How to ask GitHub's API, for sources `github:…`. A token comes from the environment, never from here."""

    api_url: str = Field(
        "https://api.github.com",
        description="Root of the API; https://HOST/api/v3 for GitHub Enterprise Server",
    )
    token_variable: str = Field(
        "GITHUB_TOKEN",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Environment variable that holds the token",
    )
    app_id: int | None = Field(None, ge=1, description="GitHub App to ask as, instead of with a token")
    installation_id: int | None = Field(None, ge=1, description="Installation of the App")
    private_key_file: str | None = Field(
        None, description="Private key of the App (PEM); relative to audit.toml"
    )
    since: date | None = Field(
        None,
        description="What did not change since this day is left out; the start of the trend's first quarter when not set",
    )
    max_wait_seconds: int = Field(
        3900, ge=0, description="Longest wait for a rate limit; where it takes longer, collection stops there"
    )
    attempts: int = Field(5, ge=1, le=20, description="Tries for each request, with exponential backoff")
    leave_out: tuple[GitHubPart, ...] = Field(
        (),
        description="Parts not to collect. Of a repository: pulls, statuses, activity, deployments, runs, rules, environments, access; "
        "of an organisation: members, teams, rules, audit-log",
    )

    @field_validator("api_url")
    @classmethod
    def _safe(cls, value: str) -> str:
        if not re.fullmatch(
            r"https://[^\s/@?#]+(?:/[^\s@?#]*)?|http://(?:127\.0\.0\.1|localhost)(?::\d+)?", value
        ):
            raise ValueError("not a URL of an API, as in https://github.example.org/api/v3")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _whole_app(self) -> Self:
        given = (self.app_id, self.installation_id, self.private_key_file)
        if any(part is not None for part in given) and None in given:
            raise ValueError("an App needs all of app_id, installation_id and private_key_file")
        return self


class Cluster(Section):
    """A cluster in scope: its audit log must cover the quarter."""

    name: str = Field(description="Name, as the sources name it")
    environment: str = Field(description="Environment it serves")


class PathRule(Section):
    """Which application and environments a path belongs to. The first rule that matches wins."""

    pattern: str = Field(
        description="Path pattern: {app} and {environment} each match one folder's name, * within one, ** any depth"
    )
    app: str | None = Field(None, description="Application, where the pattern does not name it")
    environments: tuple[str, ...] = Field((), description="Environments, where the pattern does not name one")


class People(Section):
    """Who is who."""

    roster: str | None = Field(None, description="Roster file (YAML or CSV); relative to audit.toml")


class Machines(Section):
    """Which authenticated identities are machines. What no rule names is a person."""

    kubernetes: tuple[Regex, ...] = Field(
        (
            r"system:serviceaccount:[^:@]+:[^:@]+",
            r"system:node:[^:@]+",
            r"system:kube-[a-z-]+",
            r"system:apiserver",
            r"system:cloud-[a-z-]+",
            r"eks:[a-z-]+",
            r"(?:aks|acs)Service",
            r"kubelet(?:-bootstrap|-nodepool-bootstrap)?",
            r"kube-apiserver(?:-kubelet-client|-etcd-client)?",
        ),
        description="Kubernetes users that are machines, as regular expressions that match the whole name",
    )
    forge: tuple[Regex, ...] = Field(
        (r".+\[bot\]", r"web-flow"), description="Forge logins that are machines"
    )
    argocd: tuple[Regex, ...] = Field((), description="Argo CD users that are machines")
    laptop_agents: tuple[Regex, ...] = Field(
        (
            r"(?i)(?:kubectl|oc|odo|helm|helmfile|k9s|kubectx|kubens|stern|kustomize|tilt|skaffold)(?:\.exe)?(?:[/ ].*)?",
            r"(?i)kubectl-.*",
            r"(?i)(?:OpenLens|Lens|Freelens|Headlamp|Octant|Kui|Aptakube|Infra App)(?:[/ ].*)?",
            r"(?i)(?:curl|Wget|HTTPie|xh|PostmanRuntime|insomnia|python-requests|python-httpx|PowerShell)(?:[/ ].*)?",
            r"Mozilla/.*",
        ),
        description="User agents of people: a machine's identity used with one of them is a person",
    )


_LONGEST_EMERGENCY = timedelta(days=31)


class BreakGlass(Section):
    """A span in which a person may change a cluster directly."""

    ticket: str = Field(description="Ticket that opened it")
    person: str = Field(description="Who may act, by roster id")
    cluster: str = Field(description="Where")
    opened: datetime = Field(description="From (with offset)")
    closed: datetime = Field(description="Until (with offset), exclusive; at most 31 days later")

    @field_validator("opened", "closed", mode="before")
    @classmethod
    def _a_time(cls, value: object) -> object:
        if not isinstance(value, str | datetime) or (isinstance(value, str) and value.strip().isdigit()):
            raise ValueError("not a time: write it as in 2026-07-01T10:00:00Z")
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.opened.tzinfo is None or self.closed.tzinfo is None:
            raise ValueError("times need an offset, as in 2026-07-01T10:00:00Z")
        if self.opened >= self.closed:
            raise ValueError("it is closed before it is opened")
        if self.closed - self.opened > _LONGEST_EMERGENCY:
            raise ValueError(
                f"it lasts longer than {_LONGEST_EMERGENCY.days} days: name each emergency by itself"
            )
        return self


class Thresholds(Section):
    """Limits that controls and metrics apply."""

    required_checks: tuple[str, ...] = Field(
        (), description="Checks that must have succeeded before a merge; name@app for those of one app"
    )
    silence_minutes: int = Field(
        60, ge=60, description="Longest silence of a cluster's audit log, in minutes"
    )
    export_slack_hours: int = Field(
        24,
        ge=0,
        description="How long before a quarter's end the last record of an export may be, where nothing else dates it",
    )
    clock_skew_seconds: int = Field(300, ge=0, description="How far clocks of different systems may differ")
    change_failure_hours: int = Field(
        24, ge=1, description="Window after a deployment in which a failure is its own"
    )
    drift_minutes: int = Field(
        60, ge=0, description="How long the cluster may differ from Git where no landed revision explains it"
    )
    failed_sync_minutes: int = Field(60, ge=0, description="How long after a failed sync one must succeed")
    recovery_minutes: int = Field(
        60, ge=0, description="How long an application of production may be degraded or missing"
    )
    rollback_revert_hours: int = Field(
        24, ge=0, description="How long after a rollback main must revert what it took back"
    )
    deploy_hours: int = Field(24, ge=0, description="How long after it landed a change must be deployed")
    soak_minutes: int = Field(
        30, ge=0, description="How long a change must have run in an environment before production gets it"
    )
    mutable_tags: tuple[str, ...] = Field(
        ("latest", "main", "master", "edge", "nightly", "stable"),
        description="Image tags that move: Git must not ask for them",
    )
    require_digests: bool = Field(False, description="An image without a digest is an exception of CLU-02")
    snapshot_days: int = Field(
        8, ge=1, description="How far apart snapshots of an application's settings may be"
    )
    small_number: int = Field(10, ge=1, description="Below so many items a ratio or median carries a warning")
    require_signatures: bool = Field(
        False, description="A commit without a signature is an exception of CHG-08"
    )
    trend_quarters: int = Field(4, ge=1, le=12, description="Quarters shown in trends, this one included")


class Scope(Section):
    """Which writes to a cluster are in scope."""

    unmanaged_namespaces: tuple[Regex, ...] = Field((), description="Namespaces that Git does not declare")
    chart_sources: tuple[str, ...] = Field(
        (), description="Chart repositories that applications may be deployed from; any when empty"
    )
    unmanaged_resources: tuple[str, ...] = Field(
        ("events", "events.events.k8s.io", "leases.coordination.k8s.io"),
        description="Resources (resource.group) that Git never declares",
    )


class Signing(Section):
    """How manifests are signed."""

    key_file: str | None = Field(
        None, description="Ed25519 private key (PEM, PKCS#8); relative to audit.toml"
    )
    public_keys: tuple[str, ...] = Field((), description="Public keys (PEM files) that verify manifests")
    timestamp_url: str | None = Field(
        None,
        description="Timestamping authority (RFC 3161) that stamps manifests",
        pattern=r"^https?://[^\s]+$",
    )
    timestamp_roots: tuple[str, ...] = Field(
        (), description="PEM files of certificates that its timestamps must lead to; relative to audit.toml"
    )

    @model_validator(mode="after")
    def _roots_for_timestamps(self) -> Self:
        if self.timestamp_url is not None and not self.timestamp_roots:
            raise ValueError("timestamp_url needs timestamp_roots: without them no timestamp can be verified")
        return self


class Signatures(Section):
    """Keys against which the signatures of commits are checked. Without any, no signature can be good."""

    openpgp_keys: tuple[str, ...] = Field(
        (), description="Files of OpenPGP public keys, armored or not; relative to audit.toml"
    )
    ssh_signers: str | None = Field(
        None, description="File of allowed SSH signers, as ssh-keygen(1) describes it; relative to audit.toml"
    )
    x509_roots: tuple[str, ...] = Field(
        (), description="PEM files of certificates that X.509 signatures must lead to; relative to audit.toml"
    )
    forge_keys: tuple[str, ...] = Field(
        (), description="Fingerprints of the forge's own keys: what they sign, the forge made"
    )

    @field_validator("forge_keys")
    @classmethod
    def _whole(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for key in keys:
            plain = re.sub(r"^0x|[\s:]", "", key)
            if not re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}=?", key.strip()) and not re.fullmatch(
                r"(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})", plain
            ):
                raise ValueError(
                    f"'{key}' is not a whole fingerprint: 40 or 64 hexadecimal digits, or SHA256:…"
                )
        return keys


class Secrets(Section):
    """How secrets in the clear are told, and which of them are known to be none."""

    fingerprint_key_file: str | None = Field(
        None,
        description="File with the key of the fingerprints (at least 32 bytes); made in the store when not set",
    )
    waivers: str = Field(
        ".gitops-audit/secret-waivers.yaml",
        description="Path in each repository of the reviewed file that waives findings by fingerprint",
    )
