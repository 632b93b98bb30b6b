"""Violations of policy that are found in what runs are closed in the set time.

## Why
A rule refuses what is new; what ran before it came, or came while it was relaxed, stays until somebody mends it. The
audit of the engine finds it, run after run.

## Evidence
Gatekeeper's audit, from its log, its export and the state of its constraints, and policy reports of any engine: each
violation from the run that first saw it to the run that last did. One that the quarter's last run still shows is open
at the quarter's end.

## Limits
`policies.critical_days`, `high_days`, `medium_days` and `low_days` say how long a violation may stay open; exactly as
long is in time. Its severity is that of `policies.severities`, else the engine's, else medium: Gatekeeper tells none. A
violation counts in every quarter in which it was over its limit. When it began and ended between two runs is not
known: what is certain counts, from the first sighting to the last. Runs of the audit that find nothing leave no rows;
that they took place is told by the hours in which the log has records. A constraint's state lists a limited number of
violations (20 unless told otherwise): where it counts more than are on record of the same run, from the log too, that is a gap. So is
a policy report whose summary counts more results that do not pass than it lists.

## Remediation
Mend the object in Git, or bring an exemption before those who own the policy.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import POLICY_AUDITS
from audit.controls.parts import when
from audit.controls.spans import lasted, observed
from audit.joins.breaches import sightings, spans
from audit.joins.enforcement import written
from audit.model import Severity

_HEADER = """
        policy_results
        | audit_id | at | constraint_kind | constraint | resource_kind | resource_namespace | resource_name |
"""
_TAGS = "K8sDisallowedTags | tags | Pod | shop"
_REPORT = """
        policy_report_results
        | at               | policy | result | resource_kind | resource_name | evidence |
        | 2026-07-10 00:00 | signed | fail   | Pod           | a             | 1        |
        | 2026-07-20 00:00 | signed | pass   | Pod           | a             | 2        |

        policy_report_totals
        | at               | report | listed_fail | declared_fail | declared_pass | line |
