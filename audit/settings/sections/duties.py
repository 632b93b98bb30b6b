"""The sections of the settings that say what the organisation owes: protection, layout, documents, rotation."""

from __future__ import annotations

from pydantic import Field, field_validator

from audit.settings.sections.base import Regex, Section

TOOLS = (
    "github", "github-actions", "argocd", "flux", "kustomize", "helm", "gatekeeper", "kyverno", "vault", "prometheus",
    "alertmanager", "grafana",
)  # fmt: skip
"""Tools that can be seen in evidence."""


class Protection(Section):
    """How the default branch of every repository must be protected."""

    approvals: int = Field(1, ge=1, description="Approving reviews that the forge must require")
    bypass: tuple[str, ...] = Field(
        (), description="Who may stand above the rules, as the forge's export names them: 'team release'"
    )
    silence_hours: int = Field(
        168, ge=1, description="Longest silence of the forge's own audit log, in hours"
    )


class Secrecy(Section):
    """How long a secret may stay the same."""

    rotation_days: int = Field(90, ge=1, description="Days within which every kept secret must change")


class OwnControls(Section):
    """Controls of the organisation's own."""

    folder: str | None = Field(
        None,
        description="Folder of Python files that each have a CONTROL; relative to audit.toml. They are code that is run",
    )


class Waivers(Section):
    """Waivers of the policy."""

    file: str = Field(
        ".gitops-audit/waivers.yaml", description="Path in each repository of the reviewed file of waivers"
    )
    longest_days: int = Field(180, ge=1, description="Longest span that a waiver may cover, in days")


class Structure(Section):
    """How every repository must be laid out."""

    required: tuple[str, ...] = Field(
        (
            "apps/{app}/base/",
            "apps/{app}/overlays/{environment}/",
            "apps/{app}/kustomization.yaml",
            "infrastructure/networking/",
            "infrastructure/databases/",
            "infrastructure/monitoring/",
            "infrastructure/security/",
            "clusters/{environment}/",
            ".github/workflows/sync.yaml",
            ".github/workflows/validate.yaml",
        ),
        description="Folders (with / at the end) and files that must be there all the time; {app} stands for each folder "
        "that is there in its place, {environment} for each environment of the clusters",
    )

    tools: tuple[str, ...] = Field(
        ("github", "github-actions", "argocd or flux", "kustomize or helm", "gatekeeper"),
        description="Tools that must be seen in every quarter, 'or' between those of which one is enough: "
        + ", ".join(TOOLS),
    )

    @field_validator("tools")
    @classmethod
    def _known(cls, tools: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for tool in tools for name in tool.split(" or ") if name not in TOOLS]
        if unknown:
            raise ValueError(f"'{unknown[0]}' is no tool that can be told: name one of {', '.join(TOOLS)}")
        return tools

    @field_validator("required")
    @classmethod
    def _plain(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        for path in paths:
            rest = path.replace("{environment}", "").replace("{app}", "", 1)
            if not path or path.startswith("/") or "{" in rest or "}" in rest:
                raise ValueError(f"'{path}' is not a path with at most one {{app}} and {{environment}}")
        return paths


class Documents(Section):
    """Which documents must exist, and how often they must be looked at."""

    required: dict[str, str] = Field(
        {
            "architecture": r"docs/.*architecture.*\.md",
            "runbooks": r"docs/.*runbook.*\.md",
            "troubleshooting": r"docs/.*troubleshooting.*\.md",
            "rollback": r"docs/.*rollback.*\.md",
        },
        description="Each document by its name, with the regular expression that its path matches whole",
    )
    review_days: int = Field(365, ge=1, description="Days within which each must be changed or reviewed")
    policy: str = Field(
        r"(?i)(?:.*/)?gitops[-_]policy\.md",
        description="Regular expression that the path of the policy itself matches whole",
    )


class Training(Section):
    """What people who land or approve changes must have learnt."""

    required: tuple[str, ...] = Field(
        (
            "GitOps principles and practices",
            "Kubernetes and GitOps tools",
            "Security best practices",
            "Incident response procedures",
        ),
        description="Names of the trainings, as the records write them, in any case",
    )
    valid_days: int = Field(
        365, ge=1, description="Days for which a training holds, if its record says no less"
    )
    grace_days: int = Field(
        30, ge=0, description="Days from the first one in which newcomers may still learn"
    )


class Emergency(Section):
    """How changes are told that were made in an emergency, and what they owe."""

    labels: tuple[str, ...] = Field(
        ("emergency", "break-glass", "hotfix"), description="Labels of their pull requests, in any case"
    )
    ticket: Regex = Field(
        r"\b[A-Z][A-Z0-9]+-\d+\b", description="Regular expression of a ticket in their titles"
    )
    review_days: int = Field(
        3, ge=1, description="Days after the merge within which somebody else must approve"
    )


class Vault(Section):
    """Whom Vault knows: what no rule names, and no roster, is unknown."""

    workloads: tuple[Regex, ...] = Field(
        (r"kubernetes-.+",), description="Display names of tokens of known workloads, matched whole"
    )
    entities: tuple[Regex, ...] = Field((), description="Ids of known entities, matched whole")
