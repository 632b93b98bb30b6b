"""Only people of the roster may write to repositories or administer them, at the level of their role.

## Why
Who may write can land changes; who administers a repository can switch its protection off. A right outlives its reason
unless somebody looks.

## Evidence
GitHub's lists of collaborators, which hold the rights that come by teams and by the organisation too; its lists of the
organisation's members; the roster. A right is judged in the lists that were made in the quarter, and in those made within
`thresholds.snapshot_days` after it, which tell how it ended. `access.roles` says which level a role may hold,
`access.level` which one all others may.

## Limits
A list tells one moment: what was granted and taken away between two is not seen.
Machines must be in the roster; they are no members. A list of which nothing says when it was made is no evidence.

## Remediation
Take the right away, or bring the roster, the role or `access` up to date by a reviewed change.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import GRANTS, MEMBERS, ROSTER, repositories
from audit.controls.parts import counted, pointed, pointer
from audit.joins.identity import Resolver
from audit.joins.rights import lists
from audit.model import PrincipalKind, Severity

LEVELS = {name: rank for rank, name in enumerate(("none", "pull", "triage", "push", "maintain", "admin"))}
_WRITES = LEVELS["push"]

_PEOPLE = """
        people
        | person | joined     | left       | kind    |
        | ada    | 2020-01-01 |            | person  |
        | grace  | 2020-01-01 | 2026-09-30 | person  |
        | new    | 2026-10-02 |            | person  |
        | ci     |            |            | machine |
        roles
        | person | role     |
        | ada    | lead     |
        | grace  | engineer |
        | new    | engineer |
        identities
        | system | identifier | person |
        | github | ada        | ada    |
        | github | gracehub   | grace  |
        | github | new        | new    |
        | github | ci[bot]    | ci     |
        memberships
        | scope        | login    | role   |
        | organisation | Ada      | admin  |
        | organisation | gracehub | member |
        | organisation | new      | member |
