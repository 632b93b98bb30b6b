"""Emergency changes carry a ticket and are reviewed after the fact in time.

## Why
An emergency may excuse that nobody looked before; it never excuses that nobody looks. Without a ticket nobody can tell
afterwards whether there was one.

## Evidence
Pull requests that landed with a label of emergencies (`emergency.labels`), their titles, and their reviews: somebody known who is
none of the authors must have approved before the merge, or within `emergency.review_days` after it.

## Limits
A title can be changed later. Only what is labelled is known as an emergency: an unlabelled one is an ordinary change, and
CHG-02 and CHG-03 report that it was not reviewed before. What is not due when the reviews were exported is not judged yet.

## Remediation
Have the change reviewed now by somebody who did not write it, and tie it to the ticket of the emergency.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.fresh import of_formats
from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import GIT, PULLS, REVIEWS, ROSTER
from audit.controls.parts import changes, unexported, when, with_reviews
from audit.joins.identity import Resolver
from audit.model import PrincipalKind, Severity

_PULL = ["repo", "pr_number"]
_PEOPLE = """
        identities
        | system | identifier | person |
        | github | ada        | ada    |
        | github | grace      | grace  |
"""
_CHANGE = (
    _PEOPLE
    + """
        changes
        | head_sha | pr_number | landed_at        | opener | opener_login | authors | approvals_independent |
        | a1…      | 7         | 2026-08-02 00:00 | ada    | ada          | ada     | 0                     |
        | a2…      | 8         | 2026-08-02 00:00 | ada    | ada          | ada     | 1                     |
        | a3…      | 9         | 2026-08-02 00:00 | ada    | ada          | ada     | 0                     |
