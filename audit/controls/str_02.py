"""Every tool that the policy requires is seen in evidence of the quarter.

## Why
A tool that the policy requires and nobody uses protects nothing; where another does its work, the policy is not what is
lived by.

## Evidence
`structure.tools` names the tools, `or` between those of which one is enough. GitHub, Gatekeeper, Kyverno, Vault and
Prometheus are seen by records of the quarter; GitHub Actions by runs of workflows and its checks; Argo CD and Flux by
deployments and by the state of what they deploy; Kustomize and Helm by their files in the mainline; Grafana and
Alertmanager by the alerts that each told.

## Limits
That a tool left a trace does not say that all goes through it. A tool of which no evidence was collected at all is not
tested: that may be the collection's fault.

## Remediation
Use the tool, collect what it records, or change the policy and the setting by a reviewed change.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from audit import tables as t
from audit.controls.fresh import collected, of_formats
from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import GIT
from audit.joins.presence import arrivals
from audit.model import Severity


@dataclass(frozen=True)
class Tool:
    """How a tool is seen.

    Attributes:
        formats: formats of its records, of which at least one must have been collected; none where Git tells.
        tables: tables whose rows of the quarter show it, with a column and the value that must stand in it.
        path: files that show it, as a regular expression.
    """

    formats: tuple[str, ...] = ()
    tables: tuple[tuple[str, str, str], ...] = ()
    path: str = ""


def _operator(name: str, *formats: str) -> Tool:
    return Tool(formats, (("deployments", "operator", name), ("applications", "operator", name)))


TOOLS = {
    "github": Tool(
        (
            "github-pulls",
            "github-reviews",
            "github-activity",
            "github-audit-log",
            "github-webhook",
            "github-graphql",
        )
    ),
    "github-actions": Tool(
        ("github-workflow-runs", "github-checks"),
        (("workflow_runs", "", ""), ("checks", "app", "github-actions")),
    ),
    "argocd": _operator("argocd", "argocd-application", "argocd-event"),
    "flux": _operator("flux", "flux-object", "flux-event"),
    "kustomize": Tool(path=r"(?:^|/)[Kk]ustomization(?:\.ya?ml)?$"),
    "helm": Tool(path=r"(?:^|/)Chart\.yaml$"),
    "gatekeeper": Tool(("gatekeeper-audit", "gatekeeper-object")),
    "kyverno": Tool(("kyverno-policy",)),
    "vault": Tool(("vault-audit",)),
    "prometheus": Tool(("prometheus-query", "prometheus-text")),
    "alertmanager": Tool(("alertmanager",), (("alerts", "origin", "alertmanager"),)),
    "grafana": Tool(("alertmanager", "grafana-history"), (("alerts", "origin", "grafana"),)),
}

_FILES = """
        commits
        | sha | position |
        | a1… | 0        |
        | a2… | 1        |
        landings
        | head_sha | position | landed_at        |
        | a1…      | 0        | 2026-01-02 00:00 |
        | a2…      | 1        | 2026-07-01 00:00:00 |
        file_changes
        | sha | path                        | status |
        | a1… | apps/web/kustomization.yaml | A      |
"""
_ONE = {"structure": {"tools": ["kustomize or helm"]}}
_TWO = {"structure": {"tools": ["argocd or flux"]}}
_ARGO = """
        evidence_objects
        | source_name | key | format             | cluster | collected_at |
        | operator    | 1   | argocd-application | prod    | 2026-10-02   |
        deployments
        | application | operator | started_at          |
