"""Who is who, which identities are machines, and who might act by hand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from audit.model import LAPTOP_AGENTS
from audit.settings.sections.base import Regex, Section


class People(Section):
    """Who is who."""

    roster: str | None = Field(None, description="Roster file (YAML or CSV); relative to audit.toml")
    oidc_prefixes: tuple[str, ...] = Field(
        ("oidc:",), description="What clusters put before names of people whom the single sign-on vouches for"
    )
    session_roles: tuple[Regex, ...] = Field(
        (r"AWSReservedSSO_.+",),
        description="IAM roles that only the single sign-on assumes, as regular expressions that match the whole name: "
        "of all others, whoever assumes them chooses the session's name",
    )


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
    operators: dict[Literal["argocd", "flux"], tuple[Regex, ...]] = Field(
        {
            "argocd": (r"system:serviceaccount:[^:@]+:argocd-[a-z-]+",),
            "flux": (
                r"system:serviceaccount:flux-system:[^:@]+",
                r"system:serviceaccount:[^:@]+:(?:kustomize|helm|source|notification|image-reflector|image-automation)-controller",
            ),
        },
        description="Kubernetes users that are the operators: what they write belongs to their deployments",
    )
    cluster: tuple[Regex, ...] = Field(
        (
            r"system:serviceaccount:kube-system:[^:@]+",
            r"system:node:[^:@]+",
            r"system:kube-[a-z-]+",
            r"system:apiserver",
            r"system:cloud-[a-z-]+",
            r"eks:[a-z-]+",
            r"(?:aks|acs)Service",
            r"kubelet(?:-bootstrap|-nodepool-bootstrap)?",
            r"kube-apiserver(?:-kubelet-client|-etcd-client)?",
        ),
        description="Kubernetes users that are a cluster's own: what they write follows from what others asked for",
    )
    automation: tuple[Regex, ...] = Field(
        (),
        description="Kubernetes users of other automation that may change clusters, beside the roster's machines",
    )
    laptop_agents: tuple[Regex, ...] = Field(
        LAPTOP_AGENTS,
        description="User agents of people: a machine's identity used with one of them is a person. What machines read is kept of "
        "the default ones alone; of what is added here, writes, sessions and refused requests for Secrets are",
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
