"""Rights are reviewed every quarter, by somebody else than their holder, and what is revoked is gone in time.

## Why
Rights are granted when they are needed and stay when they are not. Nothing takes them away but somebody who looks, and a
decision to revoke that nobody carries out is worse than none: everybody believes that the right is gone.

## Evidence
Records of access reviews (`audit access-review` writes a worksheet for them), the lists of rights that the systems gave
before and after, and what was done in them. A review belongs to the quarter in which it was decided, at the latest
`access.review_days` after its rights were listed. Each right of it is an item: decided in time, by somebody of the roster who
neither holds nor granted it. A right that a system listed then and no review of the quarter has is an exception, too. What was revoked or
changed is an item of the quarter in which it had to be gone, `access.removal_days` after the decision: the first list made
after that must have it no more, and the holder must not have used it since.

## Limits
Of a right of somebody whom the roster does not know nothing proves that the reviewer is somebody else: it is named. A use is only
told to be that of a revoked right where its holder had no other in the system. Who granted a right is known
where the forge's or the cluster's log shows it. Rights that only logs show (Vault's tokens, groups of single sign-on) stand in
no list, so that nothing proves them gone. A right that comes back by another way counts as never gone.

## Remediation
Review the rights with somebody who can judge their need, take away what is not needed, and keep the proof.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import ACCESS_REVIEWS, ROSTER
from audit.controls.parts import counted, plus, pointer, when
from audit.joins.rights.decided import settled
from audit.model import Severity

_TAKEN = ("revoke", "change")

_PEOPLE = """
        people
        | person |
        | ada    |
        | ben    |
        | cam    |
        | dee    |
        | eve    |
        | grace  |
"""
_LINES = (
    _PEOPLE
    + """
        access_decisions
        | review | listed_at  | due_at     | system | subject | person | right | decision | decided_at | reviewer_person | outcome   | line |
        | Q3     | 2026-07-01 | 2026-07-31 | prod   | ada     | ada    | edit  | keep     | 2026-07-31 | grace           | not asked | 1    |
"""
)
_REMOVALS = (
    _PEOPLE
    + """
        access_decisions
        | review | listed_at  | due_at     | system | subject | person | right | decision | decided_at | reviewer_person | outcome     | line | removal_due_at | removed_at | checked_at | checked_in | used_at    | used_in |
        | Q3     | 2026-07-01 | 2026-07-31 | prod   | eve     | eve    | edit  | revoke   | 2026-07-02 | grace           | gone        | 1    | 2026-07-16     | 2026-07-16 | 2026-10-01 | l1         |            |         |