"""
_ROLES = {"access": {"roles": {"lead": "admin"}, "max_admins": 1}}

EXAMPLES = (
    Example(
        title="a lead who administers, a machine, a newcomer on the first day, and readers whoever they are, pass",
        given=_PEOPLE
        + """
        repo_grants
        | holder_kind | holder  | role  | level | line |
        | person      | ADA     | admin | admin | 1    |
        | person      | new     | write | push  | 2    |
        | machine     | ci[bot] | write | push  | 3    |
        | person      | nobody  | read  | pull  | 4    |
        | team        | core    | admin | admin | 5    |
        """,
        settings=_ROLES,
        conclusion="effective",
    ),
    Example(
        title="unknown, departed by the quarter's last day, outside the organisation, above the role's level",
        given=_PEOPLE.replace("| organisation | new      | member |", "")
        + """
        repo_grants
        | holder_kind | holder   | role     | level    | line |
        | person      | nobody   | write    | push     | 1    |
        | person      | gracehub | write    | push     | 2    |
        | person      | new      | maintain | maintain | 3    |
        | machine     | x[bot]   | write    | push     | 4    |
        """,
        settings=_ROLES,
        conclusion="exceptions",
        exceptions="""
        | subject                        | found |
        | netbpf/netbpf-gitops:nobody    | push: is not in the roster |
        | netbpf/netbpf-gitops:gracehub  | push: left on 2026-09-30 |
        | netbpf/netbpf-gitops:new       | maintain: is no member of the organisation, may hold push |
        | netbpf/netbpf-gitops:x[bot]    | push: is not in the roster |
        """,
    ),
    Example(
        title="who left on the first day after the quarter held the right while it lasted; who has not joined holds none",
        given=_PEOPLE.replace("2026-09-30", "2026-10-01").replace("2026-10-02", "2026-10-03")
        + """
        repo_grants
        | holder_kind | holder   | role  | level | line |
        | person      | gracehub | write | push  | 1    |
        | person      | new      | write | push  | 2    |
        """,
        settings=_ROLES,
        conclusion="exceptions",
        exceptions="""
        | subject                  | found                          |
        | netbpf/netbpf-gitops:new | push: joins only on 2026-10-03 |
        """,
    ),
    Example(
        title="a role counts as it was held when the list was made: who led until the day before may no longer administer",
        given=_PEOPLE.replace(
            "| person | role     |\n        | ada    | lead     |",
            "| person | role | since | until |\n        | ada | lead | | 2026-09-30 |\n        | ada | engineer | 2026-09-30 | |",
        ).replace("        | grace  | engineer |\n        | new    | engineer |\n", "")
        + f"""
        repo_grants
        | holder_kind | holder | role  | level | line | evidence   |
        | person      | ada    | admin | admin | 1    | {"a" * 64} |
        | person      | ada    | admin | admin | 1    | {"b" * 64} |
        evidence_objects
        | source_name | key | format               | records | kept | last_modified       | collected_at | sha256     |
        | a           | 1   | github-collaborators | 1       | 1    | 2026-09-29 23:59:59 | 2026-10-02   | {"a" * 64} |
        | a           | 2   | github-collaborators | 1       | 1    | 2026-09-30 00:00:00 | 2026-10-02   | {"b" * 64} |
        | a           | 3   | github-members       | 1       | 1    | 2026-10-01 00:00:00 | 2026-10-02   | {"0" * 64} |
        """,
        settings=_ROLES,
        conclusion="exceptions",
        exceptions=f"""
        | subject                 | found                | evidence     |
        | netbpf/netbpf-gitops:ada | admin: may hold push | {"b" * 64}:1 |
        """,
    ),
    Example(
        title="one more than may administer",
        given=_PEOPLE
        + """
        repo_grants
        | holder_kind | holder  | role  | level | line |
        | person      | ada     | admin | admin | 1    |
        | machine     | ci[bot] | admin | admin | 2    |
        """,
        settings={"access": {"roles": {"lead": "admin"}, "level": "admin", "max_admins": 1}},
        conclusion="exceptions",
        exceptions="""
        | subject                     | found                    |
        | netbpf/netbpf-gitops:admins | 2 holders: ADA, ci[bot]  |
        """.replace("ADA", "ada"),
    ),
    Example(
        title="a list of the quarter's beginning says nothing of its end, but what it shows stands",
        given=_PEOPLE
        + """
        repo_grants
        | holder_kind | holder | role  | level |
        | person      | nobody | write | push  |
        evidence_objects
        | source_name | key | format               | records | kept | last_modified    | collected_at |
        | a           | 1   | github-collaborators | 1       | 1    | 2026-07-01 00:00 | 2026-10-02   |
        | a           | 2   | github-members       | 1       | 1    | 2026-10-02 00:00 | 2026-10-02   |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                     | found                      |
        | netbpf/netbpf-gitops:nobody | push: is not in the roster |
        """,
    ),
    Example(
        title="a list made too long after the quarter tells nothing of it",
        given=_PEOPLE
        + """
        repo_grants
        | holder_kind | holder | role  | level |
        | person      | nobody | write | push  |
        evidence_objects
        | source_name | key | format               | records | kept | last_modified       | collected_at |
        | a           | 1   | github-collaborators | 1       | 1    | 2026-10-09 00:00:01 | 2026-10-10   |
        | a           | 2   | github-members       | 1       | 1    | 2026-10-02 00:00:00 | 2026-10-10   |
        """,
        conclusion="not tested",
    ),
    Example(
        title="without lists of rights nobody knows who may write",
        given=_PEOPLE,
        without=("github-collaborators",),
        conclusion="not tested",
    ),
    Example(
        title="without a roster nobody can be told from anybody else",
        given="",
        without=("roster",),
        conclusion="not tested",
    ),
    Example(
        title="lists may be as old, as late and as far apart as snapshots may",
        given=_PEOPLE
        + """
        repo_grants
        | holder_kind | holder | role  | level |
        | person      | ada    | admin | admin |
        evidence_objects
        | source_name | key | format               | records | kept | last_modified    | collected_at |
        | a           | 1   | github-collaborators | 1       | 1    | 2026-10-09 00:00 | 2026-10-10   |
        | a           | 2   | github-members       | 1       | 1    | 2026-10-01 00:00 | 2026-10-10   |
        """,
        settings=_ROLES,
        conclusion="effective",
    ),
    Example(
        title="a list made as long before the quarter's end as snapshots may be apart tells of it",
        given=_PEOPLE
        + f"""
        repo_grants
        | holder_kind | holder | role  | level | evidence   |
        | person      | ada    | admin | admin | {"a" * 64} |
        evidence_objects
        | source_name | key | format               | records | kept | last_modified    | collected_at | sha256     |
        | a           | 1   | github-collaborators | 1       | 1    | 2026-09-23 00:00 | 2026-10-02   | {"a" * 64} |
        | a           | 2   | github-collaborators | 1       | 1    | 2026-10-02 00:00 | 2026-10-02   | {"b" * 64} |
        | a           | 3   | github-members       | 1       | 1    | 2026-10-01 00:00 | 2026-10-02   | {"0" * 64} |
        """,
        settings=_ROLES,
        conclusion="effective",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Each holder of write or more in each repository, and each repository's number of administrators."""
    seen = _lists(tables, context, "github-collaborators")
    members = _lists(tables, context, "github-members")
    held = tables["repo_grants"].merge(seen, on="evidence")
    listed = held["repo"].unique()
    held = held[held["holder_kind"].ne("team") & held["level"].map(LEVELS).ge(_WRITES)]
    held = held.sort_values(["at", "repo", "holder", "line"], kind="stable").reset_index(drop=True)
    belongs = tables["memberships"].merge(members, on="evidence")
    belongs = belongs[belongs["scope"].eq("organisation")]
    near = pd.Timedelta(days=context.settings.thresholds.snapshot_days)
    logins = {
        made: set(belongs.loc[(belongs["made"] - made).abs().le(near), "login"].str.casefold())
        for made in held["made"].unique()
    }
    held = _judged(held, tables, context, logins)
    bad = held[held["found"].ne("")].drop_duplicates("subject").reset_index(drop=True)
    admins = _admins(held, context.settings.access.max_admins)
    counts = pd.DataFrame({"subject": pd.Series(listed, dtype="str") + ":admins"})
    population = pd.concat([held.drop_duplicates("subject")[["subject", "at"]], counts], ignore_index=True)
    return Result(
        population.astype({"subject": "str", "at": "datetime64[us, UTC]"}),
        pd.concat(
            [
                failures(
                    bad,
                    person_raw=bad["holder"],
                    expected="a person or machine of the roster, at the level of the role",
                    found=bad["level"] + ": " + bad["found"],
                    evidence=pointer(bad),
                ),
                failures(admins, expected=f"at most {context.settings.access.max_admins} who administer it"),
            ],
            ignore_index=True,
        ),
        _gaps(tables, context, members),
    )


