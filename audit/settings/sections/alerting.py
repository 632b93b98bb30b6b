"""Which alerts speak of what, and which samples tell that a cluster ran out of something."""

from __future__ import annotations

from pydantic import Field

from audit.settings.sections.base import Regex, Section


class Alerting(Section):
    """How alerts are told by their names, and incidents of resources by their metrics."""

    minutes: int = Field(
        15, ge=0, description="How long after an incident began its alert must have been raised"
    )
    drift: Regex = Field(
        r"(?i).*(?:out.?of.?sync|drift).*", description="Names of alerts on drift, matched whole"
    )
    failure: Regex = Field(
        r"(?i).*(?:(?:sync|deploy|reconcil|release).*fail|fail.*(?:sync|deploy|reconcil|release)).*",
        description="Names of alerts on failed deployments, matched whole",
    )
    resources: Regex = Field(
        r"(?i).*(?:oom|evict|quota|memory|cpu|disk|resource).*",
        description="Names of alerts on constraints of resources, matched whole",
    )
    vulnerability: Regex = Field(
        r"(?i).*(?:vulnerab|cve).*", description="Names of alerts on vulnerabilities, matched whole"
    )
    resource_metrics: dict[str, Regex] = Field(
        {
            "kube_pod_container_status_terminated_reason": "OOMKilled",
            "kube_pod_container_status_last_terminated_reason": "OOMKilled",
            "kube_pod_status_reason": "Evicted",
        },
        description="Metrics that tell a constraint of resources while above 0, with what their label 'reason' matches whole",
    )