"""

_SELDOM = {
    "sources": [{"name": "gatekeeper-audit-prod", "location": "file:gatekeeper", "cadence_minutes": 132_480}]
}
"""A log of which a record a quarter is enough."""

EXAMPLES = (
    Example(
        title="a violation that is last seen exactly at its limit, and then no more, passes",
        given=_HEADER
        + f"""
        | 1 | 2026-07-10 00:00 | {_TAGS} | a |
        | 2 | 2026-08-09 00:00 | {_TAGS} | a |
        | 3 | 2026-09-30 00:00 | {_TAGS} | b |
        """.strip("\n"),
        conclusion="effective",
    ),
    Example(
        title="one second longer fails, and so does one that is still open at the quarter's end",
        given=_HEADER
        + f"""
        | 1 | 2026-07-10 00:00:00 | {_TAGS} | a |
        | 2 | 2026-08-09 00:00:01 | {_TAGS} | a |
        | 2 | 2026-08-09 00:00:01 | {_TAGS} | b |
        | 3 | 2026-09-01 00:00:00 | {_TAGS} | b |
        """.strip("\n"),
        conclusion="exceptions",
        exceptions="""
        | subject | found |
        | prod/K8sDisallowedTags/tags/Pod/shop/a@2026-07-10T00:00:00Z | a violation of medium severity was open for 30 days, from 2026-07-10T00:00:00Z until 2026-08-09T00:00:01Z |
        | prod/K8sDisallowedTags/tags/Pod/shop/b@2026-08-09T00:00:01Z | a violation of medium severity was open for 52 days, from 2026-08-09T00:00:01Z and still so at 2026-10-01T00:00:00Z |
        """,
    ),
    Example(
        title="later records of the audit show that it is closed; what opens again begins anew",
        given=_HEADER
        + f"""
        | 1 | 2026-07-01 00:00 | {_TAGS} | a |
        | 2 | 2026-07-20 00:00 | {_TAGS} | b |
        | 3 | 2026-08-10 00:00 | {_TAGS} | a |

        coverage
        | source_name | cluster | format           | hour             | first_at         | last_at          |
        | gatekeeper  | prod    | gatekeeper-audit | 2026-09-30 10:00 | 2026-09-30 10:00 | 2026-09-30 10:01 |
        """.strip("\n"),
        conclusion="effective",
        settings=_SELDOM,
    ),
    Example(
        title="its severity sets the limit: that of the settings, else that of the report",
        given="""
        policy_report_results
        | at               | policy | severity | result | resource_kind | resource_name | evidence | item |
        | 2026-07-10 00:00 | signed | high     | fail   | Pod           | a             | 1        | 1    |
        | 2026-07-10 00:00 | limits | low      | fail   | Pod           | a             | 1        | 2    |
        | 2026-07-10 00:00 | owner  | low      | fail   | Pod           | a             | 1        | 3    |
        | 2026-07-24 00:00 | signed | high     | fail   | Pod           | a             | 2        | 1    |
        | 2026-07-24 00:00 | limits | low      | fail   | Pod           | a             | 2        | 2    |
        | 2026-07-24 00:00 | owner  | low      | fail   | Pod           | a             | 2        | 3    |
        | 2026-07-24 00:01 | signed | high     | fail   | Pod           | a             | 3        | 1    |
        | 2026-07-24 00:01 | limits | low      | fail   | Pod           | a             | 3        | 2    |
        | 2026-07-24 00:01 | owner  | low      | fail   | Pod           | a             | 3        | 3    |
        | 2026-09-30 00:00 | signed | high     | pass   | Pod           | a             | 4        | 1    |
        """,
        settings={"policies": {"severities": {"owner": "critical"}}},
        conclusion="exceptions",
        exceptions="""
        | subject |
        | prod/signed/Pod/a@2026-07-10T00:00:00Z |
        | prod/owner/Pod/a@2026-07-10T00:00:00Z  |
        """,
    ),
    Example(
        title="a constraint that counts more violations than it lists leaves the rest untested, unless the log has them",
        given=_HEADER
        + f"""
        | 2026-08-01T00:00:00Z | 2026-08-01 00:00 | {_TAGS} | a |
        | 2026-08-01T00:00:00Z | 2026-08-01 00:00 | {_TAGS} | b |
        | 2026-10-01T00:00:00Z | 2026-10-01 00:00 | {_TAGS} | c |

        policy_constraints
        | kind              | name | observed_at      | total_violations | line |
        | K8sDisallowedTags | tags | 2026-08-01 00:00 | 2                | 1    |
        | K8sDisallowedTags | tags | 2026-06-30 23:59 | 9                | 2    |
        | K8sDisallowedTags | tags | 2026-10-01 00:00 | 9                | 3    |

        coverage
        | source_name | cluster | format           | hour             | first_at         | last_at          |
        | gatekeeper  | prod    | gatekeeper-audit | 2026-09-30 10:00 | 2026-09-30 10:00 | 2026-09-30 10:01 |
        """.strip("\n"),
        conclusion="effective",
        settings=_SELDOM,
    ),
    Example(
        title="one more than are on record, and the rest is not tested",
        given=_HEADER
        + f"""
        | 2026-07-01T00:00:00Z | 2026-07-01 00:00 | {_TAGS} | a |
        | 2026-08-01T00:00:00Z | 2026-08-01 00:00 | {_TAGS} | b |

        policy_constraints
        | kind              | name | observed_at      | total_violations | line |
        | K8sDisallowedTags | tags | 2026-07-01 00:00 | 2                | 1    |

        coverage
        | source_name | cluster | format           | hour             | first_at         | last_at          |
        | gatekeeper  | prod    | gatekeeper-audit | 2026-09-30 10:00 | 2026-09-30 10:00 | 2026-09-30 10:01 |
        """.strip("\n"),
        conclusion="not tested",
    ),
    Example(
        title="a policy report that lists all that its summary counts as failed passes, whatever passes are left out",
        given=_REPORT
        + """
        | 2026-07-01 00:00 | a      | 1           | 1             | 90            | 1    |
        | 2026-06-30 23:59 | a      | 1           | 2             | 90            | 2    |
        | 2026-10-01 00:00 | a      | 1           | 2             | 90            | 3    |
        """.strip("\n"),
        conclusion="effective",
    ),
    Example(
        title="one that lists fewer was cut, and what it leaves out is not tested",
        given=_REPORT
        + """
        | 2026-07-01 00:00 | a      | 1           | 2             |               | 1    |
        """.strip("\n"),
        conclusion="not tested",
    ),
    Example(
        title="so is one without times, by when it was written",
        given=_REPORT
        + """
        |                  | b      | 1           | 2             |               | 1    |

        evidence_objects
        | source_name | key | format        | sha256   | last_modified    | collected_at |
        | reports     | 1   | policy-report | {sha256} | 2026-09-30 00:00 | 2026-10-02   |
        """.replace("{sha256}", "0" * 64),
        conclusion="not tested",
    ),
    Example(
        title="without audits of a cluster nothing was tested there",
        given="",
        without=("policy audits",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every violation that the quarter touches; those that were open over their limit fail."""
    rules = context.settings.policies
    seen = sightings(tables["policy_results"], tables["policy_report_results"], tables["evidence_objects"])
    rows = spans(seen, tables["coverage"], rules, context.stop)
    limits = rows["severity"].map(pd.Series(rules.limits())).astype("timedelta64[us]")
    population = observed(rows, limits, context)
    place = (population["resource_namespace"] + "/").where(population["resource_namespace"].ne(""), "")
    rule = ("/" + population["rule"]).where(population["rule"].ne(""), "")
    named = (
        population["cluster"] + "/" + population["policy"] + rule + "/" + population["resource_kind"] + "/"
    )
    of_cluster = {name: context.settings.environment_of(name) for name in population["cluster"].unique()}
    population = population.assign(
        subject=named + place + population["resource_name"] + "@" + when(population["start"]),
        environment=population["cluster"].map(of_cluster),
    )
    late = population[population["late"]].reset_index(drop=True)
    days = late["severity"].map({name: limit.days for name, limit in rules.limits().items()}).astype("str")
    return Result(
        population,
        failures(
            late,
            expected="closed within " + days + " days of the run that first saw it",
            found="a violation of " + late["severity"] + " severity was open " + lasted(late),
        ),
        (*_capped(tables, context), *_cut(tables, context)),
    )