"""
)

EXAMPLES = (
    Example(
        title="every right was decided on the last day, by somebody else",
        given=_LINES,
        conclusion="effective",
    ),
    Example(
        title="what was revoked is gone in the next list, taken away on the last day",
        given=_REMOVALS,
        conclusion="effective",
    ),
    Example(
        title="no review was decided in the quarter: one is of the quarter before, one is due in the next",
        given="""
        access_decisions
        | review | listed_at  | due_at     | system | subject | right | decision | decided_at | line |
        | Q2     | 2026-04-01 | 2026-05-01 | prod   | ada     | edit  | keep     | 2026-04-09 | 1    |
        | Q4     | 2026-09-20 | 2026-10-20 | prod   | ada     | edit  | open     |            | 2    |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject       | found                                              |
        | review:2026Q3 | no review of access was decided or due in 2026Q3   |
        """,
    ),
    Example(
        title="late, never decided, on no day, by its holder, by who granted it, and left out",
        given=_LINES
        + """
        | Q3     | 2026-07-01 | 2026-07-31 | prod   | ben     | ben    | edit  | keep     | 2026-08-01 | grace           | not asked | 2    |
        | Q3     | 2026-07-01 | 2026-07-31 | prod   | cam     | cam    | edit  | open     |            |                 | not asked | 3    |
        | Q3     | 2026-07-01 | 2026-07-31 | prod   | dee     | dee    | edit  | keep     |            | grace           | not asked | 4    |
        | Q3     | 2026-07-01 | 2026-07-31 | prod   | grace   | grace  | edit  | keep     | 2026-07-09 | grace           | not asked | 5    |
        | Q3     | 2026-07-01 | 2026-07-31 | prod   | x@y.z   |        | edit  | left out |            |                 | not asked | 6    |
        | Q4     | 2026-09-20 | 2026-10-20 | a/b    | y@y.z   |        | push  | left out |            |                 | not asked | 7    |
        | Q3     | 2026-07-01 | 2026-07-31 |        | fay     | fay    | edit  | open     |            |                 | not asked | 8    |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject            | cluster | repo | found                                                               |
        | review:Q3          |         |      | 1 right of 6 was decided late, the last on 2026-08-01               |
        | Q3:prod:cam:edit   | prod    |      | nobody decided by 2026-07-31                                        |
        | Q3:prod:dee:edit   | prod    |      | keep, on a day that nobody wrote down                               |
        | Q3:prod:grace:edit | prod    |      | reviewed by its own holder                                          |
        | Q3:prod:x@y.z:edit | prod    |      | the system listed it on 2026-07-01, and the review does not have it |
        | Q4:a/b:y@y.z:push  |         | a/b  | the system listed it on 2026-09-20, and the review does not have it |
        | Q3::fay:edit       |         |      | nobody decided by 2026-07-31                                        |
        """,
    ),
    Example(
        title="who granted it may not review it",
        given=_LINES.replace("| line |", "| line | granted_by |").replace(
            "| 1    |", "| 1    | grace      |"
        ),
        conclusion="exceptions",
        exceptions="""
        | subject          | found                       |
        | Q3:prod:ada:edit | reviewed by who granted it  |
        """,
    ),
    Example(
        title="whom nobody knows may be the holder: as the reviewer, who must be of the roster",
        given=_LINES
        + """
        | Q3     | 2026-07-01 | 2026-07-31 | prod   | ben     | ben    | edit  | keep     | 2026-07-31 | someone@gmail.com | not asked | 2    |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject          | found                                       |
        | Q3:prod:ben:edit | reviewed by somebody who is not in the roster |
        """,
    ),
    Example(
        title="whom nobody knows may be the reviewer: as the holder",
        given=_LINES
        + """
        | Q3     | 2026-07-01 | 2026-07-31 | prod   | b@x.y   | b@x.y  | edit  | keep     | 2026-07-31 | grace           | not asked | 2    |
        """,
        conclusion="not tested",
    ),
    Example(
        title="machines and groups review nothing; who holds what was left open, or is judged in another quarter, is no matter here",
        given=_LINES.replace("| line |", "| line | holder_kind |").replace(
            "| 1    |", "| 1    | person      |"
        )
        + """
        | Q3     | 2026-07-01 | 2026-07-31 | prod   | bot     | bot    | edit  | keep     | 2026-07-31 | grace           | not asked | 2    | machine     |
        | Q3     | 2026-07-01 | 2026-07-31 | prod   | devs    | devs   | edit  | keep     | 2026-07-31 | grace           | not asked | 3    | group       |
        | Q2     | 2026-04-01 | 2026-05-01 | prod   | b@x.y   | b@x.y  | edit  | keep     | 2026-04-30 | grace           | not asked | 4    | person      |
        """,
        conclusion="effective",
    ),
    Example(
        title="revoked and still there, used, or taken away a day late",
        given=_REMOVALS
        + """
        | Q3     | 2026-07-01 | 2026-07-31 | prod   | ben     | ben    | edit  | revoke   | 2026-07-02 | grace           | still there | 2    | 2026-07-16     | 2026-07-03 | 2026-10-01 | l1         |            |         |
        | Q3     | 2026-07-01 | 2026-07-31 | prod   | cam     | cam    | edit  | change   | 2026-07-02 | grace           | used after  | 3    | 2026-07-16     |            | 2026-10-01 | l1         | 2026-08-02 | a:1     |
        | Q3     | 2026-07-01 | 2026-07-31 | prod   | dee     | dee    | edit  | revoke   | 2026-07-02 | grace           | gone        | 4    | 2026-07-16     | 2026-07-17 | 2026-10-01 | l1         |            |         |
        | Q3     | 2026-07-01 | 2026-07-31 | prod   | fay     | fay    | edit  | keep     | 2026-07-02 | grace           | still there | 5    | 2026-07-16     |            | 2026-10-01 | l1         |            |         |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                  | found                                                              |
        | Q3:prod:ben:edit:revoked | still there in the list of 2026-10-01T00:00:00Z                    |
        | Q3:prod:cam:edit:revoked | used on 2026-08-02T00:00:00Z                                       |
        | Q3:prod:dee:edit:revoked | taken away only on 2026-07-17                                      |
        """,
    ),
    Example(
        title="nothing tells whether it is gone",
        given=_REMOVALS.replace("| gone        |", "| untold      |"),
        conclusion="not tested",
    ),
    Example(
        title="nothing tells which rights a system granted when they were reviewed",
        given=_LINES
        + """
        | Q3     | 2026-07-01 | 2026-07-31 | dev    |         |        |       | left out |            |                 | untold    | 2    |
        """,
        conclusion="not tested",
    ),
    Example(
        title="without records of reviews nobody can be told to have looked",
        given="",
        without=("access-reviews",),
        conclusion="not tested",
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """The quarter's review as such, each right of it, and each that had to be gone in the quarter."""
    rows = tables["access_decisions"]
    at = settled(rows)
    last = context.stop - pd.Timedelta(seconds=1)
    left = rows["decision"].eq("left out")
    at = at.mask(left & ~context.holds(at), last)
    clusters = {one.name for one in context.settings.clusters}
    rows = rows.assign(
        at=at,
        name=rows["review"] + ":" + rows["system"] + ":" + rows["subject"] + ":" + rows["right"],
        person_raw=rows["subject"],
        cluster=rows["system"].where(rows["system"].isin(clusters)),
        repo=rows["system"].where(~rows["system"].isin(clusters) & rows["system"].ne("")),
    )
    there = rows[~left | rows["subject"].ne("")]
    parts = [_reviews(rows[~left], context), _decided(there, tables["people"]), _removed(rows)]
    gaps = (
        *_unlisted(rows, there, context),
        *_unproven(rows, context),
        *_unknown(there, tables["people"], context),
    )
    return Result(
        pd.concat([population for population, _ in parts], ignore_index=True),
        pd.concat([failed for _, failed in parts], ignore_index=True),
        gaps,
    )


