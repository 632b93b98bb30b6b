"""Each repository is whole, and holds what the forge recorded.

## Why
Everything that this audit says about changes rests on the repository. One that is shallow, grafted or rewritten tells
another history than the one that happened.

## Evidence
What git says of the repository (fsck, replace refs, grafts, shallow and partial clones); the forge's record of every
push and merge to the default branch, and the merge commit of every merged pull request.

## Limits
A commit that the forge recorded must still be reachable from the default branch; it counts in the quarter in which it
was recorded. The tip must be what the last push on record left: an export older than the mirror shows as a difference
too. Without the forge's record of pushes only the repository itself is tested.

## Remediation
Mirror the repository anew, whole. Where history was rewritten, find out who did it and why, restore it from a clone
that still has it, and forbid force pushes.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import ACTIVITY, GIT
from audit.controls.parts import joined, pointer, when
from audit.joins.identity import Resolver
from audit.model import Severity

OPERATIONS = ("push", "pr_merge", "force_push", "merge_queue_merge", "update")
"""Operations after which the default branch holds the commit that the forge names."""

EXAMPLES = (
    Example(
        title="the commits of every push and merge are there, and the tip is what the last push left; what was not merged, or elsewhere, is not asked for",
        given="""
        repositories
        | tip |
        | a2… |

        commits
        | sha |
        | a1… |
        | a2… |

        git_operations
        | operation_id | at               | ref             | after | operation |
        | 1            | 2026-07-01 00:00 | refs/heads/main | a1…   | pr_merge  |
        | 2            | 2026-07-02 00:00 | refs/heads/main | a2…   | push      |
        | 3            | 2026-07-03 00:00 | refs/heads/fix  | b1…   | push      |
        | -1           | 2026-07-04 00:00 | refs/heads/main | a1…   | update    |

        pull_requests
        | number | merged_at        | merge_sha | base_ref |
        | 7      | 2026-07-01 00:00 | a1…       | main     |
        | 8      |                  | c1…       | main     |
        | 9      | 2026-07-01 00:00 | c2…       | release  |
        """,
        conclusion="effective",
    ),
    Example(
        title="a graft, a pushed commit that is gone, and a tip that no push left",
        given="""
        repositories
        | tip |
        | a2… |

        repository_problems
        | problem | detail       |
        | grafted | .git/grafts  |

        commits
        | sha |
        | a2… |

        git_operations
        | operation_id | at               | ref             | after | operation |
        | 1            | 2026-07-01 00:00 | refs/heads/main | a1…   | push      |
        | 2            | 2026-06-30 23:59 | refs/heads/main | a0…   | push      |
        | -1           | 2026-07-02 00:00 | refs/heads/main | a3…   | update    |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                   | found |
        | netbpf/netbpf-gitops:grafted:.git/grafts  | grafted: .git/grafts |
        | netbpf/netbpf-gitops:missing:a1…          | a1… was on main at 2026-07-01T00:00:00Z and is no longer reachable from it |
        | netbpf/netbpf-gitops:missing:a3…          | a3… was on main at 2026-07-02T00:00:00Z and is no longer reachable from it |
        | netbpf/netbpf-gitops:tip                  | the tip is a2…, and the last push on record (2026-07-01T00:00:00Z) left a1… |
        """,
    ),
    Example(
        title="without the forge's record of pushes the tip can't be compared",
        given="",
        without=("github-activity",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every repository, and every commit that the forge recorded on its default branch."""
    repositories = tables["repositories"]
    recorded = _recorded(tables)
    resolver = Resolver.of(tables, context.settings)
    person = resolver.resolve(recorded["person_raw"], "github", recorded["at"])["person"]
    recorded["person"] = person.where(recorded["person_raw"].notna())
    whole = pd.DataFrame({"subject": repositories["repo"], "repo": repositories["repo"]})
    population = pd.concat(
        [whole.assign(at=_never(whole)), recorded[["subject", "repo", "at"]]], ignore_index=True
    )
    found = (_problems(tables), _missing(recorded), _tips(tables))
    return Result(population, pd.concat(found, ignore_index=True))


def _pushes(tables: Tables) -> pd.DataFrame:
    """Operations that left a commit on the default branch of a repository that was read, with branch and tip."""
    operations = tables["git_operations"].merge(tables["repositories"][["repo", "branch", "tip"]], on="repo")
    main = operations["ref"].eq("refs/heads/" + operations["branch"])
    return operations[main & operations["operation"].isin(OPERATIONS)]


