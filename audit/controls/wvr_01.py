"""Every waiver is approved by someone other than its owner, scoped, and in date.

## Why
A waiver sets the policy aside. Without a second person, a scope and an end, it is the policy that nobody wrote.

## Evidence
The file of waivers in each repository, as it stood after every commit of the mainline; the landing that brought each
entry as it is, and who approved its pull request; the roster. A waiver with any flaw waives nothing: what it was meant
for stays an exception.

## Limits
What a waiver says is done instead is not looked at. Exceptions that a waiver covers stay listed and counted, and say
which waiver covers them.

## Remediation
Have the entry corrected in a pull request that its approver approves; take out what has ended; ask anew for what is
still needed.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.naming import exception_id
from audit.controls.needs import GIT, ROSTER
from audit.controls.parts import commit, when
from audit.controls.waiving import covered, reached
from audit.joins.presence import arrivals
from audit.model import Reader, Severity

ID = "WVR-01"
_SHOWN = 3

_READ = """
        repositories
        | tip |
        | b1… |
"""

EXAMPLES = (
    Example(
        title="a waiver in date without a flaw passes; one that went before the quarter is none of it",
        given=_READ
        + """
        waivers
        | id  | head_sha | position | landed_at        | withdrawn_at     | covers_from | expires    |
        | W-1 | a1…      | 4        | 2026-08-01 00:00 |                  | 2026-08-01  | 2026-10-01 |
        | W-2 | a2…      | 5        | 2026-05-01 00:00 | 2026-07-01 00:00 | 2026-05-01  | 2026-06-01 |
        """,
        conclusion="effective",
    ),
    Example(
        title="a waiver with flaws fails in every quarter in which it stands",
        given=_READ
        + """
        waivers
        | id  | head_sha | position | landed_at        | withdrawn_at     | covers_from | requester | flaws                                                |
        | W-1 | a1…      | 4        | 2026-05-01 00:00 |                  | 2026-05-01  | ada       | requester and approver are the same; it has no scope |
        | W-2 | a2…      | 5        | 2026-05-01 00:00 | 2026-07-01 00:01 | 2026-05-01  |           | it does not expire                                   |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                         | person | person_raw | found                                                |
        | waiver:netbpf/netbpf-gitops:W-1 | ada    | ada        | requester and approver are the same; it has no scope |
        | waiver:netbpf/netbpf-gitops:W-2 |        |            | it does not expire                                   |
        """,
    ),
    Example(
        title="a waiver that ended must go: it fails from its end on while it stands",
        given=_READ
        + """
        waivers
        | id  | head_sha | position | landed_at        | withdrawn_at     | covers_from | expires          |
        | W-1 | a1…      | 4        | 2026-06-01 00:00 |                  | 2026-06-01  | 2026-09-30       |
        | W-2 | a2…      | 5        | 2026-06-01 00:00 | 2026-09-01 00:00 | 2026-06-01  | 2026-09-01 00:00 |
        | W-3 | a3…      | 6        | 2026-06-01 00:00 | 2026-09-01 00:01 | 2026-06-01  | 2026-09-01 00:00 |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                         | found                                     |
        | waiver:netbpf/netbpf-gitops:W-1 | ended 2026-09-30T00:00:00Z, still listed |
        | waiver:netbpf/netbpf-gitops:W-3 | ended 2026-09-01T00:00:00Z, still listed |
        """,
    ),
    Example(
        title="no waiver at all, with the repositories read whole",
        given=_READ,
        conclusion="not applicable",
    ),
    Example(
        title="a file of waivers that could not be read hides what it says",
        given=_READ
        + """
        unread_files
        | sha | path                       | reader  | reason           |
        | b1… | .gitops-audit/waivers.yaml | waivers | not YAML: line 3 |
        """,
        conclusion="not tested",
    ),
    Example(
        title="without the repositories nothing tells what was waived",
        given="",
        without=("git",),
        conclusion="not tested",
    ),
    Example(
        title="a file that could be read again from the quarter's first instant on, or till its end, hides nothing of it",
        given=_READ
        + """
        commits
        | sha | position |
        | a1… | 0        |
        | a2… | 1        |
        | a3… | 2        |
        landings
        | head_sha | position | landed_at        |
        | a1…      | 0        | 2026-06-01 00:00 |
        | a2…      | 1        | 2026-07-01 00:00 |
        | a3…      | 2        | 2026-10-01 00:00 |
        file_changes
        | sha | path                       | status |
        | a1… | .gitops-audit/waivers.yaml | A      |
        | a2… | .gitops-audit/waivers.yaml | M      |
        | a3… | .gitops-audit/waivers.yaml | M      |
        unread_files
        | sha | path                       | reader  | reason           |
        | a1… | .gitops-audit/waivers.yaml | waivers | not YAML: line 3 |
        | a3… | .gitops-audit/waivers.yaml | waivers | not YAML: line 3 |
        """,
        conclusion="not applicable",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every waiver that stood in the quarter; those with flaws, ended ones, and those relied on beyond their scope fail."""
    rows = tables["waivers"]
    stood = rows["landed_at"].lt(context.stop) & ~rows["withdrawn_at"].le(context.start).fillna(False).astype(
        bool
    )
    rows = rows[stood].sort_values(["repo", "id", "position"])
    beyond = pd.Series(
        [_beyond(dict(zip(rows.columns, row, strict=True)), context) for row in rows.itertuples(index=False)],
        index=rows.index,
        dtype="str",
    )
    first = rows["landed_at"].mask(rows["landed_at"] < context.start, context.start)
    rows = rows.assign(subject="waiver:" + rows["repo"] + ":" + rows["id"], at=first)
    until = rows["withdrawn_at"].fillna(context.stop)
    until = until.mask(until > context.stop, context.stop)
    ended = rows["expires"].lt(until).fillna(False).astype(bool)
    late = ("ended " + when(rows["expires"]) + ", still listed").where(ended, "")
    found = pd.Series(
        ["; ".join(filter(None, parts)) for parts in zip(rows["flaws"], late, beyond, strict=True)],
        index=rows.index,
        dtype="str",
    )
    bad = rows[found.ne("")]
    failed = failures(
        bad,
        expected="a scope, an end that has not come, and the approval of someone else in the pull request that brought it",
        found=found[found.ne("")],
        person=bad["requester"].mask(bad["requester"].eq("")),
        person_raw=bad["requester"].mask(bad["requester"].eq("")),
        path=bad["place"],
        cluster=bad["cluster"],
        environment=bad["environment"],
        app=bad["app"],
        evidence=commit(bad),
    )
    return Result(rows[["subject", "at"]], failed, _unread(tables, context))