Judged = tuple[pd.DataFrame, pd.DataFrame]


def _reviews(rows: pd.DataFrame, context: Context) -> Judged:
    """Each review, which fails when something of it was decided late; and the quarter, which fails without any."""
    late = rows["decided_at"].gt(rows["due_at"]).fillna(False).astype(bool)
    rows = rows.assign(late=late, last=rows["decided_at"].where(late), pointer=pointer(rows))
    whole = rows.sort_values(["review", "due_at", "evidence", "line"], kind="stable").groupby(
        "review", sort=True
    )
    found = whole.agg(
        at=("at", "max"), late=("late", "sum"), size=("late", "size"), last=("last", "max"), evidence=("pointer", "first"),
        due_at=("due_at", "max"),
    ).reset_index()  # fmt: skip
    found = found.assign(subject="review:" + found["review"].astype("str"))
    bad = found[found["late"].ne(0)].reset_index(drop=True)
    were = pd.Series(" were", index=bad.index, dtype="str").mask(bad["late"].eq(1), " was")
    many = counted(bad["late"], "right") + " of " + bad["size"].astype("str")
    failed = failures(
        bad,
        expected="decided by " + bad["due_at"].dt.strftime("%Y-%m-%d").astype("str"),
        found=many + were + " decided late, the last on " + bad["last"].dt.strftime("%Y-%m-%d").astype("str"),
    )
    label = context.period.label
    quarter = pd.DataFrame({"subject": [f"review:{label}"], "at": [context.stop - pd.Timedelta(seconds=1)]})
    quarter = quarter.astype({"subject": "str", "at": "datetime64[us, UTC]"})
    none = quarter[[not (context.holds(rows["at"]).any() or context.running)]]
    absent = failures(
        none,
        expected="a review of access, decided in the quarter",
        found=f"no review of access was decided or due in {label}",
        evidence="",
    )
    return (
        pd.concat([found[["subject", "at"]], quarter], ignore_index=True),
        pd.concat([failed, absent], ignore_index=True),
    )


def _decided(rows: pd.DataFrame, people: pd.DataFrame) -> Judged:
    """Each right of each review: decided, on a day, by somebody of the roster who neither holds nor granted it."""
    rows = rows.assign(subject=rows["name"])
    left, open_ones = rows["decision"].eq("left out"), rows["decision"].eq("open")
    reviewer = rows["reviewer_person"]
    own = reviewer.ne("") & reviewer.eq(rows["person"])
    day = rows["due_at"].dt.strftime("%Y-%m-%d").astype("str")
    listed = rows["listed_at"].dt.strftime("%Y-%m-%d").astype("str")
    parts = (
        (left, "the system listed it on " + listed + ", and the review does not have it"),
        (open_ones, "nobody decided by " + day),
        (
            ~left & ~open_ones & rows["decided_at"].isna(),
            rows["decision"] + ", on a day that nobody wrote down",
        ),
        (own, "reviewed by its own holder"),
        (
            reviewer.ne("") & ~reviewer.isin(people["person"]) & ~own,
            "reviewed by somebody who is not in the roster",
        ),
        (reviewer.ne("") & reviewer.eq(rows["granted_by"]) & ~own, "reviewed by who granted it"),
    )
    failed = _failed(
        rows, parts, "decided in time by somebody of the roster who neither holds nor granted it"
    )
    return rows[["subject", "at"]], failed


