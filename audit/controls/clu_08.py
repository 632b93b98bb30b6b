"""Each drift, failed deployment, constraint of resources and vulnerability raised an alert in time.

## Why
What nobody is told of lasts until somebody looks.

## Evidence
Drift as CLU-04 tests it, failed syncs as CLU-05 does, fixable vulnerabilities as SCN-02 does, and pods that were killed
for want of memory or evicted, by samples of metrics (`alerting.resource_metrics`); alerts as Alertmanager's and Grafana's
messages tell them, and notifications of Argo CD, by the trigger that sent them, unless sending failed. An alert answers an incident when its name is one of the incident's kind (`alerting.drift`, `failure`,
`resources`, `vulnerability`), one of its labels names the application, image or pod, its label `cluster` (or its source)
is the incident's cluster, and it began to fire no later than `alerting.minutes` (or its environment's `alert_minutes`) after the incident, exactly then
included, and no sooner than `thresholds.clock_skew_seconds` before it.

## Limits
Drift that was mended within that time needs no alert. What concerns several environments has the shortest of theirs. Whether somebody read the alert is not known. An alert that
a silence held back told nobody, and counts for nothing. What fired before the incident and still does is not its alert.
An incident without an alert in time is neither an exception nor passed where records of alerts are missing for any of the time
in which it may have begun to fire: it is told as a gap.

## Remediation
Write the rule that would have told of it, and send it to somebody who is there.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd

from audit.controls.fresh import unrecorded
from audit.controls.incidents import incidents
from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import ALERTS, METRICS, OPERATORS, SCANS
from audit.controls.parts import few, lasting, when
from audit.model import Severity

_WEB = """
        evidence_objects
        | source_name | key | format                          | cluster | collected_at |
        | operator    | 1   | argocd-application,argocd-event | prod    | 2026-10-02   |
        | alerts      | 1   | alertmanager                    |         | 2026-10-02   |
        | scans       | 1   | trivy-json                      |         | 2026-10-02   |
        | metrics     | 1   | prometheus-query                |         | 2026-10-02   |

        coverage
        | source_name | cluster | format       | hour       | first_at   | last_at    |
        | operator    | prod    | argocd-event | 2026-07-01 | 2026-07-01 | 2026-10-01 |
        | alerts      |         | alertmanager | 2026-07-01 | 2026-07-01 | 2026-10-01 |

        deployments
        | application | app | started_at          | finished_at         | status    |
        | argocd/web  | web | 2026-08-01 09:59:00 | 2026-08-01 10:00:00 | failed    |
        | argocd/web  | web | 2026-08-01 11:00:00 | 2026-08-01 11:05:00 | succeeded |

        app_states
        | application | aspect | state  | start            | end |
        | argocd/web  | sync   | Synced | 2026-06-01 00:00 |     |
"""
_ALERTS = """
        alerts
        | alert | cluster | labels | status | silenced | at | starts_at |
"""
_VULNERABLE = """
        landings
        | head_sha | position | landed_at        |
        | a0…      | 0        | 2026-06-01 00:00 |
        image_changes
        | head_sha | position | app | environment | image       | before | after | landed_at        |
        | a1…      | 1        | web | prod        | ghcr.io/web |        | 1.0.0 | 2026-07-10 00:00 |
        scans
        | scan | scanner | artifact          | at                  |
        | s1   | trivy   | ghcr.io/web:1.0.0 | 2026-09-30 00:00:00 |
        vulnerabilities
        | scan | scanner | vulnerability | package | severity | fixable | fixed_version | suppressed | evidence |
        | s1   | trivy   | CVE-2026-0001 | openssl | critical | true    | 3.0.9         | false      | 1        |
"""
_SILENCES = """
        evidence_gaps
        | source_name | cluster | format       | kind    | start               | end                 | detail   | missing |
