"""Required checks had succeeded on the merged commit before every merge.

## Why
Checks find what readers miss. A check that failed, was skipped or was still running when the change was merged has
found nothing yet.

## Evidence
Check runs on the pull request's last commit, as the forge exported them. Of several runs of one check by one app, the
last that had begun before the merge counts, and is no pass while it runs. Required are the checks that the settings
name (`thresholds.required_checks`), as in `validate`, or `validate@github-actions` for those of one app.

## Limits
Which checks the forge itself required at the time is not asked: the settings say what the policy requires. What a
check looks at, its name does not prove; any app may give its checks any name, so that where several apps gave one name
the settings must say whose counts.

## Remediation
Run the checks on what was merged, and mend what they find. Require them on the default branch, for everyone.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import CHECKS, GIT, PULLS
from audit.controls.parts import changes, joined, plus, pointed, unexported
from audit.joins.reviews import required_checks
from audit.model import Severity

_REQUIRED = {"thresholds": {"required_checks": ["validate"]}}
_NONE = "0" * 64  # the object of which examples say nothing

EXAMPLES = (
    Example(
        title="no required check is wanting",
        given="""
        changes
        | pr_number | checks_wanting |
        | 7         |                |
        """,
        settings=_REQUIRED,
        conclusion="effective",
    ),
    Example(
        title="a check that failed, and one that is missing",
        given="""
        changes
        | pr_number | head_sha | pr_head_sha | checks_wanting    | line |
        | 7         | a1…      | b1…         | validate: failure | 1    |
        | 8         | a2…      | b2…         | validate: missing | 2    |

        checks
        | check_id | head_sha | name     | line |
        | 1        | b1…      | validate | 3    |
        | 2        | b1…      | lint     | 4    |
        """,
        settings=_REQUIRED,
        conclusion="exceptions",
        exceptions=f"""
        | subject                | found                                             | evidence |
        | netbpf/netbpf-gitops#7 | not succeeded before the merge: validate: failure | {_NONE}:1 netbpf/netbpf-gitops@a1… {_NONE}:3 |
        | netbpf/netbpf-gitops#8 | not succeeded before the merge: validate: missing | {_NONE}:2 netbpf/netbpf-gitops@a2… |
        """,
    ),
    Example(
        title="with no required check named there is nothing to test",
        given="""
        changes
        | pr_number |
        | 7         |
        """,
        conclusion="not tested",
    ),
    Example(
        title="two apps gave one name: whose counts can't be told",
        given="""
        changes
        | pr_number | pr_head_sha | checks_wanting |
        | 7         | a1…         |                |

        checks
        | check_id | head_sha | name     | app            |
        | 1        | a1…      | validate | github-actions |
        | 2        | a1…      | validate | mirror-app     |
        """,
        settings=_REQUIRED,
        conclusion="not tested",
    ),
    Example(
        title="without the forge's check runs nothing can be told",
        given="""
        changes
        | pr_number | checks_wanting    |
        | 7         | validate: missing |
        """,
        settings=_REQUIRED,
        without=("github-checks",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every landing with a pull request; those with a required check wanting fail."""
    required = context.settings.thresholds.required_checks
    population = changes(tables)
    rows = population[population["checks_wanting"].ne("")]
    named = required_checks(required)
    runs = tables["checks"][tables["checks"]["name"].isin(named["name"])].rename(
        columns={"head_sha": "pr_head_sha"}
    )
    rows = rows.merge(pointed(runs, ["repo", "pr_head_sha"]), on=["repo", "pr_head_sha"], how="left")
    gaps = (
        ()
        if required
        else (Gap("no required check is named in the settings (thresholds.required_checks)", True),)
    )
    return Result(
        population,
        failures(
            rows,
            expected=f"success of {', '.join(required)} on the merged commit before the merge",
            found="not succeeded before the merge: " + rows["checks_wanting"],
            evidence=plus(rows["evidence"], rows["pointers"]),
        ),
        (*gaps, *_ambiguous(population, tables, context), *unexported(tables, context)),
    )


def _ambiguous(population: pd.DataFrame, tables: Tables, context: Context) -> tuple[Gap, ...]:
    """A gap for each required check that no app is named for, and that several apps ran on changes of the quarter."""
    named = required_checks(context.settings.thresholds.required_checks)
    heads = population.loc[context.holds(population["at"]), ["repo", "pr_head_sha"]].drop_duplicates()
    runs = (
        tables["checks"].rename(columns={"head_sha": "pr_head_sha"}).merge(heads, on=["repo", "pr_head_sha"])
    )
    runs = runs.merge(named[named["wanted_app"].isna()], on="name").dropna(subset=["app"])
    apps = joined(runs, ["repo", "check"], "app", ", ").reset_index()
    return tuple(
        Gap(
            f"{repo}: several apps gave the check {check} ({names}): name the one that counts, as in {check}@app"
        )
        for repo, check, names in zip(apps["repo"], apps["check"], apps["app"], strict=True)
        if ", " in names
    )


CONTROL = Control(
    id="CHG-05",
    page=__doc__,
    clause="Workflow › Development › Pull requests pass all CI checks",
    severity=Severity.MEDIUM,
    frameworks={
        "SOC 2": ("CC8.1",),
        "ISO 27001": ("8.29", "8.32"),
        "NIST 800-53": ("CM-3(2)", "SA-11"),
        "PCI DSS": ("6.5.1",),
    },
    needs=(GIT, PULLS, CHECKS),
    remediation="Run the required checks on what was merged, mend what they find, and require them for everyone.",
    examples=EXAMPLES,
    test=test,
)