def _removed(rows: pd.DataFrame) -> Judged:
    """Each right that was to be revoked or changed: gone in time, and not used since."""
    rows = rows[rows["decision"].isin(_TAKEN) & rows["removal_due_at"].notna()]
    rows = rows.assign(subject=rows["name"] + ":revoked", at=rows["removal_due_at"])
    taken = "taken away only on " + rows["removed_at"].dt.strftime("%Y-%m-%d").astype("str")
    late = rows["removed_at"].gt(rows["removal_due_at"]).fillna(False)
    there, used = rows["outcome"].eq("still there"), rows["used_at"].notna()
    parts = (
        (there, "still there in the list of " + when(rows["checked_at"])),
        (used, "used on " + when(rows["used_at"])),
        (late & ~there, taken),
    )
    failed = _failed(rows, parts, "gone by " + rows["removal_due_at"].dt.strftime("%Y-%m-%d").astype("str"))
    return rows[["subject", "at"]], failed


def _failed(
    rows: pd.DataFrame, parts: tuple[tuple[pd.Series, pd.Series | str], ...], expected: pd.Series | str
) -> pd.DataFrame:
    """The rows with a reason among `parts`, as exceptions that give all of them."""
    found = pd.Series("", index=rows.index, dtype="str")
    for holds, words in parts:
        text = words if isinstance(words, pd.Series) else pd.Series(words, index=rows.index, dtype="str")
        found = found + (text + ", ").fillna("").where(holds.fillna(False).astype(bool), "")
    found = found.str.removesuffix(", ")
    shown = plus(pointer(rows), rows["checked_in"] + ":1")
    bad = found.ne("")
    return failures(
        rows[bad],
        expected=expected[bad] if isinstance(expected, pd.Series) else expected,
        found=found[bad],
        evidence=plus(shown, rows["used_in"])[bad],
    )


def _unlisted(rows: pd.DataFrame, there: pd.DataFrame, context: Context) -> list[Gap]:
    """Systems of which no list tells what they granted when the quarter's reviews listed it."""
    del context
    untold = rows[~rows.index.isin(there.index)].sort_values(["system", "review"])
    return [
        Gap(
            f"{row['system']}: no list tells which rights it granted when review {row['review']} listed them, so that it may "
            "have left out some",
            cluster=None if pd.isna(row["cluster"]) else row["cluster"],
            repo=None if pd.isna(row["repo"]) else row["repo"],
        )
        for row in untold.to_dict("records")
    ]


def _unknown(rows: pd.DataFrame, people: pd.DataFrame, context: Context) -> list[Gap]:
    """A gap for each review with decisions on rights of people whom the roster does not know."""
    strange = ~rows["person"].isin(people["person"]) & ~rows["holder_kind"].isin(["machine", "group"])
    rows = rows[strange & rows["reviewer_person"].ne("") & context.holds(rows["at"])]
    return [
        Gap(
            f"review {review}: nobody knows who holds {', '.join(sorted(set(held['name'].str.replace('; ', ', '))))}, so that "
            "the reviewer may be the same"
        )
        for review, held in rows.groupby("review", sort=True)
    ]


def _unproven(rows: pd.DataFrame, context: Context) -> list[Gap]:
    """A gap for each review of which nothing proves that rights are gone which had to be in the quarter."""
    due = rows["removal_due_at"].fillna(rows["due_at"])
    untold = rows[rows["outcome"].eq("untold") & rows["decision"].isin(_TAKEN) & context.holds(due)]
    return [
        Gap(
            f"review {review}: no later list tells whether {', '.join(sorted(set(held['name'].str.replace('; ', ', '))))} "
            "is gone"
        )
        for review, held in untold.groupby("review", sort=True)
    ]


CONTROL = Control(
    id="ACC-03",
    page=__doc__,
    clause="Compliance and Auditing › Compliance Checks › Access reviews",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC6.2", "CC6.3"),
        "ISO 27001": ("5.18",),
        "NIST 800-53": ("AC-2", "AC-2(j)", "AC-6"),
        "PCI DSS": ("7.2.4", "7.2.5"),
        "CIS / SLSA": ("S 1.3.1",),
    },
    needs=(ROSTER, ACCESS_REVIEWS),
    remediation="Review the rights with somebody who can judge their need, take away what is not needed, keep the proof.",
    examples=EXAMPLES,
    test=test,
)
