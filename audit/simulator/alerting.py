"""What Alertmanager and Grafana told of incidents: most in time, some too late, some never; and who ran out of memory.

CLU-08: each incident without an alert in time. STR-02: a quarter in which nobody heard of Grafana.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from audit.simulator.keeping import quarters
from audit.simulator.world import Incident, World, quarter_of, stamp

SOURCE, METRICS = "alerts", "metrics"
SETTINGS = 'tools = ["github", "argocd or flux", "kustomize or helm", "gatekeeper", "vault", "alertmanager", "grafana"]\n'
LIMIT, _SKEW = timedelta(minutes=15), timedelta(seconds=300)
_NAMES = {
    "drift": "ArgoAppOutOfSync",
    "failure": "ArgoSyncFailed",
    "resources": "PodOOMKilled",
    "vulnerability": "ImageVulnerable",
}
_METRIC = "kube_pod_container_status_terminated_reason"

Alert = tuple[datetime, Incident]


def tell(world: World) -> None:
    """Writes the sources `alerts` and `metrics`, when all other systems acted."""
    rng = world.dice("alerting")
    world.incidents.extend(_exhausted(world, rng))
    spans = list(quarters(world))
    dark = rng.choice(spans)  # the quarter without Grafana
    alerts: list[Alert] = []
    for incident in sorted(world.incidents, key=lambda one: (one.begin, one.subject)):
        chance = rng.random()
        delay = rng.randint(20, 600) if chance < 0.85 else rng.randint(901, 5400)
        at = incident.begin + timedelta(seconds=delay)
        silent = _by_grafana(incident) and dark[0] <= at < dark[1]
        if chance < 0.93 and at < world.end and not silent:
            alerts.append((at, incident))
    _write(world, alerts, dark, rng)
    for incident in world.incidents:
        for start, end in spans:
            if start <= incident.begin < end and not _answered(incident, alerts):
                world.truth.violation(
                    "CLU-08",
                    incident.subject,
                    incident.begin,
                    why="no alert in time",
                    quarter=quarter_of(start),
                )
    world.truth.violation(
        "STR-02", "tool:grafana", dark[0], why="Grafana told nothing", quarter=quarter_of(dark[0])
    )


def _by_grafana(incident: Incident) -> bool:
    return incident.kind == "vulnerability"


def _answered(incident: Incident, alerts: list[Alert]) -> bool:
    """Whether any alert of the kind, on the same thing, came in time."""
    return any(
        (told.kind, told.cluster, told.name) == (incident.kind, incident.cluster, incident.name)
        and -_SKEW <= at - incident.begin <= LIMIT
        for at, told in alerts
    )


def _exhausted(world: World, rng: random.Random) -> list[Incident]:
    """Pods that were killed for want of memory; writes the samples of metrics that tell of it."""
    found = []
    for cluster in world.environments:
        for start, end in quarters(world):
            series = []
            for _ in range(rng.randint(1, 3)):
                pod = f"{rng.choice(world.apps)}-{rng.getrandbits(40):010x}"
                at = start + timedelta(
                    seconds=rng.randrange(int((end - start).total_seconds()) // 300 - 2) * 300
                )
                begin = at + timedelta(seconds=300)
                labels = {
                    "__name__": _METRIC,
                    "namespace": pod.rsplit("-", 1)[0],
                    "pod": pod,
                    "reason": "OOMKilled",
                }
                values = [(at, "0"), (begin, "1"), (begin + timedelta(seconds=300), "1")]
                series.append(
                    {
                        "metric": labels,
                        "values": [[int(moment.timestamp()), value] for moment, value in values],
                    }
                )
                subject = f"resources:{cluster}/{pod}:OOMKilled@{stamp(begin)}"
                found.append(Incident("resources", subject, cluster, pod, begin))
            answer = {"status": "success", "data": {"resultType": "matrix", "result": series}}
            key = f"{start:%Y-%m}/terminated.json"
            world.evidence.lines(f"{cluster}-{METRICS}", key, [answer], compress=False)
    return found


def _write(world: World, alerts: list[Alert], dark: tuple[datetime, datetime], rng: random.Random) -> None:
    """An object for each day with messages; every week both say that they are there."""
    days: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for at, incident in alerts:
        label = {"drift": "name", "failure": "name", "resources": "pod", "vulnerability": "image"}[
            incident.kind
        ]
        labels = {"alertname": _NAMES[incident.kind], "severity": "warning", label: incident.name}
        if incident.cluster is not None:
            labels["cluster"] = incident.cluster
        days[f"{at:%Y/%m/%d}"].append(_message(labels, at, grafana=_by_grafana(incident)))
    at = world.start + timedelta(seconds=rng.randint(60, 86400))
    while at < world.end:
        days[f"{at:%Y/%m/%d}"].append(_message({"alertname": "Watchdog"}, at, grafana=False))
        if not dark[0] <= at < dark[1]:
            days[f"{at:%Y/%m/%d}"].append(_message({"alertname": "Watchdog"}, at, grafana=True))
        at += timedelta(days=7)
    for day, messages in sorted(days.items()):
        world.evidence.lines(SOURCE, f"{day}/messages.json.gz", messages)


def _message(labels: dict[str, str], at: datetime, *, grafana: bool) -> dict[str, Any]:
    """A webhook's message about one alert that began to fire."""
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": f"{labels['alertname']} fires"},
        "startsAt": stamp(at),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": hashlib.sha256(repr(sorted(labels.items())).encode()).hexdigest()[:16],
    }
    return {
        "receiver": "platform",
        "status": "firing",
        **({"orgId": 1} if grafana else {"version": "4"}),
        "groupKey": f'{{}}:{{alertname="{labels["alertname"]}"}}',
        "groupLabels": {"alertname": labels["alertname"]},
        "commonLabels": labels,
        "commonAnnotations": {},
        "externalURL": "",
        "truncatedAlerts": 0,
        "alerts": [alert],
    }