def _beyond(waiver: dict[str, Any], context: Context) -> str:
    """What was judged before and is relied on beyond the waiver: exceptions that it meets in part, or after its end."""
    judged = context.judged.get(waiver["control"])
    if judged is None or waiver["flaws"]:
        return ""
    failed = judged.exceptions
    failed = failed[context.holds(failed["at"]) | failed["at"].isna()]
    met = failed[reached(waiver["control"], failed, waiver)]
    at = context.stop - pd.Timedelta(microseconds=1)
    whole = covered(waiver["control"], met, waiver, at=at, timely=False)
    timely = covered(waiver["control"], met, waiver, at=at)
    after = whole & met["at"].ge(waiver["expires"]).fillna(False).astype(bool)
    parts = []
    for text, which in (("reaches beyond its scope", ~whole), ("came after its end", after & ~timely)):
        ids = [exception_id(waiver["control"], subject) for subject in sorted(met.loc[which, "subject"])]
        if ids:
            shown = ", ".join(ids[:_SHOWN]) + (f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else "")
            parts.append(f"{text}: {shown}")
    return "; ".join(parts)


def _unread(tables: Tables, context: Context) -> tuple[Gap, ...]:
    """A gap for each repository whose file of waivers could not be read as it stood at some time of the quarter."""
    unread = tables["unread_files"]
    wrong = unread.loc[unread["reader"].eq(Reader.POLICY_WAIVERS.value), ["repo", "sha", "path", "reason"]]
    if wrong.empty:
        return ()
    arrived = arrivals(tables["file_changes"], tables["commits"], tables["landings"])
    arrived = arrived.merge(wrong[["repo", "path"]].drop_duplicates(), on=["repo", "path"])
    arrived = arrived.sort_values(["repo", "path", "position"], kind="stable")
    arrived = arrived.assign(until=arrived.groupby(["repo", "path"])["landed_at"].shift(-1))
    rows = wrong.merge(
        arrived[["repo", "sha", "path", "landed_at", "until"]], on=["repo", "sha", "path"], how="left"
    )
    stood = rows["landed_at"].fillna(context.start).lt(context.stop) & ~rows["until"].le(context.start)
    return tuple(
        Gap(f"{repo}: the file of waivers can't be read as {sha[:12]} left it: {reason}")
        for repo, sha, reason in rows.loc[stood, ["repo", "sha", "reason"]].itertuples(index=False)
    )


CONTROL = Control(
    id=ID,
    page=__doc__,
    clause="Compliance and Auditing › Compliance Checks › Policy compliance reports",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC5.3", "CC8.1"),
        "ISO 27001": ("5.1", "5.36"),
        "NIST 800-53": ("CA-5", "PM-4"),
        "PCI DSS": ("12.3.1",),
    },
    needs=(GIT, ROSTER),
    remediation="Have the entry corrected in a pull request that its approver approves, or take it out.",
    examples=EXAMPLES,
    test=test,
)
