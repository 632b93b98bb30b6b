"""Whoever landed or approved a change had completed the required trainings.

## Why
A review is worth what the reviewer knows. Whoever may change production must know how changes are made here, with which tools,
how secrets are kept, and what to do when something breaks.

## Evidence
The records of trainings; the changes that landed, who opened, wrote, merged or pushed them, and who approved them, through the roster. Each person
and training is one item; it fails at the first change in the quarter at which the training was not held. `training.required` names the
trainings, `training.valid_days` says for how long they hold, and `training.grace_days` how long who is new has for them.

## Limits
Who is not in the roster has no records to look for: CHG-03 and CHG-08 report them. Machines learn nothing. Records say that
somebody took part, not what they learnt. Whose commits others cherry-picked did nothing when the copies landed: who opened and
merged them is asked. Such a copy names its origin, has its author and time, and another committer; contents are not compared.

## Remediation
Have the training done, and let its system remind people before it expires.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Result, Tables, failures
from audit.controls.needs import GIT, PULLS, REVIEWS, ROSTER, TRAININGS
from audit.controls.parts import pointer, when
from audit.joins.identity import Resolver, System
from audit.model import PrincipalKind, Severity

_WHO = ["person", "training"]
_COPY = ["repo", "head_sha", "person"]
_WRITTEN = ["author_email", "author_time"]
_NAMED: tuple[System, ...] = ("roster", "git", "github", "sso")
"""Systems whose names records of trainings may give, tried in this order."""
_ONE = {"training": {"required": ["Git"]}}
_PEOPLE = """
        people
        | person | name  | joined     |
        | ada    | Ada   | 2020-01-01 |
        | grace  | Grace | 2026-07-01 |
        | eve    | Eve   | 2020-01-01 |
        identities
        | system | identifier        | person |
        | git    | grace@example.com | grace  |
        | github | grace             | grace  |
        landings
        | head_sha | position | landed_at        |
        | a1…      | 1        | 2026-08-02 00:00 |
"""
_COPIES = """
        people
        | person |
        | ada    |
        | ben    |
        | eve    |
        identities
        | system | identifier  | person |
        | git    | ada@acme.io | ada    |
        | git    | eve@acme.io | eve    |
        trainings
        | person | training | status    | completed_at |
        | eve    | Git      | completed | 2026-06-01   |
        landings
        | head_sha | first_position | position | landed_at        |
        | a1…      | 1              | 1        | 2026-03-02 00:00 |
        | b2…      | 2              | 3        | 2026-08-02 00:00 |
        changes
        | head_sha | pr_number | landed_at        | opener | authors     |
        | a1…      | 7         | 2026-03-02 00:00 | ada    | ada         |
        | b2…      | 8         | 2026-08-02 00:00 | eve    | ada ben eve |
        commits
        | sha | landed_by | author_email | author_time      | committer_email | picked |
        | a1… | 1         | ada@acme.io  | 2026-03-01 10:00 | ada@acme.io     |        |
