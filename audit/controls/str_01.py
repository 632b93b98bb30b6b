"""Every repository followed the layout of the policy all quarter.

## Why
People and machines find things by the layout: what deploys an application, what is the same everywhere and what belongs to
one environment. A workflow that is gone checks nothing, and an application without a base is configured by copies.

## Evidence
Git: which files each landing added, moved and took away, and so what the mainline held between any two landings. What must be
there is a setting (`structure.required`) whose default is the policy's own layout.

## Limits
A file may be there and say nothing: what it says is not read. What is there beside the layout is no exception.

## Remediation
Restore what is missing, or change the policy's layout and the setting by a reviewed change.
"""

from __future__ import annotations

import re

import pandas as pd

from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import GIT
from audit.controls.parts import commit, lasting, when
from audit.joins.presence import arrivals, missing
from audit.model import Severity

_APP = "{app}"
_ENVIRONMENT = "{environment}"
_LAYOUT = {
    "structure": {
        "required": ["apps/{app}/base/", "apps/{app}/overlays/{environment}/", ".github/workflows/sync.yaml"]
    }
}

EXAMPLES = (
    Example(
        title="a repository with all that the layout asks for passes; other folders ask for nothing",
        given="""
        commits
        | sha | position |
        | a1… | 0        |
        landings
        | head_sha | position | landed_at        |
        | a1…      | 0        | 2026-01-02 00:00 |
        file_changes
        | sha | path                        | status |
        | a1… | .github/workflows/sync.yaml | A      |
        | a1… | apps/web/base/x.yaml        | A      |
        | a1… | apps/web/overlays/prod/x.yaml | A    |
        | a1… | charts/web/x.yaml           | A      |
        | a1… | apps/README.md              | A      |
        """,
        settings=_LAYOUT,
        conclusion="effective",
    ),
    Example(
        title="a workflow that was away for an hour, and an application whose base was moved away",
        given="""
        commits
        | sha | position |
        | a1… | 0        |
        | a2… | 1        |
        | a3… | 2        |
        | a4… | 3        |
        landings
        | head_sha | position | landed_at        |
        | a1…      | 0        | 2026-01-02 00:00 |
        | a2…      | 1        | 2026-07-02 00:00 |
        | a3…      | 2        | 2026-07-02 01:00 |
        | a4…      | 3        | 2026-08-02 00:00 |
        file_changes
        | sha | path                          | old_path             | status |
        | a1… | .github/workflows/sync.yaml   |                      | A      |
        | a1… | apps/web/base/x.yaml          |                      | A      |
        | a1… | apps/web/overlays/prod/x.yaml |                      | A      |
        | a2… | .github/workflows/sync.yaml   |                      | D      |
        | a3… | .github/workflows/sync.yaml   |                      | A      |
        | a4… | apps/web/common/x.yaml        | apps/web/base/x.yaml | R      |
        """,
        settings=_LAYOUT,
        conclusion="exceptions",
        exceptions="""
        | subject | found |
        | netbpf/netbpf-gitops:.github/workflows/sync.yaml@2026-07-02T00:00:00Z | it was missing for 1 h, from 2026-07-02T00:00:00Z to 2026-07-02T01:00:00Z |
        | netbpf/netbpf-gitops:apps/web/base/@2026-08-02T00:00:00Z | it is missing since 2026-08-02T00:00:00Z |
        """,
    ),
    Example(
        title="what was mended at the quarter's first instant, or is missing from its last on, is another quarter's",
        given="""
        commits
        | sha | position |
        | a1… | 0        |
        | a2… | 1        |
        | a3… | 2        |
        landings
        | head_sha | position | landed_at        |
        | a1…      | 0        | 2026-01-02 00:00 |
        | a2…      | 1        | 2026-07-01 00:00 |
        | a3…      | 2        | 2026-10-01 00:00 |
        file_changes
        | sha | path                        | status |
        | a1… | README.md                   | A      |
        | a2… | .github/workflows/sync.yaml | A      |
        | a3… | .github/workflows/sync.yaml | D      |
        """,
        settings=_LAYOUT,
        conclusion="effective",
    ),
    Example(
        title="a repository that was not read may hold anything",
        given="",
        without=("git",),
        settings=_LAYOUT,
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """What each repository must hold; each span in which something is missing fails."""
    arrived = arrivals(tables["file_changes"], tables["commits"], tables["landings"])
    wanted = _wanted(arrived, tables, context)
    spans = missing(arrived, wanted)
    inside = spans["start"].lt(context.stop) & ~spans["end"].le(context.start).fillna(False).astype(bool)
    spans = spans[inside].reset_index(drop=True)
    during = "it was missing for " + lasting(spans["end"] - spans["start"]) + ", from " + when(spans["start"])
    during = (during + " to " + when(spans["end"])).mask(
        spans["end"].isna(), "it is missing since " + when(spans["start"])
    )
    rows = spans.assign(
        subject=spans["repo"] + ":" + spans["item"] + "@" + when(spans["start"]),
        at=spans["start"].mask(spans["start"].lt(context.start), context.start),
        path=spans["item"],
    )
    failed = failures(
        rows,
        expected="there all the time, by the layout of the policy",
        found=during,
        evidence=commit(rows),
    )
    whole = wanted.assign(
        subject=wanted["repo"] + ":" + wanted["item"],
        at=pd.Series(pd.NaT, index=wanted.index, dtype="datetime64[us, UTC]"),
    )
    return Result(whole, failed)


def _wanted(arrived: pd.DataFrame, tables: Tables, context: Context) -> pd.DataFrame:
    """`repo`, `item` and `within` of everything that a repository must hold, as far as it holds what calls for it."""
    repos = tables["repositories"].loc[tables["repositories"]["tip"].notna(), "repo"]
    environments = list(dict.fromkeys(c.environment for c in context.settings.clusters))
    parts = []
    for pattern in context.settings.structure.required:
        ways = (
            [pattern.replace(_ENVIRONMENT, name) for name in environments]
            if _ENVIRONMENT in pattern
            else [pattern]
        )
        for way in ways:
            head, named, tail = way.partition(_APP)
            rows = pd.DataFrame({"repo": repos, "app": ""})
            if named:
                apps = arrived["path"].str.extract(f"^{re.escape(head)}([^/]+)/", expand=False)
                rows = arrived[["repo"]].assign(app=apps).dropna().drop_duplicates()
            within = head + rows["app"] + "/" if named else ""
            parts.append(
                pd.DataFrame({"repo": rows["repo"], "item": head + rows["app"] + tail, "within": within})
            )
    made = pd.concat(parts) if parts else pd.DataFrame(columns=["repo", "item", "within"], dtype="str")
    return made.astype("str").drop_duplicates().sort_values(["repo", "item"], ignore_index=True)


CONTROL = Control(
    id="STR-01",
    page=__doc__,
    clause="Repository Structure",
    severity=Severity.MEDIUM,
    frameworks={"SOC 2": ("CC8.1",), "ISO 27001": ("8.9",), "NIST 800-53": ("CM-2",)},
    needs=(GIT,),
    remediation="Restore what is missing, or change the layout by a reviewed change.",
    examples=EXAMPLES,
    test=test,
)
