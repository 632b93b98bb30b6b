"""Every change that a production deployment carried passed CHG-01 to CHG-05.

## Why
This is where a change that skipped review takes effect. It also says how far it reached: which applications and
environments carry it.

## Evidence
All that CHG-01 to CHG-05 rest on; deployments as Argo CD and Flux recorded them; which landings each carried, from
mainline positions of successive successful deployments of one application and the landings that touch it.

## Limits
A change counts in the quarter in which production deployed it, whenever it landed. What the first deployment on
record carried can't be told, for want of one before it; nor what a deployment carried to which neither the build graph
nor a path rule ties any change; each is named, as is a failed change of manifests that reaches nothing known. What CHG-01 to CHG-05 can't tell for lack of evidence
can't be told here either.

## Remediation
Have the change reviewed now, while it runs; revert it if it does not hold up.
"""

from __future__ import annotations

import pandas as pd

from audit.controls import chg_01, chg_02, chg_03, chg_04, chg_05
from audit.controls.blind import unattributed
from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import GIT, PRODUCTION_OPERATORS
from audit.controls.parts import DEPLOYMENT, LANDING, commit, counted, deployment, joined, plus, pointer
from audit.model import Severity

BEFORE = (chg_01.CONTROL, chg_02.CONTROL, chg_03.CONTROL, chg_04.CONTROL, chg_05.CONTROL)

_REQUIRED = {"thresholds": {"required_checks": ["validate"]}}
_EVIDENCE = """
        evidence_objects
        | source_name | key | format                                     | cluster | collected_at |
        | forge       | 1   | github-pulls,github-reviews,github-checks  |         | 2026-10-02   |
        | operator    | 1   | argocd-application                         | prod    | 2026-10-02   |

        people
        | person |
        | ada    |
"""

