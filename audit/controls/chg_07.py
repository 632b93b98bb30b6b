"""Main's history was never rewritten.

## Why
Git keeps what happened only as long as nobody moves the branch by force. A commit that is taken off the default branch
takes its review, its author and its reason with it, and nothing in the repository says that it ever was there.

## Evidence
The forge's record of every push; the tips that earlier runs saw and recorded in signed manifests; deployments, which
name revisions. What was on the default branch once, by any of the three, must still be reachable from it.

## Limits
A rewrite between two runs that the forge did not record and nobody deployed leaves no trace. When a tip was lost can't
be told: it belongs to every quarter judged since. What was on a former name of the branch counts only where the
settings name it (`repositories.former_branches`); that such a name was deleted, while the default branch holds what it
pointed at, is a renaming and no exception.

## Remediation
Find out who rewrote it and why. Restore what was lost from a clone, a mirror or the forge's own copy, and forbid force
pushes to and deletion of the default branch, for administrators too.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import GIT, Exported
from audit.controls.parts import commit, deployment, joined, pointer, when
from audit.joins.identity import Resolver
from audit.model import Severity

_FORCED = ("force_push", "branch_deletion")
_WHERE = ["repo", "sha"]
_EXPECTED = "a default branch that only ever grows"

EXAMPLES = (
    Example(
        title="a tip that an earlier run saw is still there, and so is what was deployed",
        given="""
        commits
        | sha |
        | a1… |
        | a2… |

        branch_tips
        | ref             | sha | seen_at          | reachable |
        | refs/heads/main | a1… | 2026-07-02 00:00 | true      |

        git_operations
        | operation_id | at               | ref             | before | after | operation  |
        | 1            | 2026-07-01 00:00 | refs/heads/main | a0…    | a1…   | push       |
        | 2            | 2026-07-01 01:00 | refs/heads/fix  | b1…    | b2…   | force_push |

        deployments
        | repo                 | application | started_at       | revision | status    |
        | netbpf/netbpf-gitops | argocd/web  | 2026-07-03 00:00 | a1…      | succeeded |
        """,
        conclusion="effective",
    ),
    Example(
        title="main was moved by force; what was lost had been seen, and had been deployed",
        given="""
        commits
        | sha |
        | a2… |

        branch_tips
        | ref             | sha | seen_at          | reachable |
        | refs/heads/main | a1… | 2026-07-02 00:00 | false     |

        git_operations
        | operation_id | at               | ref             | before | after | operation  |
        | 1            | 2026-07-01 00:00 | refs/heads/main | a0…    | a1…   | push       |
        | 2            | 2026-07-04 00:00 | refs/heads/main | a1…    | a2…   | force_push |

        deployments
        | repo                 | application | started_at       | revision | status    |
        | netbpf/netbpf-gitops | argocd/web  | 2026-07-03 00:00 | a1…      | succeeded |
        | netbpf/netbpf-gitops | argocd/api  | 2026-07-03 01:00 | c1…      | succeeded |
        | netbpf/netbpf-gitops | argocd/bad  | 2026-07-03 02:00 | a1…      | failed    |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                              | found |
        | netbpf/netbpf-gitops:force_push@2026-07-04T00:00:00Z | main was moved by force from a1… to a2… |
        | netbpf/netbpf-gitops:tip:a1…                         | a1… was the tip of main at 2026-07-02T00:00:00Z and is no longer reachable from it |
        | netbpf/netbpf-gitops:deployed:a1…                    | a1… was on main, was deployed 1 time from 2026-07-03T00:00:00Z on, and is no longer reachable |
        """,
    ),
    Example(
        title="a former name of main is deleted: a renaming when main holds what it pointed at, a loss when not, nor when it is main",
        given="""
        commits
        | sha |
        | a1… |

        git_operations
        | operation_id | at               | ref               | before | after                                    | operation       |
        | 1            | 2026-07-01 00:00 | refs/heads/master | a1…    | 0000000000000000000000000000000000000000 | branch_deletion |
        | 2            | 2026-07-02 00:00 | refs/heads/trunk  | b1…    | 0000000000000000000000000000000000000000 | branch_deletion |
        | 3            | 2026-07-03 00:00 | refs/heads/main   | a1…    | 0000000000000000000000000000000000000000 | branch_deletion |
        """,
        settings={
            "repositories": [
                {
                    "name": "netbpf/netbpf-gitops",
                    "location": "netbpf-gitops",
                    "former_branches": ["master", "trunk"],
                }
            ]
        },
        conclusion="exceptions",
        exceptions="""
        | subject                                                   | found |
        | netbpf/netbpf-gitops:branch_deletion@2026-07-02T00:00:00Z | trunk was deleted when it pointed at b1… |
        | netbpf/netbpf-gitops:branch_deletion@2026-07-03T00:00:00Z | main was deleted when it pointed at a1… |
        """,
    ),
    Example(
        title="without the forge's record of pushes a rewrite may have gone unseen",
        given="""
        commits
        | sha |
        | a1… |

        branch_tips
        | ref             | sha | seen_at          | reachable |
        | refs/heads/main | a1… | 2026-07-02 00:00 | true      |
        """,
        without=("github-activity",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Moves of the default branch, tips once seen, and revisions deployed."""
    moves = _moves(tables, context)
    parts = (moves, _tips(tables), _deployed(tables, moves))
    columns = ["subject", "repo", "at"]
    population = pd.concat([part[columns] for part in parts], ignore_index=True)
    failed = [
        failures(part[part["failed"]].reset_index(drop=True), expected=_EXPECTED)
        for part in (_who(moves, tables, context), *parts[1:])
    ]
    return Result(population, pd.concat(failed, ignore_index=True))