"""

EXAMPLES = (
    Example(
        title="a tool whose file is there all quarter is seen",
        given=_FILES,
        settings=_ONE,
        conclusion="effective",
    ),
    Example(
        title="one whose last file went at the quarter's first instant is not",
        given=_FILES + "        | a2… | apps/web/kustomization.yaml | D      |\n",
        settings=_ONE,
        conclusion="exceptions",
        exceptions="""
        | subject | found |
        | tool:kustomize or helm | no trace of it in the quarter |
        """,
    ),
    Example(
        title="one of two is enough, at the quarter's first instant",
        given=_ARGO + "        | argocd/web | argocd | 2026-07-01 00:00:00 |\n",
        settings=_TWO,
        conclusion="effective",
    ),
    Example(
        title="what was last used a second before the quarter, or as it ended, was not used in it",
        given=_ARGO
        + """
        | argocd/web | argocd | 2026-06-30 23:59:59 |
        | argocd/web | argocd | 2026-10-01 00:00:00 |
        """.strip("\n"),
        settings=_TWO,
        conclusion="exceptions",
        exceptions="""
        | subject             |
        | tool:argocd or flux |
        """,
    ),
    Example(
        title="a tool that leaves records alone is seen by one of its own in the quarter",
        given="""
        coverage
        | source_name | cluster | format           | hour             | first_at         | last_at          |
        | opa         | prod    | gatekeeper-audit | 2026-07-01 00:00 | 2026-07-01 00:00 | 2026-07-01 00:00 |
        """,
        settings={"structure": {"tools": ["gatekeeper"]}},
        conclusion="effective",
    ),
    Example(
        title="by none of another quarter, or of another tool",
        given="""
        evidence_objects
        | source_name | key | format                   | cluster | collected_at |
        | opa         | 1   | gatekeeper-audit         | prod    | 2026-10-02   |
        | forge       | 1   | github-checks            |         | 2026-10-02   |
        coverage
        | source_name | cluster | format           | hour             | first_at            | last_at             |
        | opa         | prod    | gatekeeper-audit | 2026-06-30 23:00 | 2026-06-30 23:59:59 | 2026-06-30 23:59:59 |
        | log         | prod    | kubernetes-audit | 2026-08-01 00:00 | 2026-08-01 00:00    | 2026-08-01 00:00    |
        checks
        | check_id | app  | started_at       |
        | 1        | mine | 2026-08-01 00:00 |
        """,
        settings={"structure": {"tools": ["gatekeeper", "github-actions"]}},
        conclusion="exceptions",
        exceptions="""
        | subject             |
        | tool:gatekeeper     |
        | tool:github-actions |
        """,
    ),
    Example(
        title="a tool of which no evidence was collected is not tested; the others are",
        given="",
        settings={"structure": {"tools": ["gatekeeper"]}},
        conclusion="not tested",
    ),
    Example(
        title="a repository that was not read may hold anything",
        given="",
        without=("git",),
        settings=_ONE,
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every required tool; one without a trace in the quarter fails, where evidence of it was collected."""
    gaps: list[Gap] = []
    unseen: list[str] = []
    required = pd.DataFrame({"tool": list(context.settings.structure.tools)}, dtype="str")
    for tool in required["tool"]:
        ways = [TOOLS[name] for name in tool.split(" or ")]
        if any(_seen(way, tables, context) for way in ways):
            continue
        gap = _untold(tool, ways, tables, context)
        if gap is None:
            unseen.append(tool)
        else:
            gaps.append(gap)
    population = required.assign(
        subject="tool:" + required["tool"],
        at=pd.Series(pd.NaT, index=required.index, dtype="datetime64[us, UTC]"),
    )
    failed = failures(
        population[population["tool"].isin(unseen)].reset_index(drop=True),
        expected="at least one trace of it in every quarter",
        found="no trace of it in the quarter",
        evidence="",
    )
    return Result(population, failed, tuple(gaps))


def _seen(tool: Tool, tables: Tables, context: Context) -> bool:
    """Whether a tool left a trace in the quarter."""
    if tool.path:
        return _held(tool.path, tables, context)
    if not tool.tables:
        hours = tables["coverage"]
        return bool((hours["format"].isin(tool.formats) & context.holds(hours["first_at"])).any())
    for name, column, value in tool.tables:
        rows = tables[name]
        if column:
            rows = rows[rows[column].eq(value).fillna(False).astype(bool)]
        time = t.TABLES[name].Config.metadata["time"]  # type: ignore[attr-defined]
        if context.holds(rows[time]).any():
            return True
    return False


def _held(path: str, tables: Tables, context: Context) -> bool:
    """Whether a mainline held such a file at some time of the quarter."""
    rows = arrivals(tables["file_changes"], tables["commits"], tables["landings"])
    rows = rows[rows["path"].str.contains(path)]
    before = rows[rows["landed_at"] <= context.start].groupby(["repo", "path"])["delta"].sum()
    during = rows[context.holds(rows["landed_at"])]
    return bool(before.gt(0).any() or during["delta"].ge(0).any())


def _untold(name: str, ways: list[Tool], tables: Tables, context: Context) -> Gap | None:
    """A gap where no evidence of a tool was collected, or none since the quarter ended, or Git was not read."""
    formats = tuple(each for way in ways for each in way.formats)
    if not formats:
        return next((Gap(gap.text) for gap in GIT.gaps(tables, context)), None)
    objects = of_formats(tables["evidence_objects"], formats)
    if objects.empty:
        return Gap(f"no evidence of {name} was collected ({', '.join(formats)})")
    late = collected(objects, Gap(name), context)
    return Gap(late[0].text) if late else None


CONTROL = Control(
    id="STR-02",
    page=__doc__,
    clause="Tools and Technologies › Required",
    severity=Severity.LOW,
    frameworks={"SOC 2": ("CC8.1",), "ISO 27001": ("8.9",), "NIST 800-53": ("CM-2",)},
    needs=(GIT,),
    remediation="Use the tool and collect what it records, or change the policy by a reviewed change.",
    examples=EXAMPLES,
    test=test,
)