"""
"""What Ada wrote in March, and what landed in August with it; examples tell of which commits that was made."""

EXAMPLES = (
    Example(
        title="training that holds at the very moment of the change passes, also under an address of the person; who pressed the button is not asked",
        given=_PEOPLE.replace(
            "| landed_at        |\n        | a1…      | 1        | 2026-08-02 00:00 |",
            "| landed_at        | pr_number | pusher |\n        | a1…      | 1        | 2026-08-02 00:00 | 7         | eve    |",
        ).replace(
            "| github | grace             | grace  |",
            "| github | grace             | grace  |\n        | github | eve               | eve    |",
        )
        + """
        changes
        | head_sha | pr_number | landed_at        | opener |
        | a1…      | 7         | 2026-08-02 00:00 | ada    |
        reviews
        | number | review_id | reviewer | state    | submitted_at     |
        | 7      | 1         | grace    | APPROVED | 2026-08-01 10:00 |
        trainings
        | person            | training | status    | completed_at        | expires_at |
        | ada               | git      | completed | 2025-08-02 00:00:01 |            |
        | GRACE@example.com | Git      | completed | 2026-08-01          | 2027-01-01 |
        """,
        settings=_ONE,
        conclusion="effective",
    ),
    Example(
        title="never, expired at that very moment, completed a second too late, and failed",
        given=_PEOPLE.replace("2026-07-01", "2020-01-01")
        + """
        changes
        | head_sha | pr_number | landed_at        | opener |
        | a1…      | 7         | 2026-08-02 00:00 | ada    |
        reviews
        | number | review_id | reviewer | state    | submitted_at     |
        | 7      | 1         | grace    | APPROVED | 2026-08-01 10:00 |
        trainings
        | person | training | status    | completed_at        | expires_at |
        | ada    | Git      | completed | 2025-08-02 00:00:00 |            |
        | ada    | Tools    | completed | 2026-01-02          | 2026-08-02 |
        | grace  | Git      | completed | 2026-08-01 10:00:01 |            |
        | grace  | Tools    | failed    | 2026-07-01          |            |
        """,
        settings={"training": {"required": ["Git", "Tools"]}},
        conclusion="exceptions",
        exceptions="""
        | subject     | found                                             |
        | ada:Git     | it held until 2026-08-02T00:00:00Z                |
        | ada:Tools   | it held until 2026-08-02T00:00:00Z                |
        | grace:Git   | there is no record that it was completed before   |
        | grace:Tools | there is no record that it was completed before   |
        """,
    ),
    Example(
        title="newcomers have time; who pushed directly is asked too; machines and unknown people are not",
        given=_PEOPLE
        + """
        landings
        | head_sha | position | landed_at           | pusher |
        | a1…      | 1        | 2026-07-30 23:59:59 | grace  |
        | a2…      | 2        | 2026-07-31 00:00:00 | grace  |
        | a3…      | 3        | 2026-08-30 00:00:00 | x[bot] |
        | a4…      | 4        | 2026-08-30 00:00:00 | nobody |
        trainings
        | person | training | status    | completed_at |
        | ada    | Git      | completed | 2026-01-02   |
        """,
        settings=_ONE,
        conclusion="exceptions",
        exceptions="""
        | subject   | evidence                 |
        | grace:Git | netbpf/netbpf-gitops@a2… |
        """,
    ),
    Example(
        title="whoever wrote a part of it or merged it landed it, too; whom nobody knows is not asked",
        given="""
        people
        | person |
        | ada    |
        | ben    |
        | eve    |
        identities
        | system | identifier | person |
        | github | eve        | eve    |
        trainings
        | person | training | status    | completed_at |
        | ada    | Git      | completed | 2026-06-01   |
        changes
        | head_sha | pr_number | landed_at        | opener | authors               |
        | a1…      | 7         | 2026-08-02 00:00 | ada    | ada ben git:x@acme.io |
        pull_requests
        | number | merged_by |
        | 7      | eve       |
        | 8      | ada       |
        """,
        settings=_ONE,
        conclusion="exceptions",
        exceptions="""
        | subject |
        | ben:Git |
        | eve:Git |
        """,
    ),
    Example(
        title="whose change others cherry-picked is not asked when the copy lands; who opened the copy, and who wrote more of it, is",
        given=_COPIES
        + """\
        | b2… | 3         | ada@acme.io  | 2026-03-01 10:00 | eve@acme.io     | a1…    |
        """,
        settings=_ONE,
        conclusion="exceptions",
        exceptions="""
        | subject |
        | ben:Git |
        """,
    ),
    Example(
        title="who writes that a commit was cherry-picked, and wrote it just now, wrote it",
        given=_COPIES
        + """\
        | b2… | 3         | ada@acme.io  | 2026-08-01 10:00 | eve@acme.io     | a1…    |
        """,
        settings=_ONE,
        conclusion="exceptions",
        exceptions="""
        | subject |
        | ada:Git |
        | ben:Git |
        """,
    ),
    Example(
        title="a copy that its author made is the author's",
        given=_COPIES
        + """\
        | b2… | 3         | ada@acme.io  | 2026-03-01 10:00 | ada@acme.io     | a1…    |
        """,
        settings=_ONE,
        conclusion="exceptions",
        exceptions="""
        | subject |
        | ada:Git |
        | ben:Git |
        """,
    ),
    Example(
        title="who wrote more of what lands beside the copy of an own change is asked",
        given=_COPIES
        + """\
        | c3… | 2         | ada@acme.io  | 2026-08-01 10:00 | ada@acme.io     |        |
        | b2… | 3         | ada@acme.io  | 2026-03-01 10:00 | eve@acme.io     | a1…    |
        """,
        settings=_ONE,
        conclusion="exceptions",
        exceptions="""
        | subject |
        | ada:Git |
        | ben:Git |
        """,
    ),
    Example(
        title="without records of trainings nobody can be told to have learnt anything",
        given=_PEOPLE,
        without=("trainings",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Each person who landed or approved in the quarter, with each training."""
    rules = context.settings.training
    resolver = Resolver.of(tables, context.settings)
    acts = _acts(tables, resolver)
    acts = acts[context.holds(acts["at"])]
    names = pd.DataFrame({"training": list(rules.required)}, dtype="str")
    asked = acts.merge(names, how="cross").sort_values(["at", *_WHO], kind="stable")
    held = _held(tables, context, resolver).sort_values("completed_at", kind="stable")
    judged = pd.merge_asof(
        asked.assign(wanted=asked["training"].str.casefold()),
        held,
        left_on="at",
        right_on="completed_at",
        by=["person", "wanted"],
        direction="backward",
    )
    joined = judged[["person"]].merge(tables["people"][["person", "joined"]], on="person", how="left")[
        "joined"
    ]
    new = judged["at"].lt(joined + pd.Timedelta(days=rules.grace_days)).fillna(False).astype(bool)
    lacks = ~judged["until"].gt(judged["at"]).fillna(False).astype(bool)
    judged = judged.assign(subject=judged["person"] + ":" + judged["training"])
    failed = judged[lacks & ~new].drop_duplicates(_WHO).reset_index(drop=True)
    never = "there is no record that it was completed before"
    held_until = ("it held until " + when(failed["until"])).where(failed["until"].notna(), never)
    population = judged.drop_duplicates(_WHO)[["subject", "at"]]
    return Result(
        population,
        failures(
            failed,
            expected="the training completed, and not expired, at every change landed or approved",
            found=held_until,
            evidence=failed["pointer"],
        ),
    )