def _lists(tables: Tables, context: Context, name: str) -> pd.DataFrame:
    """Lists of a format that tell of the quarter: `evidence`, `at` (at most the quarter's last second) and `made`."""
    found = lists.standing(lists.made(tables["evidence_objects"], context.settings, (name,)))
    made = found["made"]
    after = pd.Timedelta(days=context.settings.thresholds.snapshot_days)
    told = made.ge(context.start) & made.le(context.stop + after)
    last = context.stop - pd.Timedelta(seconds=1)
    found = pd.DataFrame({"evidence": found["evidence"], "made": made, "at": made.mask(made.gt(last), last)})
    return found[told].drop_duplicates()


def _judged(
    held: pd.DataFrame, tables: Tables, context: Context, members: dict[pd.Timestamp, set[str]]
) -> pd.DataFrame:
    """Rights with `subject`, `person` and what is wrong with them (`found`; empty for nothing)."""
    resolver = Resolver.of(tables, context.settings)
    who = resolver.resolve(held["holder"], "github", held["at"])
    roster = tables["people"].drop_duplicates("person").set_index("person")[["joined", "left"]]
    facts = roster.reindex(who["person"]).set_axis(held.index)
    role = resolver.held(who["person"], held["at"])["role"]
    rules = context.settings.access
    allowed = role.map(dict(rules.roles)).astype("str").fillna(rules.level)
    listed = zip(held["holder"].str.casefold(), held["made"], strict=True)
    belongs = pd.Series([login in members[made] for login, made in listed], index=held.index, dtype=bool)
    outside = ~belongs & who["kind"].ne(PrincipalKind.MACHINE.value)
    gone = resolver.gone(who["person"], held["at"])
    early = facts["joined"].gt(held["made"]).fillna(False).astype(bool)
    parts = (
        (gone, "left on " + facts["left"].dt.strftime("%Y-%m-%d").astype("str")),
        (early, "joins only on " + facts["joined"].dt.strftime("%Y-%m-%d").astype("str")),
        (outside & ~gone, pd.Series("is no member of the organisation", index=held.index, dtype="str")),
        (held["level"].map(LEVELS).gt(allowed.map(LEVELS)), "may hold " + allowed),
    )
    found = pd.Series("", index=held.index, dtype="str")
    for holds, words in parts:
        found = found + (words + ", ").fillna("").where(holds.astype(bool), "")
    found = found.str.removesuffix(", ").where(who["known"], "is not in the roster")
    return held.assign(subject=held["repo"] + ":" + held["holder"], person=who["person"], found=found)


