"""Every change landed on main through a pull request.

## Why
A direct push skips review, checks and discussion at once. It is the shortest way from one account to production, and
the change that a population of pull requests leaves out.

## Evidence
The mainline (first-parent chain) of the default branch, whole; pull requests as the forge exported them; where it is
there, the forge's record of pushes, which says who pushed and which commits came together.

## Limits
A subject such as `Merge pull request #9` is its author's claim and proves nothing against the forge's export. Where a
link rests on such a claim alone (a merge robot's subject, Gerrit's trailers) there is no exception and no pass either.
Without the forge's record of pushes, who pushed and when are the committer's own claims, and each mainline commit counts
by itself. Where
that record says that the forge merged a pull request which its export does not hold, the export is not whole. A date is not believed against the forge's times of the landings before and after it.

## Remediation
Have someone review what was pushed, after the fact, and record it. Require pull requests on the default branch, for
administrators too, so that it can't happen again.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import GIT, PULLS
from audit.controls.parts import LANDING, commit, counted, joined, plus, pointer, with_places
from audit.joins.identity import Resolver
from audit.model import Confidence, LandingKind, Link, Severity, Via

EXAMPLES = (
    Example(
        title="a merged pull request passes",
        given="""
        landings
        | head_sha | kind  | pr_number | landed_at        |
        | a1…      | merge | 7         | 2026-07-01 00:00 |
        """,
        conclusion="effective",
    ),
    Example(
        title="a direct push in the quarter fails, one before its start and one at its end belong to others",
        given="""
        landings
        | head_sha | position | kind   | landed_at           |
        | a1…      | 1        | direct | 2026-06-30 23:59:59 |
        | a2…      | 2        | direct | 2026-07-01 00:00    |
        | a3…      | 3        | direct | 2026-10-01 00:00    |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                     | found                                              |
        | netbpf/netbpf-gitops@a2…    | 1 commit pushed to the default branch: no pull request holds it |
        """,
    ),
    Example(
        title="a branch that was merged without a pull request fails like any push",
        given="""
        landings
        | head_sha | position | kind   | via          | landed_at        | commits |
        | a1…      | 1        | direct | branch merge | 2026-07-02 00:00 | 3       |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                  | found |
        | netbpf/netbpf-gitops@a1… | a branch merged into the default branch (3 commits): no pull request holds it |
        """,
    ),
    Example(
        title="a pull request into what may be a former name of main is named with the remedy",
        given="""
        landings
        | head_sha | position | first_position | kind   | landed_at        |
        | a1…      | 1        | 1              | direct | 2026-07-02 00:00 |

        commits
        | sha | position |
        | a1… | 1        |

        pull_requests
        | number | merged_at        | merge_sha | base_ref |
        | 7      | 2026-07-02 00:00 | a1…       | master   |
        | 8      |                  | a1…       | release  |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                  | found |
        | netbpf/netbpf-gitops@a1… | 1 commit pushed to the default branch: no pull request holds it; merged into a branch of another name: #7 (into master); name former names of the default branch in repositories.former_branches |
        """,
    ),
    Example(
        title="a merge that the forge recorded, of a pull request that it did not export, is no push",
        given="""
        landings
        | head_sha | kind   | landed_at        |
        | a1…      | direct | 2026-07-02 00:00 |

        git_operations
        | operation_id | after | operation |
        | 1            | a1…   | pr_merge  |
        """,
        conclusion="not tested",
    ),
    Example(
        title="Gerrit's trailers are claims: neither an exception nor a pass",
        given="""
        landings
        | head_sha | kind   | via    | change                         | link      | confidence | landed_at        |
        | a1…      | rebase | gerrit | https://gerrit.example.org/r/7 | change id | weak       | 2026-07-02 00:00 |
        """,
        conclusion="not tested",
    ),
    Example(
        title="a date that can't be true does not take a landing out of the quarter",
        given="""
        landings
        | head_sha | first_position | position | kind   | link      | pr_number | landed_at        | landed_at_source |
        | a1…      | 1              | 1        | merge  | merge sha | 1         | 2026-06-20 00:00 | forge            |
        | a2…      | 2              | 2        | direct | none      |           | 2026-06-20 00:00 | mainline         |
        | a3…      | 3              | 3        | merge  | merge sha | 3         | 2026-07-20 00:00 | forge            |
        """,
        conclusion="not tested",
    ),
    Example(
        title="without the forge's export nothing can be told, whatever the subject says",
        given="""
        landings
        | head_sha | kind   | subject                    |
        | a1…      | direct | fix typo                   |
        """,
        without=("github-pulls",),
        conclusion="not tested",
    ),
    Example(
        title="a committer's date of the moment of reading may be true",
        given="""
        landings
        | head_sha | first_position | position | kind  | link      | pr_number | landed_at        | landed_at_source |
        | a1…      | 1              | 1        | merge | merge sha | 1         | 2026-07-05 00:00 | forge            |
        | a2…      | 2              | 2        | merge | merge sha | 2         | 2026-10-02 00:00 | committer        |
        """,
        conclusion="effective",
    ),
    Example(
        title="a committer's date after the moment of reading is none",
        given="""
        landings
        | head_sha | first_position | position | kind  | link      | pr_number | landed_at           | landed_at_source |
        | a1…      | 1              | 1        | merge | merge sha | 1         | 2026-07-05 00:00    | forge            |
        | a2…      | 2              | 2        | merge | merge sha | 2         | 2026-10-02 00:00:01 | committer        |
        """,
        conclusion="not tested",
    ),
    Example(
        title="what came after a landing of the next quarter is not of this one, whatever its date",
        given="""
        landings
        | head_sha | first_position | position | kind  | link      | pr_number | landed_at        | landed_at_source |
        | a1…      | 1              | 1        | merge | merge sha | 1         | 2026-07-05 00:00 | forge            |
        | a2…      | 2              | 2        | merge | merge sha | 2         | 2026-10-01 00:00 | forge            |
        | a3…      | 3              | 3        | merge | merge sha | 3         | 2026-06-20 00:00 | mainline         |
        """,
        conclusion="effective",
    ),
    Example(
        title="what came before the quarter's first moment may have come in it, when its date can't be true",
        given="""
        landings
        | head_sha | first_position | position | kind  | link      | pr_number | landed_at        | landed_at_source |
        | a1…      | 1              | 1        | merge | merge sha | 1         | 2026-06-20 00:00 | mainline         |
        | a2…      | 2              | 2        | merge | merge sha | 2         | 2026-07-01 00:00 | forge            |
        """,
        conclusion="not tested",
    ),
    Example(
        title="who pushed is told by the forge, else by the committer, else by nobody",
        given="""
        identities
        | system | identifier        | person |
        | github | ada               | ada    |
        | git    | grace@example.org | grace  |

        commits
        | sha | committer_email   |
        | a1… | grace@example.org |
        | a2… | grace@example.org |

        landings
        | head_sha | position | kind   | pusher | landed_at        |
        | a1…      | 1        | direct | ada    | 2026-07-02 00:00 |
        | a2…      | 2        | direct |        | 2026-07-02 00:00 |
        | a3…      | 3        | direct |        | 2026-07-02 00:00 |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                  | person | person_raw        |
        | netbpf/netbpf-gitops@a1… | ada    | ada               |
        | netbpf/netbpf-gitops@a2… | grace  | grace@example.org |
        | netbpf/netbpf-gitops@a3… |        |                   |
        """,
    ),
)


_CLAIMS = {
    Link.CHANGE_ID.value: "trailers alone to changes: Gerrit's own records are not in evidence",
    Link.BATCH.value: "a merge robot's subject alone to pull requests: nothing that the forge recorded bears it out",
    Link.SUBJECT.value: "their subjects alone to pull requests, which the forge's evidence does not hold",
}


def test(tables: Tables, context: Context) -> Result:
    """Every landing; those behind which there is neither a pull request nor a reviewed change fail."""
    landings = tables["landings"]
    population = landings.assign(subject=commit(landings), at=landings["landed_at"])
    lone = landings["link"].eq(Link.NONE) | landings["kind"].eq(LandingKind.DIRECT)
    merged = lone & _merged_by_forge(landings, tables)
    rows = population[lone & ~merged].reset_index(drop=True)
    rows = _with_pusher(with_places(rows, tables), tables, context)
    return Result(
        population,
        failures(
            rows,
            expected="a pull request behind every change of the default branch",
            found=_found(rows) + _merged_elsewhere(rows, tables, context),
            evidence=plus(commit(rows), rows["pointer"]),
        ),
        (*_claims(landings, context), *_unexported(landings[merged], context), *_untimed(landings, context)),
    )


def _found(rows: pd.DataFrame) -> pd.Series:
    held = pd.Series("it", index=rows.index).where(rows["mainline_commits"].eq(1), "them")
    pushed = counted(rows["mainline_commits"], "commit") + " pushed to the default branch: no pull request"
    merged = "a branch merged into the default branch (" + counted(rows["commits"], "commit") + ")"
    branch = rows["via"].eq(Via.BRANCH_MERGE)
    return (pushed + " holds " + held).mask(branch, merged + ": no pull request holds it")


def _merged_elsewhere(rows: pd.DataFrame, tables: Tables, context: Context) -> pd.Series:
    """Of landings, the pull requests that ended in them but were merged into branches of other names."""
    former = {one.name: one.former_branches for one in context.settings.repositories}
    read = tables["repositories"]
    names = {
        repo: {branch, *former.get(repo, ())}
        for repo, branch in zip(read["repo"], read["branch"], strict=True)
    }
    pulls = tables["pull_requests"]
    own = [base in names.get(repo, ()) for repo, base in zip(pulls["repo"], pulls["base_ref"], strict=True)]
    pulls = pulls[pulls["merged_at"].notna() & ~pd.Series(own, index=pulls.index, dtype=bool)]
    main = tables["commits"][["repo", "sha", "position"]].dropna(subset=["position"])
    other = pulls.merge(main, left_on=["repo", "merge_sha"], right_on=["repo", "sha"])
    other = other[["repo", "number", "base_ref", "position"]].rename(columns={"position": "place"})
    hit = rows[["repo", "head_sha", "first_position", "position"]].merge(other, on="repo")
    hit = hit[hit["place"].between(hit["first_position"], hit["position"])].sort_values("number")
    said = hit.assign(said="#" + hit["number"].astype("str") + " (into " + hit["base_ref"] + ")")
    by_landing = joined(said, LANDING, "said", ", ").reset_index()
    told = rows[LANDING].merge(by_landing, on=LANDING, how="left")["said"].set_axis(rows.index)
    remedy = "; name former names of the default branch in repositories.former_branches"
    text: pd.Series = ("; merged into a branch of another name: " + told + remedy).fillna("").astype("str")
    return text


def _claims(landings: pd.DataFrame, context: Context) -> tuple[Gap, ...]:
    """A gap for each repository whose landings of the quarter rest on what their commits say of themselves."""
    weak = landings[landings["confidence"].eq(Confidence.WEAK) & context.holds(landings["landed_at"])]
    return tuple(
        Gap(f"{repo}: {len(rows)} of its landings are tied by {_CLAIMS[str(link)]}")
        for (repo, link), rows in weak.groupby(["repo", "link"], sort=True)
    )


def _merged_by_forge(landings: pd.DataFrame, tables: Tables) -> pd.Series:
    """Which landings end in what the forge recorded as the merge of a pull request (bool)."""
    operations = tables["git_operations"]
    merges = operations[operations["operation"].isin(("pr_merge", "merge_queue_merge"))]
    ends = pd.MultiIndex.from_frame(merges[["repo", "after"]])
    hit = pd.MultiIndex.from_frame(landings[LANDING]).isin(ends)
    return pd.Series(hit, index=landings.index)


def _unexported(landings: pd.DataFrame, context: Context) -> tuple[Gap, ...]:
    """A gap for each repository with landings of the quarter whose pull requests the forge merged but did not export."""
    rows = landings[context.holds(landings["landed_at"])]
    return tuple(
        Gap(
            f"{repo}: the forge merged pull requests that its export (github-pulls) does not hold: {', '.join(heads)}"
        )
        for repo, heads in rows.groupby("repo", sort=True)["head_sha"].agg(sorted).items()
    )


def _untimed(landings: pd.DataFrame, context: Context) -> tuple[Gap, ...]:
    """A gap for each landing outside of the quarter that may have been in it, for its date is not true.

    Its committer date lies outside of what the forge says of the landings around it, or after it was read.
    """
    order = landings.sort_values(["repo", "position"])
    sure = order["landed_at"].where(order["landed_at_source"].eq("forge"))
    before = sure.groupby(order["repo"]).cummax().groupby(order["repo"]).ffill()
    after = sure[::-1].groupby(order["repo"]).cummin().groupby(order["repo"]).ffill()[::-1]
    false = order["landed_at_source"].eq("mainline") | (
        order["landed_at_source"].eq("committer") & (order["landed_at"] > pd.Timestamp(context.as_of))
    )
    may = ~(before >= context.stop) & ~(after < context.start) & ~context.holds(order["landed_at"])
    return tuple(
        Gap(f"{where}: its committer date can't be true, so that it may have landed in the quarter")
        for where in commit(order[false & may])
    )


def _with_pusher(rows: pd.DataFrame, tables: Tables, context: Context) -> pd.DataFrame:
    """Who pushed: by the forge, else by the head commit's committer; and the pointer to the forge's record."""
    resolver = Resolver.of(tables, context.settings)
    heads = tables["commits"][["repo", "sha", "committer_email"]].rename(columns={"sha": "head_sha"})
    operations = tables["git_operations"]
    pushes = pd.DataFrame(
        {"repo": operations["repo"], "head_sha": operations["after"], "pointer": pointer(operations)}
    ).drop_duplicates(LANDING)
    rows = rows.merge(heads, on=LANDING, how="left").merge(pushes, on=LANDING, how="left")
    by_forge = resolver.resolve(rows["pusher"], "github", rows["landed_at"])["person"]
    by_git = resolver.resolve(rows["committer_email"], "git", rows["landed_at"])["person"]
    raw = rows["pusher"].fillna(rows["committer_email"])
    return rows.assign(
        person=by_forge.where(rows["pusher"].notna(), by_git).where(raw.notna()), person_raw=raw
    )


CONTROL = Control(
    id="CHG-01",
    page=__doc__,
    clause="Workflow › Development › Feature branches and pull requests",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC8.1", "CC6.8"),
        "ISO 27001": ("8.4", "8.32"),
        "NIST 800-53": ("CM-5", "CM-3(7)"),
        "PCI DSS": ("6.5.1",),
        "CIS / SLSA": ("S 1.1.15", "SLSA L3"),
    },
    needs=(GIT, PULLS),
    remediation="Review what was pushed after the fact, and require pull requests on the default branch for everyone.",
    examples=EXAMPLES,
    test=test,
)