EXAMPLES = (
    Example(
        title="an approved change in production passes",
        given=_EVIDENCE
        + """
        landings
        | head_sha | kind  | pr_number | landed_at        |
        | a1…      | merge | 7         | 2026-06-20 10:00 |

        changes
        | head_sha | pr_number | approvals_before | approvals_standing | approvals_independent | approvals_covering |
        | a1…      | 7         | 1                | 1                  | 1                     | 1                  |

        deployments
        | application | started_at       | status    |
        | argocd/web  | 2026-07-01 00:00 | succeeded |

        deployment_landings
        | application | started_at       | head_sha | app | environment |
        | argocd/web  | 2026-07-01 00:00 | a1…      | web | prod        |
        """,
        settings=_REQUIRED,
        conclusion="effective",
    ),
    Example(
        title="a direct push of the quarter before fails once it is deployed in this one",
        given=_EVIDENCE
        + """
        landings
        | head_sha | kind   | landed_at        |
        | a1…      | direct | 2026-06-20 10:00 |

        deployments
        | application | started_at       | status    |
        | argocd/web  | 2026-07-01 00:00 | succeeded |
        | argocd/api  | 2026-07-02 00:00 | succeeded |
        | argocd/test | 2026-07-02 00:00 | succeeded |

        deployment_landings
        | application | started_at       | head_sha | app | environment |
        | argocd/web  | 2026-07-01 00:00 | a1…      | web | prod        |
        | argocd/api  | 2026-07-02 00:00 | a1…      | api | prod        |
        | argocd/test | 2026-07-02 00:00 | a1…      | web | test        |
        """,
        settings=_REQUIRED,
        conclusion="exceptions",
        exceptions="""
        | subject                  | found |
        | netbpf/netbpf-gitops@a1… | CHG-01: 1 commit pushed to the default branch: no pull request holds it; carried to production by 2 deployments: prod/argocd/api@2026-07-02T00:00:00Z, prod/argocd/web@2026-07-01T00:00:00Z |
        """,
    ),
    Example(
        title="without the forge's reviews nobody knows whether what was deployed was approved",
        given="""
        evidence_objects
        | source_name | key | format                     | cluster | collected_at |
        | forge       | 1   | github-pulls,github-checks |         | 2026-10-02   |
        | operator    | 1   | argocd-application         | prod    | 2026-10-02   |

        changes
        | head_sha | pr_number |
        | a1…      | 7         |

        deployments
        | application | started_at       | status    |
        | argocd/web  | 2026-07-01 00:00 | succeeded |

        deployment_landings
        | application | started_at       | head_sha | app | environment |
        | argocd/web  | 2026-07-01 00:00 | a1…      | web | prod        |
        """,
        settings=_REQUIRED,
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every landing that successful production deployments of the quarter carried; those that failed before fail."""
    carried = _carried(tables, context)
    population = carried.groupby(LANDING, sort=True)["started_at"].min().rename("at").reset_index()
    population["subject"] = commit(population)
    failed, gaps = _failed_before(tables, context)
    rows = population.merge(failed, on=LANDING)
    for column, separator in (("cluster", ","), ("environment", ","), ("app", ","), ("deployment", ", ")):
        rows = rows.merge(joined(carried, LANDING, column, separator).reset_index(), on=LANDING, how="left")
    rows = rows.merge(joined(carried, LANDING, "pointer", " ").reset_index(), on=LANDING, how="left")
    count = rows["deployment"].str.count("@").astype("int64")
    reach = "; carried to production by " + counted(count, "deployment") + ": " + rows["deployment"]
    return Result(
        population,
        failures(
            rows,
            expected="every change in production passed CHG-01 to CHG-05",
            found=rows["found"] + reach,
            evidence=plus(rows["evidence"], rows["pointer"]),
        ),
        (*gaps, *unattributed(tables, context, failed)),
    )


def _carried(tables: Tables, context: Context) -> pd.DataFrame:
    """Landings in successful production deployments of the quarter, one row for each deployment that carried them."""
    done = tables["deployments"][tables["deployments"]["status"].eq("succeeded")]
    done = done.assign(deployment=deployment(done), pointer=pointer(done))
    carried = tables["deployment_landings"]
    production = carried["environment"].isin(context.settings.production)
    inside = context.holds(carried["started_at"])
    return carried[production & inside].merge(done[[*DEPLOYMENT, "deployment", "pointer"]], on=DEPLOYMENT)


def _failed_before(tables: Tables, context: Context) -> tuple[pd.DataFrame, tuple[Gap, ...]]:
    """Landings of all times that fail CHG-01 to CHG-05: what was found, who did it and pointers; and the gaps."""
    parts: list[pd.DataFrame] = []
    gaps: list[Gap] = []
    for control in BEFORE:
        result = control.judge(tables, context)
        gaps.extend(Gap(f"{control.id}: {gap.text}") for gap in result.gaps)
        landings = result.population[["subject", *LANDING]]
        opened = result.exceptions[result.exceptions["waiver"].isna()]
        failed = opened.drop(columns=["repo", "waiver"]).merge(landings, on="subject")
        parts.append(failed.assign(found=control.id + ": " + failed["found"]))
    every = pd.concat(parts, ignore_index=True)
    who = every.groupby(LANDING, sort=True)[["person", "person_raw"]].first().reset_index()
    found = joined(every, LANDING, "found", "; ").reset_index()
    pointers = (
        every.assign(evidence=every["evidence"].str.split(" "))
        .explode("evidence")
        .astype({"evidence": "str"})
    )
    evidence = joined(pointers, LANDING, "evidence", " ").reset_index()
    return who.merge(found, on=LANDING).merge(evidence, on=LANDING), tuple(gaps)


CONTROL = Control(
    id="DEP-04",
    page=__doc__,
    clause="Workflow › Promotion › Changes are automatically deployed to the target environment",
    severity=Severity.CRITICAL,
    frameworks={
        "SOC 2": ("CC8.1",),
        "ISO 27001": ("8.32", "8.19", "8.31"),
        "NIST 800-53": ("CM-3", "SA-10"),
        "PCI DSS": ("6.5.1",),
        "CIS / SLSA": ("S 5.1.2", "S 5.2.1"),
    },
    needs=(GIT, PRODUCTION_OPERATORS),
    remediation="Have the change reviewed now, while it runs in production, and revert it if it does not hold up.",
    examples=EXAMPLES,
    test=test,
)