def _acts(tables: Tables, resolver: Resolver) -> pd.DataFrame:
    """`person` (of the roster), `at` and `pointer` of every change that somebody landed or approved."""
    changes = tables["changes"]
    told = changes.assign(at=changes["landed_at"], pointer=pointer(changes))
    wrote = told.assign(person=told["authors"].str.split()).explode("person").astype({"person": "str"})
    wrote = wrote.merge(_copied(tables, resolver), on=_COPY, how="left", indicator="copied")
    wrote = wrote[wrote["copied"].eq("left_only")]
    opened = told.assign(person=told["opener"])
    merged = told.merge(
        tables["pull_requests"][["repo", "number", "merged_by"]],
        left_on=["repo", "pr_number"],
        right_on=["repo", "number"],
    )
    merged = merged.assign(person=resolver.resolve(merged["merged_by"], "github", merged["at"])["person"])
    said = tables["reviews"]
    said = said[said["state"].eq("APPROVED")].rename(columns={"number": "pr_number", "submitted_at": "at"})
    said = said.merge(changes[["repo", "pr_number"]], on=["repo", "pr_number"])
    approved = resolver.resolve(said["reviewer"], "github", said["at"])[["person"]].assign(
        at=said["at"], pointer=pointer(said)
    )
    landed = tables["landings"]
    landed = landed[landed["pr_number"].isna() & landed["pusher"].notna()]
    pushed = resolver.resolve(landed["pusher"], "github", landed["landed_at"])[["person"]].assign(
        at=landed["landed_at"], pointer=landed["repo"] + "@" + landed["head_sha"]
    )
    acts = pd.concat(
        [part[["person", "at", "pointer"]] for part in (opened, wrote, merged, approved, pushed)],
        ignore_index=True,
    )
    people = tables["people"]
    known = people.loc[people["kind"].eq(PrincipalKind.PERSON.value), "person"]
    return acts[acts["person"].isin(known) & acts["at"].notna()]