def _branches(tables: Tables, context: Context) -> pd.DataFrame:
    """`repo`, `branch`, `ref` and `former` (bool): every name that a default branch has or had."""
    former = {one.name: one.former_branches for one in context.settings.repositories}
    read = tables["repositories"]
    rows = [
        (repo, name, f"refs/heads/{name}", name != branch)
        for repo, branch in zip(read["repo"], read["branch"], strict=True)
        for name in dict.fromkeys((branch, *former.get(repo, ())))
    ]
    frame = pd.DataFrame(rows, columns=["repo", "branch", "ref", "former"])
    return frame.astype({"repo": "str", "branch": "str", "ref": "str", "former": bool})


def _held(rows: pd.DataFrame, tables: Tables, column: str) -> pd.Series:
    """Which commits of `rows` the default branch reaches (bool, aligned with `rows`)."""
    known = tables["commits"][["repo", "sha"]].rename(columns={"sha": column}).assign(_held=True)
    return rows[["repo", column]].merge(known, how="left")["_held"].eq(True).set_axis(rows.index)


def _moves(tables: Tables, context: Context) -> pd.DataFrame:
    """Every operation of the forge on a default branch; those by force fail."""
    rows = tables["git_operations"].merge(_branches(tables, context), on=["repo", "ref"])
    deleted = rows["operation"].eq("branch_deletion")
    renamed = deleted & rows["former"] & _held(rows, tables, "before")
    moved = rows["branch"] + " was moved by force from " + rows["before"] + " to " + rows["after"]
    gone = rows["branch"] + " was deleted when it pointed at " + rows["before"]
    rows = rows.assign(
        subject=rows["repo"] + ":" + rows["operation"] + "@" + when(rows["at"]),
        failed=(rows["operation"].isin(_FORCED) & ~renamed).astype(bool),
        found=moved.mask(deleted, gone),
        evidence=pointer(rows),
        person_raw=rows["actor"],
    )
    return rows.sort_values(["repo", "at", "failed", "operation_id"], ascending=[True, True, False, True])


def _who(moves: pd.DataFrame, tables: Tables, context: Context) -> pd.DataFrame:
    resolver = Resolver.of(tables, context.settings)
    person = resolver.resolve(moves["person_raw"], "github", moves["at"])["person"]
    return moves.assign(person=person.where(moves["person_raw"].notna()))


def _tips(tables: Tables) -> pd.DataFrame:
    """Tips that earlier runs saw; those that are no longer reachable fail."""
    rows = tables["branch_tips"].sort_values([*_WHERE, "seen_at"]).drop_duplicates(_WHERE)
    branch = rows["ref"].str.removeprefix("refs/heads/")
    seen = rows["sha"] + " was the tip of " + branch + " at " + when(rows["seen_at"])
    return rows.assign(
        subject=rows["repo"] + ":tip:" + rows["sha"],
        at=pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us, UTC]"),
        failed=~rows["reachable"].astype(bool),
        found=seen + " and is no longer reachable from it",
        evidence="manifest:" + rows["manifest"] + " " + commit(rows, "sha"),
    )


def _deployed(tables: Tables, moves: pd.DataFrame) -> pd.DataFrame:
    """Revisions that were deployed; those fail that were on the default branch once and are no longer reachable."""
    done = tables["deployments"]
    done = done[done["status"].eq("succeeded") & done["revision_kind"].eq("git")]
    done = done.dropna(subset=["repo", "revision"]).rename(columns={"revision": "sha"})
    done = done.assign(pointer=pointer(done), deployment=deployment(done))
    rows = done.groupby(_WHERE).agg(at=("started_at", "min"), times=("deployment", "nunique")).reset_index()
    for column, separator in (("pointer", " "), ("cluster", ","), ("environment", ","), ("app", ",")):
        rows = rows.merge(joined(done, _WHERE, column, separator).reset_index(), on=_WHERE, how="left")
    names = {"before": "sha", "after": "sha"}
    once = [moves[["repo", name]].rename(columns=names) for name in names]
    on_main = pd.concat([*once, tables["branch_tips"][_WHERE]]).drop_duplicates().assign(on_main=True)
    rows = rows.merge(on_main, on=_WHERE, how="left")
    times = rows["times"].astype("str") + pd.Series(" time", index=rows.index).mask(
        rows["times"].ne(1), " times"
    )
    story = " was on main, was deployed " + times + " from " + when(rows["at"]) + " on"
    return rows.assign(
        subject=rows["repo"] + ":deployed:" + rows["sha"],
        failed=rows["on_main"].eq(True).astype(bool) & ~_held(rows, tables, "sha"),
        found=rows["sha"] + story + ", and is no longer reachable",
        evidence=rows["pointer"],
    )


CONTROL = Control(
    id="CHG-07",
    page=__doc__,
    clause="Security Controls › Compliance › All changes are audited through Git history",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC8.1", "CC7.2"),
        "ISO 27001": ("8.15", "5.33"),
        "NIST 800-53": ("AU-9(3)", "CM-5"),
        "CIS / SLSA": ("S 1.1.16", "SLSA L2"),
    },
    needs=(
        GIT,
        Exported(
            "github-activity",
            "pushes as the forge recorded them",
            "a push by force that took back what nobody saw can't be ruled out",
            blind=False,
        ),
    ),
    remediation="Restore what was lost, find out who rewrote the history, and forbid force pushes to the default branch.",
    examples=EXAMPLES,
    test=test,
)
