"""What monitoring says: alerts, and samples of metrics."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Bool, Float, Int, Meta, Table, column
from audit.tables.forge import _EVIDENCE, _LINE


class Alerts(Table):
    """Alerts as they were told, or changed their state: one row each time that one fires, and when it is resolved."""

    cluster: str = column("Cluster that its label names, else that of the source", optional=True)
    environment: str = column("Environment that its label (env or environment) names", optional=True)
    origin: str = column(
        "Who tells: alertmanager, grafana, or argocd (its notifications)",
        isin=["alertmanager", "grafana", "argocd"],
    )
    receiver: str = column("Receiver that was told; of several, separated by commas", optional=True)
    alert: str = column("Name of the alert")
    fingerprint: str = column(
        "Fingerprint of its labels; of an annotation of Grafana, its id; empty where none is told"
    )
    status: str = column(
        "firing, resolved, pending, no data, error or paused",
        isin=["firing", "resolved", "pending", "no data", "error", "paused"],
    )
    at: UTC = column("When it began to fire, was resolved, or came into that state")
    starts_at: UTC = column("When it began to fire; missing in a history of states", optional=True)
    ends_at: UTC = column("When it was resolved; missing as long as it fires", optional=True)
    severity: str = column("Severity, as its label says", optional=True)
    silenced: Bool = column(
        "A silence or another alert held it back; missing where it isn't told", optional=True
    )
    summary: str = column("What it says: summary, else description, else message", optional=True)
    labels: str = column("All its labels, as JSON with sorted keys")
    withheld: Int = column("Further alerts that the sender left out of the same message", unit="alerts", ge=0)
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Alerts that were raised and resolved"
        metadata: ClassVar[Meta] = {
            "source": "Alertmanager and Grafana webhooks, Alertmanager's API, Grafana's history of states, Argo CD's notifications",
            "stage": "normalised",
            "time": "at",
        }
        unique: ClassVar[list[str]] = [
            "cluster",
            "origin",
            "alert",
            "fingerprint",
            "labels",
            "status",
            "at",
            "starts_at",
        ]


class MetricSamples(Table):
    """Samples of time series, as Prometheus answered a query or dumped them."""

    cluster: str = column("Cluster that the source belongs to", optional=True)
    metric: str = column("Name of the metric; empty for the value of an expression")
    labels: str = column("All other labels, as JSON with sorted keys")
    at: UTC = column("When it was so")
    value: Float = column("Value; missing when it is no finite number", optional=True)
    special: str = column("NaN, +Inf or -Inf when the value is no finite number", optional=True)
    partial: Bool = column("The answer warns: series or samples may be missing from it")
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Samples of metrics"
        metadata: ClassVar[Meta] = {
            "source": "answers of Prometheus to query_range and query, dumps of it, OpenMetrics with times",
            "stage": "normalised",
            "time": "at",
        }
        unique: ClassVar[list[str]] = ["cluster", "metric", "labels", "at"]


class Silences(Table):
    """Silences of Alertmanager: who held back which alerts, from when until when."""

    cluster: str = column("Cluster that the source belongs to", optional=True)
    silence: str = column("Id of the silence")
    state: str = column("active, pending or expired", isin=["active", "pending", "expired"])
    created_by: str = column("Who made it, as they wrote it")
    comment: str = column("Why, as they wrote it", optional=True)
    starts_at: UTC = column("When it begins")
    ends_at: UTC = column("When it ends")
    updated_at: UTC = column("When it was last changed")
    matchers: str = column("Which alerts it holds back, as JSON: name, operator and value of labels, sorted")
    evidence: str = column(_EVIDENCE)
    line: Int = column(_LINE, ge=1)

    class Config:
        title = "Silences of alerts"
        metadata: ClassVar[Meta] = {
            "source": "Alertmanager's API: silences",
            "stage": "normalised",
        }
        unique: ClassVar[list[str]] = ["cluster", "silence", "state", "updated_at", "starts_at", "ends_at"]
