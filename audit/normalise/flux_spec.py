"""What a Kustomization or HelmRelease of Flux is set to."""

from __future__ import annotations

import json
from datetime import datetime

import msgspec

from audit.normalise.interface import Row
from audit.normalise.jsonformat import Id


class Metadata(msgspec.Struct):
    """Of the object's metadata, what counts."""

    name: str
    namespace: str = ""
    generation: Id | None = None


class SourceRef(msgspec.Struct):
    """The source that it deploys."""

    kind: str | None = None
    name: str | None = None
    namespace: str | None = None


class ChartSpec(msgspec.Struct):
    """The chart that it deploys."""

    chart: str | None = None
    version: str | None = None
    sourceRef: SourceRef | None = None


class Chart(msgspec.Struct):
    """Template of a chart."""

    spec: ChartSpec | None = None


class Ignored(msgspec.Struct):
    """Drift that it ignores: the paths of fields, never their values."""

    paths: list[str] | None = None
    target: dict[str, str] | None = None


class Drift(msgspec.Struct):
    """How drift is detected."""

    mode: str | None = None
    ignore: list[Ignored] | None = None


class Upgrade(msgspec.Struct):
    """How it is upgraded."""

    force: bool | None = None


class SecretRef(msgspec.Struct):
    """The secret that holds the way into another cluster."""

    name: str | None = None


class KubeConfig(msgspec.Struct):
    """Another cluster to deploy to."""

    secretRef: SecretRef | None = None


class Spec(msgspec.Struct):
    """The spec; what is not needed, such as the values of a chart, is not decoded."""

    suspend: bool | None = None
    path: str | None = None
    targetNamespace: str | None = None
    sourceRef: SourceRef | None = None
    chart: Chart | None = None
    chartRef: SourceRef | None = None
    interval: str | None = None
    prune: bool | None = None
    force: bool | None = None
    driftDetection: Drift | None = None
    upgrade: Upgrade | None = None
    kubeConfig: KubeConfig | None = None

    def reference(self) -> SourceRef | None:
        """The source that it names."""
        chart = self.chart.spec if self.chart is not None else None
        return self.sourceRef or self.chartRef or (chart.sourceRef if chart is not None else None)

    def version(self) -> str | None:
        """The version of the chart that is followed."""
        return self.chart.spec.version if self.chart is not None and self.chart.spec is not None else None


def settings(
    kind: str, metadata: Metadata, spec: Spec, *, cluster: str, app: str, at: datetime | None
) -> Row:
    """The row of `app_settings` for a Kustomization or HelmRelease.

    A Kustomization applies its whole content at each interval; a HelmRelease mends drift where it is told to.
    """
    active, chart = not spec.suspend, kind == "HelmRelease"
    drift, upgrade = spec.driftDetection or Drift(), spec.upgrade or Upgrade()
    source = spec.reference() or SourceRef()
    other = spec.kubeConfig.secretRef if spec.kubeConfig is not None else None
    mode = drift.mode or "disabled"
    named = (
        f"{source.kind or ''}/{source.namespace or metadata.namespace}/{source.name}" if source.name else ""
    )
    return {
        "cluster": cluster,
        "app": app,
        "observed_at": at,
        "operator": "flux",
        "object_kind": kind,
        "project": None,
        "automated": active,
        "prune": None if chart else spec.prune is True,
        "self_heal": active and (not chart or mode == "enabled"),
        "allow_empty": None,
        "suspended": not active,
        "interval": spec.interval or None,
        "drift_detection": mode if chart else None,
        "force": (upgrade.force if chart else spec.force) is True,
        "repos": named,
        "destination": f"secret {other.name}" if other is not None and other.name else "",
        "namespace": spec.targetNamespace or "",
        "ignored": _ignored(drift.ignore),
        "sync_options": "",
        "generation": metadata.generation,
    }


def _ignored(listed: list[Ignored] | None) -> str:
    told = [{"paths": each.paths or [], "target": each.target or {}} for each in listed or ()]
    return json.dumps(told, sort_keys=True, ensure_ascii=False) if told else ""