def _admins(held: pd.DataFrame, limit: int) -> pd.DataFrame:
    """The first list of each repository in which more than `limit` administer it, as an exception's facts."""
    by = ["repo", "made", "at"]
    rows = held[held["level"].eq("admin")].assign(holder=lambda r: r["holder"].astype("str"))
    rows = rows.drop_duplicates([*by, "holder"]).sort_values([*by, "holder"], kind="stable")
    several = rows.groupby(by, sort=True)["holder"].agg(["size", ", ".join]).reset_index()
    several = several[several["size"].gt(limit)].drop_duplicates("repo").merge(pointed(rows, by), on=by)
    found = counted(several["size"], "holder") + ": " + several["join"].astype("str")
    return several.assign(subject=several["repo"] + ":admins", found=found, evidence=several["pointers"])


def _gaps(tables: Tables, context: Context, members: pd.DataFrame) -> tuple[Gap, ...]:
    """Repositories of which no list tells of the quarter's end, and members of which none does."""
    seen = _lists(tables, context, "github-collaborators")
    days = pd.Timedelta(days=context.settings.thresholds.snapshot_days)
    rows = tables["repo_grants"].merge(seen, on="evidence")
    late = set(rows.loc[rows["made"].ge(context.stop - days), "repo"])
    gaps = [
        Gap(
            f"{name}: no list of its collaborators was made within {days.days} days of the quarter's end",
            repo=name,
        )
        for name in repositories(tables, context)
        if name not in late
    ]
    if members.empty:
        gaps.append(
            Gap("no list of the organisation's members is of the quarter: who is an outsider can't be told")
        )
    return tuple(gaps)


CONTROL = Control(
    id="ACC-01",
    page=__doc__,
    clause="Security Controls › Access Control › RBAC for Git repositories",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC6.1", "CC6.2", "CC6.3"),
        "ISO 27001": ("5.15", "5.18", "8.2"),
        "NIST 800-53": ("AC-2", "AC-6", "CM-5(5)"),
        "PCI DSS": ("7.2.4", "7.2.5"),
        "CIS / SLSA": ("S 1.3.1", "S 1.3.3"),
    },
    needs=(ROSTER, GRANTS, MEMBERS),
    remediation="Take the right away, or bring the roster or the role up to date by a reviewed change.",
    examples=EXAMPLES,
    test=test,
)