"""
)

EXAMPLES = (
    Example(
        title="reviewed at the last moment, or before the merge already; what is not labelled is no emergency",
        given=_CHANGE
        + """
        pull_requests
        | number | title_text      | labels          |
        | 7      | OPS-1: mend web | Emergency,minor |
        | 8      | mend api (OPS-2) | hotfix         |
        | 9      | change          | minor           |
        reviews
        | number | review_id | reviewer | state    | submitted_at     |
        | 7      | 1         | grace    | APPROVED | 2026-08-05 00:00 |
        """,
        conclusion="effective",
    ),
    Example(
        title="a second too late, by the author, only commented on, and without a ticket",
        given=_CHANGE
        + """
        pull_requests
        | number | title_text      | labels    |
        | 7      | OPS-1: mend web | emergency |
        | 8      | mend api        | emergency |
        | 9      | mend all        | emergency |
        reviews
        | number | review_id | reviewer | state     | submitted_at        |
        | 7      | 1         | grace    | APPROVED  | 2026-08-05 00:00:01 |
        | 7      | 2         | ada      | APPROVED  | 2026-08-02 00:00:01 |
        | 7      | 3         | grace    | COMMENTED | 2026-08-02 00:00:01 |
        | 7      | 4         | stranger | APPROVED  | 2026-08-02 00:00:01 |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                | found                                                                      |
        | netbpf/netbpf-gitops#7 | nobody else approved it until 2026-08-05T00:00:00Z                         |
        | netbpf/netbpf-gitops#8 | its title names no ticket                                                  |
        | netbpf/netbpf-gitops#9 | nobody else approved it until 2026-08-05T00:00:00Z; its title names no ticket |
        """,
    ),
    Example(
        title="a review that was not due when reviews were exported may have come since",
        given=_PEOPLE
        + """
        changes
        | head_sha | pr_number | landed_at        | opener | authors |
        | a1…      | 7         | 2026-09-29 12:00 | ada    | ada     |
        pull_requests
        | number | title_text | labels    |
        | 7      | OPS-1: x   | emergency |
        """,
        conclusion="not tested",
    ),
    Example(
        title="without reviews nothing tells whether anybody looked",
        given=_CHANGE,
        without=("github-reviews",),
        conclusion="not tested",
    ),
    Example(title="a quarter without emergencies", given=_CHANGE, conclusion="not applicable"),
    Example(
        title="a review that was due when reviews were exported has not come",
        given=_PEOPLE
        + """
        changes
        | head_sha | pr_number | landed_at        | opener | authors |
        | a1…      | 7         | 2026-09-29 00:00 | ada    | ada     |
        pull_requests
        | number | title_text | labels    |
        | 7      | OPS-1: x   | emergency |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                | found                                              |
        | netbpf/netbpf-gitops#7 | nobody else approved it until 2026-10-02T00:00:00Z |
        """,
    ),
)


def test(tables: Tables, context: Context) -> Result:
    """Every labelled pull request that landed."""
    rules = context.settings.emergency
    rows = with_reviews(changes(tables), tables).merge(
        tables["pull_requests"][["repo", "number", "title_text", "labels"]].rename(
            columns={"number": "pr_number"}
        ),
        on=_PULL,
    )
    labels = rows["labels"].str.casefold().str.split(",").explode().str.strip()
    wanted = [label.casefold() for label in rules.labels]
    rows = rows[labels.isin(wanted).groupby(level=0).any().reindex(rows.index, fill_value=False).astype(bool)]
    rows = rows.reset_index(drop=True)
    due = rows["at"] + pd.Timedelta(days=rules.review_days)
    seen = _approved(rows, due, tables, context) | rows["approvals_independent"].gt(0).astype(bool)
    exported = _exported(tables, context)
    pending = ~seen & due.gt(exported)
    unticketed = ~rows["title_text"].str.contains(rules.ticket)
    unseen = ~seen & ~pending
    late = ("nobody else approved it until " + when(due)).where(unseen, "")
    bare = pd.Series("its title names no ticket", index=rows.index).where(unticketed, "")
    both = late.str.cat(bare, sep="; ").str.strip("; ")
    bad = unseen | unticketed
    failed = failures(
        rows[bad].reset_index(drop=True),
        expected=f"a ticket, and the approval of somebody else within {rules.review_days} days",
        found=both[bad].reset_index(drop=True),
    )
    waiting = rows[pending & context.holds(rows["at"])]["subject"]
    gaps = tuple(Gap(f"{name}: its review was not due when reviews were exported") for name in waiting)
    return Result(rows, failed, (*unexported(tables, context), *gaps))


def _approved(rows: pd.DataFrame, due: pd.Series, tables: Tables, context: Context) -> pd.Series:
    """Which changes somebody known who is none of their authors approved before they were due (bool)."""
    resolver = Resolver.of(tables, context.settings)
    said = tables["reviews"]
    said = said[said["state"].eq("APPROVED")].rename(columns={"number": "pr_number"})
    who = resolver.resolve(said["reviewer"], "github", said["submitted_at"])
    said = said.assign(by=who["person"], own=who["known"] & who["kind"].eq(PrincipalKind.PERSON.value))
    said = said[said["own"] & ~resolver.gone(said["by"], said["submitted_at"])]
    pairs = (
        rows[[*_PULL, "authors"]]
        .assign(due=due, place=rows.index)
        .merge(said[[*_PULL, "by", "submitted_at"]], on=_PULL)
    )
    authors = [by in str(names).split(" ") for by, names in zip(pairs["by"], pairs["authors"], strict=True)]
    good = pairs["submitted_at"].le(pairs["due"]) & ~pd.Series(authors, index=pairs.index, dtype=bool)
    return pd.Series(rows.index.isin(pairs.loc[good, "place"]), index=rows.index, dtype=bool)


def _exported(tables: Tables, context: Context) -> pd.Timestamp:
    """When reviews were last exported, as far as it is known; else when they were collected."""
    objects = of_formats(tables["evidence_objects"], ("github-reviews",))
    declared = {s.name: s.exported_at for s in context.settings.sources if s.exported_at is not None}
    stated = pd.to_datetime(objects["source_name"].map(declared), utc=True).astype("datetime64[us, UTC]")
    return pd.Timestamp(objects["last_modified"].fillna(stated).fillna(objects["collected_at"]).max())


CONTROL = Control(
    id="CHG-09",
    page=__doc__,
    clause="Principles 3; Workflow 1: emergency changes",
    severity=Severity.HIGH,
    frameworks={
        "SOC 2": ("CC8.1", "CC6.1"),
        "ISO 27001": ("8.2", "8.32"),
        "NIST 800-53": ("AC-3(10)", "AC-6(9)", "CM-3"),
        "PCI DSS": ("6.5.1", "10.2.1.2"),
    },
    needs=(GIT, PULLS, REVIEWS, ROSTER),
    remediation="Have it reviewed now by somebody who did not write it, and tie it to its ticket.",
    examples=EXAMPLES,
    test=test,
)