"""

EXAMPLES = (
    Example(
        title="a failed sync whose alert comes at the last moment passes",
        given=_WEB
        + _ALERTS
        + '        | ArgoSyncFailed | prod | {"name":"web"} | firing | | 2026-08-01 10:15:00 | 2026-08-01 10:15:00 |\n',
        conclusion="effective",
    ),
    Example(
        title="Argo CD's own notification is an alert, by its trigger; one that could not be delivered is none",
        given=_WEB
        + """
        alerts
        | alert          | origin | cluster | labels                               | status | at               | line |
        | on-sync-failed | argocd | prod    | {"name":"web","recipient":"deploys"} | firing | 2026-08-01 10:01 | 1    |
        | on-sync-failed | argocd | prod    | {"name":"web","recipient":"others"}  | firing | 2026-08-01 10:01 | 2    |
        | notification   | argocd | prod    | {"name":"web","recipient":"others"}  | error  | 2026-08-01 10:01 | 3    |
        """,
        conclusion="effective",
    ),
    Example(
        title="a notification that was not delivered, and no other",
        given=_WEB
        + """
        alerts
        | alert          | origin | cluster | labels                              | status | at               | line |
        | on-sync-failed | argocd | prod    | {"name":"web","recipient":"others"} | firing | 2026-08-01 10:01 | 2    |
        | notification   | argocd | prod    | {"name":"web","recipient":"others"} | error  | 2026-08-01 10:02 | 1    |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject |
        | failure:prod/argocd/web@2026-08-01T09:59:00Z |
        """,
    ),
    Example(
        title="a second later fails; an alert of another cluster, application or kind, or one held back, is none",
        given=_WEB
        + _ALERTS
        + """
        | ArgoSyncFailed | prod | {"name":"web"}  | firing   |      | 2026-08-01 10:15:01 | 2026-08-01 10:15:01 |
        | ArgoSyncFailed | prod | {"name":"web"}  | firing   |      | 2026-08-01 09:54:59 | 2026-08-01 09:54:59 |
        | ArgoSyncFailed | dev  | {"name":"web"}  | firing   |      | 2026-08-01 10:01:00 | 2026-08-01 10:01:00 |
        | ArgoSyncFailed | prod | {"name":"shop"} | firing   |      | 2026-08-01 10:01:00 | 2026-08-01 10:01:00 |
        | ArgoOutOfSync  | prod | {"name":"web"}  | firing   |      | 2026-08-01 10:01:00 | 2026-08-01 10:01:00 |
        | ArgoSyncFailed | prod | {"name":"web"}  | firing   | true | 2026-08-01 10:01:00 | 2026-08-01 10:01:00 |
        """.strip("\n"),
        conclusion="exceptions",
        exceptions="""
        | subject | found |
        | failure:prod/argocd/web@2026-08-01T09:59:00Z | it raised no alert in time; the next one came after 15 min |
        """,
    ),
    Example(
        title="an environment may have a limit of its own, for alerts and for drift that needs none",
        given=_WEB.replace("| 2026-06-01 00:00 |     |", "| 2026-06-01 00:00 |     |\n        | argocd/api  | sync   | OutOfSync | 2026-08-02 00:00 | 2026-08-02 00:16 |")
        + _ALERTS
        + '        | ArgoSyncFailed | prod | {"name":"web"} | firing | | 2026-08-01 10:16:00 | 2026-08-01 10:16:00 |\n',
        settings={"environments": {"prod": {"alert_minutes": 16}}},
        conclusion="effective",
    ),
    Example(
        title="an alert a day later is told, for it may have been meant for it",
        given=_WEB
        + _ALERTS
        + '        | ArgoSyncFailed | prod | {"name":"web"} | firing | | 2026-08-02 10:00:00 | 2026-08-02 10:00:00 |\n',
        conclusion="exceptions",
        exceptions="""
        | subject | found |
        | failure:prod/argocd/web@2026-08-01T09:59:00Z | it raised no alert in time; the next one came after 24 h |
        """,
    ),
    Example(
        title="an alert that began within the clocks' difference before it is its own; a message that it ended tells it too",
        given=_WEB
        + _ALERTS
        + '        | ArgoSyncFailed | prod | {"name":"argocd/web"} | resolved | | 2026-08-01 11:00:00 | 2026-08-01 09:55:00 |\n',
        conclusion="effective",
    ),
    Example(
        title="drift over the limit, a pod that was killed and a vulnerability need alerts, too; drift that was mended sooner does not",
        given=_WEB.replace("| failed    |", "| succeeded |").replace(
            "| argocd/web  | sync   | Synced | 2026-06-01 00:00 |     |",
            "| argocd/web  | sync   | OutOfSync | 2026-08-02 00:00:00 | 2026-08-02 00:15:00 |\n"
            "        | argocd/web  | sync   | OutOfSync | 2026-08-03 00:00:00 | 2026-08-03 00:15:01 |",
        ).replace("| status    |", "| status    | position | repo |").replace(
            "| succeeded |", "| succeeded | 1 | netbpf/netbpf-gitops |"
        )
        + """
        metric_samples
        | cluster | metric                                      | labels                             | at               | value |
        | prod    | kube_pod_container_status_terminated_reason | {"pod":"a","reason":"OOMKilled"}   | 2026-08-04 00:00 | 0     |
        | prod    | kube_pod_container_status_terminated_reason | {"pod":"a","reason":"OOMKilled"}   | 2026-08-04 00:05 | 1     |
        | prod    | kube_pod_container_status_terminated_reason | {"pod":"a","reason":"OOMKilled"}   | 2026-08-04 00:10 | 1     |
        | prod    | kube_pod_container_status_terminated_reason | {"pod":"b","reason":"Completed"}   | 2026-08-04 00:10 | 1     |

        """
        + _VULNERABLE,
        conclusion="exceptions",
        exceptions="""
        | subject |
        | drift:prod/argocd/web:sync@2026-08-03T00:00:00Z |
        | resources:prod/a:OOMKilled@2026-08-04T00:05:00Z |
        | vulnerability:ghcr.io/web:1.0.0:CVE-2026-0001/openssl |
        """,
    ),
    Example(
        title="an alert that was due in a silence of the records may have been sent: at its end, or at its beginning",
        given=_WEB
        + _SILENCES
        + """
        | alerts | | alertmanager | silence | 2026-08-01 10:14:59 | 2026-08-02 00:00:00 | nothing | true |
        """.strip("\n"),
        conclusion="not tested",
    ),
    Example(
        title="so it may in a silence of the cluster's own records, and one that came too late may not be the first",
        given=_WEB
        + _ALERTS
        + '        | ArgoSyncFailed | prod | {"name":"web"} | firing | | 2026-08-01 10:15:01 | 2026-08-01 10:15:01 |\n'
        + _SILENCES
        + """
        | alerts | prod | grafana-history | silence | 2026-07-31 10:00:00 | 2026-08-01 09:55:01 | nothing | true |
        """.strip("\n"),
        conclusion="not tested",
    ),
    Example(
        title="silences before and after it could have come, of another cluster, or of what is no alert, excuse nothing",
        given=_WEB
        + _SILENCES
        + """
        | alerts | prod | alertmanager | silence | 2026-07-31 10:00:00 | 2026-08-01 09:55:00 | nothing | true  |
        | alerts | prod | alertmanager | silence | 2026-08-01 10:15:00 | 2026-08-02 00:00:00 | nothing | true  |
        | alerts | dev  | alertmanager | silence | 2026-07-31 10:00:00 | 2026-08-02 00:00:00 | nothing | true  |
        | alerts | prod | alertmanager | late    | 2026-07-31 10:00:00 | 2026-08-02 00:00:00 | late    | false |
        | scans  | prod | trivy-json   | silence | 2026-07-31 10:00:00 | 2026-08-02 00:00:00 | nothing | true  |
        """.strip("\n"),
        conclusion="exceptions",
        exceptions="""
        | subject |
        | failure:prod/argocd/web@2026-08-01T09:59:00Z |
        """,
    ),
    Example(
        title="what concerns no cluster may have raised an alert of any",
        given=_WEB.replace("| failed    |", "| succeeded |")
        + _VULNERABLE
        + _SILENCES
        + """
        | alerts | dev | alertmanager | silence | 2026-06-30 10:00:00 | 2026-10-01 00:00:00 | nothing | true |
        """.strip("\n"),
        conclusion="not tested",
    ),
    Example(
        title="records of alerts that were collected before one was due tell nothing of it",
        given=_WEB.replace(
            "| alerts      | 1   | alertmanager                    |         | 2026-10-02   |",
            "| alerts      | 1   | alertmanager                    |         | 2026-08-01   |",
        ).replace("2026-08-01 09:59:00 | 2026-08-01 10:00:00", "2026-07-31 23:59:00 | 2026-08-01 00:00:00"),
        conclusion="not tested",
    ),
    Example(
        title="without records of alerts nothing tells who was alerted",
        given="",
        without=("alerts",),
        conclusion="not tested",
    ),
)  # fmt: skip


def test(tables: Tables, context: Context) -> Result:
    """Every incident whose alert is due; those without one in time fail."""
    rows = incidents(tables, context)
    due = rows["start"] + rows["within"] < pd.Timestamp(context.as_of)
    rows = rows[due].reset_index(drop=True).assign(at=lambda each: each["start"])
    next_one = _next_alert(rows, tables["alerts"], context)
    late = (next_one.isna() | (next_one > rows["within"])).astype(bool)
    unheard = late & _unheard(rows, tables, context)
    failing = late & ~unheard
    bad, after = rows[failing].reset_index(drop=True), next_one[failing].reset_index(drop=True)
    after = after.where(after <= pd.Timedelta(days=1))
    minutes = (bad["within"].dt.total_seconds() // 60).astype("int64")
    came = ("; the next one came after " + lasting(after)).where(after.notna(), "")
    failed = failures(
        bad,
        expected="an alert within " + minutes.astype("str") + " min of " + when(bad["start"]),
        found="it raised no alert in time" + came,
        evidence=bad["evidence"].fillna(""),
    )
    names = rows.loc[unheard & context.holds(rows["at"]), "subject"]
    text = (
        f"{names.nunique()} incidents may have raised alerts of which the records are missing: {few(names)}"
    )
    return Result(rows[~unheard].reset_index(drop=True), failed, (Gap(text),) if len(names) else ())


def _unheard(rows: pd.DataFrame, tables: Tables, context: Context) -> pd.Series:
    """Which incidents may have raised an alert in time while the records of alerts are missing (bool)."""
    skew = pd.Timedelta(seconds=context.settings.thresholds.clock_skew_seconds)
    first, last = rows["start"] - skew, rows["start"] + rows["within"]
    unheard = pd.Series(False, index=rows.index)
    for span in unrecorded(tables, ALERTS.formats, context):
        meanwhile = (last > span.after) & (first < span.until)
        if span.cluster is not None:
            meanwhile &= (
                (rows["cluster"].isna() | rows["cluster"].eq(span.cluster)).fillna(False).astype(bool)
            )
        unheard |= meanwhile
    return unheard


def _next_alert(rows: pd.DataFrame, alerts: pd.DataFrame, context: Context) -> pd.Series:
    """How long after the start of each incident its first alert began (timedelta; missing where none did)."""
    rules = context.settings.alerting
    told = alerts[
        alerts["status"].isin(["firing", "resolved"]) & ~alerts["silenced"].fillna(False).astype(bool)
    ]
    told = told[~told.index.isin(_unsent(alerts))]
    told = told.assign(fired=told["starts_at"].fillna(told["at"]))
    kinds = [
        told.loc[told["alert"].str.fullmatch(getattr(rules, kind)).astype(bool)].assign(kind=kind)
        for kind in ("drift", "failure", "resources", "vulnerability")
    ]
    every = pd.concat(kinds, ignore_index=True)
    said = {
        text: sorted({str(value) for value in json.loads(text).values()}) for text in every["labels"].unique()
    }
    every = every.assign(name=every["labels"].map(said)).explode("name")[["kind", "name", "cluster", "fired"]]
    asked = rows[["kind", "names", "cluster", "start"]].assign(number=rows.index).explode("names")
    asked = asked.rename(columns={"names": "name"})
    both = asked.astype({"name": "str"}).merge(
        every.astype({"name": "str"}), on=["kind", "name"], suffixes=("", "_told")
    )
    same = both["cluster"].isna() | both["cluster"].eq(both["cluster_told"]).fillna(False).astype(bool)
    skew = pd.Timedelta(seconds=context.settings.thresholds.clock_skew_seconds)
    both = both[same & (both["fired"] >= both["start"] - skew)]
    first = (both["fired"] - both["start"]).groupby(both["number"]).min()
    return first.reindex(rows.index)


def _unsent(alerts: pd.DataFrame) -> pd.Index:
    """Notifications of Argo CD that were not delivered: what it says next to that recipient, of that application, is so."""
    rows = alerts[alerts["origin"].eq("argocd")].sort_values(["at", "evidence", "line"], kind="stable")
    after = rows.groupby(["cluster", "labels"], dropna=False)["status"].shift(-1)
    return rows.index[after.eq("error").fillna(False).astype(bool)]


CONTROL = Control(
    id="CLU-08",
    page=__doc__,
    clause="Monitoring and Observability › Alerting",
    severity=Severity.MEDIUM,
    frameworks={
        "SOC 2": ("CC7.2", "CC8.1"),
        "ISO 27001": ("8.16", "8.32"),
        "NIST 800-53": ("CM-3", "SI-4"),
        "PCI DSS": ("6.5.1",),
        "CIS / SLSA": ("S 5.2.1",),
    },
    needs=(OPERATORS, ALERTS, replace(SCANS, blind=False), METRICS),
    remediation="Write the rule that would have told of it, and send it to somebody who is there.",
    examples=EXAMPLES,
    test=test,
)