def _copied(tables: Tables, resolver: Resolver) -> pd.DataFrame:
    """`repo`, `head_sha` and `person` of those of whom a landing has nothing but commits that others copied.

    Such a commit says which one it was cherry-picked from, has its author and the moment of its writing, and was committed by
    somebody else: what somebody writes under such words in a commit of one's own is none.
    """
    commits = tables["commits"].sort_values("landed_by", kind="stable")
    landings = tables["landings"].sort_values("position", kind="stable")
    own = pd.merge_asof(
        commits, landings[["repo", "position", "head_sha", "landed_at"]].rename(columns={"position": "landed_by"}),
        on="landed_by", by="repo", direction="forward",
    ).dropna(subset=["head_sha"])  # fmt: skip
    origins = commits[["repo", "sha", *_WRITTEN]].rename(columns={"sha": "picked"})
    own = own.merge(origins.assign(copied=True), on=["repo", "picked", *_WRITTEN], how="left")
    wrote = resolver.resolve(own["author_email"], "git", own["landed_at"])["person"]
    put = resolver.resolve(own["committer_email"], "git", own["landed_at"])["person"]
    own = own.assign(person=wrote, copied=own["copied"].notna() & put.ne(wrote))
    every = own.groupby(_COPY, as_index=False).agg(copied=("copied", "all"))
    return every[every["copied"]][_COPY]


def _held(tables: Tables, context: Context, resolver: Resolver) -> pd.DataFrame:
    """`person`, `wanted` (the training, case folded), `completed_at` and `until` of every training completed."""
    rows = tables["trainings"]
    rows = rows[rows["status"].eq("completed") & rows["completed_at"].notna()].copy()
    limit = rows["completed_at"] + pd.Timedelta(days=context.settings.training.valid_days)
    until = limit.where(~rows["expires_at"].lt(limit).fillna(False).astype(bool), rows["expires_at"])
    raw = rows["person"].str.strip()
    person = pd.Series(pd.NA, index=rows.index, dtype="str")
    for system in _NAMED:
        who = resolver.resolve(raw, system, rows["completed_at"])
        person = person.fillna(who["person"].where(who["known"]))
    rows = rows.assign(person=person, wanted=rows["training"].str.strip().str.casefold(), until=until)
    rows = rows[rows["person"].notna()].sort_values(["person", "wanted", "completed_at", "until"])
    latest = rows.groupby(["person", "wanted"])["until"].cummax()
    return rows.assign(until=latest)[["person", "wanted", "completed_at", "until"]]


CONTROL = Control(
    id="TRN-01",
    page=__doc__,
    clause="Training and Documentation › Required Training",
    severity=Severity.MEDIUM,
    frameworks={"SOC 2": ("CC1.4",), "ISO 27001": ("6.3",), "NIST 800-53": ("AT-2", "AT-3")},
    needs=(GIT, PULLS, REVIEWS, ROSTER, TRAININGS),
    remediation="Have the training done, and remind people before it expires.",
    examples=EXAMPLES,
    test=test,
)