def _capped(tables: Tables, context: Context) -> tuple[Gap, ...]:
    """A gap for each constraint of which a run of the quarter counted more violations than are on record of that run."""
    counted = tables["policy_constraints"].dropna(subset=["observed_at", "total_violations"])
    counted = counted[context.holds(counted["observed_at"])].rename(
        columns={"kind": "constraint_kind", "name": "constraint"}
    )
    counted = counted.assign(audit_id=when(counted["observed_at"]))
    by = ["cluster", "constraint_kind", "constraint", "audit_id"]
    held = tables["policy_results"].groupby(by).size().rename("held").reset_index()
    rows = counted.merge(held, on=by, how="left").fillna({"held": 0})
    rows = rows[rows["held"].lt(rows["total_violations"])].sort_values(by).drop_duplicates(by[:3])
    return tuple(
        Gap(
            f"{cluster}: {kind}/{name}: of {total} violations that its audit of {at} counted, {int(of)} are on record",
            cluster=cluster,
        )
        for cluster, kind, name, at, total, of in rows[[*by, "total_violations", "held"]].itertuples(
            index=False
        )
    )


_NOT_PASSED = ("fail", "warn", "error", "skip")


def _cut(tables: Tables, context: Context) -> tuple[Gap, ...]:
    """A gap for each policy report of the quarter that lists fewer results that do not pass than its summary counts."""
    rows = tables["policy_report_totals"]
    rows = rows.assign(at=rows["at"].fillna(written(rows["evidence"], tables["evidence_objects"])))
    rows = rows[context.holds(rows["at"])]
    counted = rows[[f"declared_{word}" for word in _NOT_PASSED]].fillna(0).sum(axis=1)
    listed = rows[[f"listed_{word}" for word in _NOT_PASSED]].sum(axis=1) + rows["unreadable"]
    by = ["cluster", "kind", "namespace", "report"]
    rows = rows.assign(counted=counted, listed=listed, written=when(rows["at"]))[counted.gt(listed)]
    rows = rows.sort_values([*by, "at"], kind="stable").drop_duplicates(by)
    name = (rows["namespace"] + "/" + rows["report"]).str.removeprefix("/")
    return tuple(
        Gap(
            f"{cluster}: {kind} {report}: of {counted} results that do not pass, which its summary counts at {at}, "
            f"{listed} are listed",
            cluster=cluster,
        )
        for cluster, kind, report, counted, at, listed in zip(
            rows["cluster"], rows["kind"], name, rows["counted"], rows["written"], rows["listed"], strict=True
        )
    )


CONTROL = Control(
    id="POL-02",
    page=__doc__,
    clause="Compliance and Auditing › Compliance Checks › OPA/Gatekeeper policy enforcement",
    severity=Severity.MEDIUM,
    frameworks={
        "SOC 2": ("CC7.1", "CC6.8"),
        "ISO 27001": ("8.9", "8.32"),
        "NIST 800-53": ("CM-6", "CM-7", "SI-4"),
        "PCI DSS": ("2.2.1",),
        "CIS / SLSA": ("K 5.2",),
    },
    needs=(POLICY_AUDITS,),
    remediation="Mend the object in Git, or bring an exemption before those who own the policy.",
    examples=EXAMPLES,
    test=test,
)