def _recorded(tables: Tables) -> pd.DataFrame:
    """Commits that the forge recorded on a default branch: when first, by whom, and whether they are reachable."""
    pulls = tables["pull_requests"].merge(tables["repositories"][["repo", "branch"]], on="repo")
    pulls = pulls[
        pulls["merged_at"].notna() & pulls["merge_sha"].notna() & pulls["base_ref"].eq(pulls["branch"])
    ]
    merged = pulls.rename(columns={"merge_sha": "sha", "merged_at": "at", "merged_by": "person_raw"})
    pushed = _pushes(tables).rename(columns={"after": "sha", "actor": "person_raw"})
    columns = ["repo", "branch", "sha", "at", "person_raw", "evidence", "line"]
    both = pd.concat([pushed[columns], merged[columns]], ignore_index=True)
    both = both.assign(evidence=pointer(both)).sort_values(["repo", "sha", "at", "evidence"])
    pointers = joined(both, ["repo", "sha"], "evidence", " ").reset_index()
    first = both.drop(columns="evidence").drop_duplicates(["repo", "sha"]).merge(pointers, on=["repo", "sha"])
    held = tables["commits"][["repo", "sha"]].assign(held=True)
    first = first.merge(held, on=["repo", "sha"], how="left")
    return first.assign(subject=first["repo"] + ":missing:" + first["sha"], held=first["held"].notna())


def _problems(tables: Tables) -> pd.DataFrame:
    """Ways in which a repository is not whole."""
    rows = tables["repository_problems"].merge(tables["repositories"][["repo", "tip"]], on="repo", how="left")
    return failures(
        rows,
        subject=rows["repo"] + ":" + rows["problem"] + ":" + rows["detail"],
        at=_never(rows),
        expected="a whole repository",
        found=rows["problem"] + ": " + rows["detail"],
        evidence=(rows["repo"] + "@" + rows["tip"]).fillna(rows["repo"]),
    )


def _missing(recorded: pd.DataFrame) -> pd.DataFrame:
    """Commits that were on a default branch and are no longer reachable from it."""
    rows = recorded[~recorded["held"]].reset_index(drop=True)
    was = rows["sha"] + " was on " + rows["branch"] + " at " + when(rows["at"])
    return failures(
        rows,
        expected="every commit that was on the default branch is still reachable from it",
        found=was + " and is no longer reachable from it",
    )


def _tips(tables: Tables) -> pd.DataFrame:
    """Repositories whose tip is not the commit that the last push on record left."""
    pushes = _pushes(tables)
    pushes = pushes[pushes["operation_id"].ge(0)]  # what webhooks told has no order within a second
    last = pushes.sort_values(["repo", "at", "operation_id"]).drop_duplicates("repo", keep="last")
    rows = last[last["tip"].ne(last["after"])].reset_index(drop=True)
    push = "the last push on record (" + when(rows["at"]) + ") left " + rows["after"]
    return failures(
        rows,
        subject=rows["repo"] + ":tip",
        at=_never(rows),
        expected="a tip that the last push on record left",
        found="the tip is " + rows["tip"].fillna("missing") + ", and " + push,
        evidence=pointer(rows) + (" " + rows["repo"] + "@" + rows["tip"]).fillna(""),
    )


def _never(rows: pd.DataFrame) -> pd.Series:
    """No time: what is so now belongs to every quarter that is judged now."""
    return pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us, UTC]")


CONTROL = Control(
    id="EVD-01",
    page=__doc__,
    clause="Compliance and Auditing › Audit Logs › All Git operations",
    severity=Severity.CRITICAL,
    frameworks={
        "SOC 2": ("CC7.2",),
        "ISO 27001": ("8.15", "8.17", "5.33", "5.28"),
        "NIST 800-53": ("AU-2", "AU-8", "AU-9(3)", "AU-11", "AU-12"),
        "PCI DSS": ("10.2.2", "10.5.1", "10.7.2"),
        "CIS / SLSA": ("K 3.2.1", "K 1.2.16–1.2.19", "SLSA L2"),
    },
    needs=(GIT, ACTIVITY),
    remediation="Mirror the repository anew and whole, and find out who rewrote its history if somebody did.",
    examples=EXAMPLES,
    test=test,
)
