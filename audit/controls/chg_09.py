"""Emergencies carry a ticket, are closed, reviewed after the fact in time, and brought back to Git.

## Why
An emergency may excuse that nobody looked before; it never excuses that nobody looks. Without a ticket nobody can tell
afterwards whether there was one.

## Evidence
Pull requests that landed with a label of emergencies (`emergency.labels`), their titles, and their reviews: somebody known who is
none of the authors, nor ever had an address of one, must have approved before the merge, or within `emergency.review_days` after
it. Where an author is not in the roster, nobody is known to be somebody else. Emergencies in clusters (break-glass), as the
settings and the export of their tickets tell them, each opening by itself, with what the API server's log says was done in it:
writes, sessions, Secrets read. As many days after it was closed somebody else must have reviewed it, after the last of these, and
a landing must have brought back what was changed: of a pull request that the record names, or whose title names the ticket. Who
opened it and who reviewed it must be known.

## Limits
A title can be changed later. Only what is labelled is known as an emergency: an unlabelled one is an ordinary change, and
CHG-02 and CHG-03 report that it was not reviewed before. What is not due when the reviews were exported is not judged yet.
That a landing brings back everything that was changed by hand is not shown: only that one was made for it.

## Remediation
Have the change reviewed now by somebody who did not write it, and tie it to the ticket of the emergency.
"""

from __future__ import annotations

import pandas as pd

from audit.controls.fresh import of_formats
from audit.controls.interface import Context, Control, Example, Gap, Result, Tables, failures
from audit.controls.needs import EMERGENCIES, GIT, PULLS, REVIEWS, ROSTER
from audit.controls.parts import changes, counted, unexported, when, with_reviews
from audit.joins.identity import Resolver
from audit.model import PrincipalKind, Severity

_PULL = ["repo", "pr_number"]
_STRANGE = " (not all of its authors are in the roster: nobody is known to be somebody else)"
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
        | head_sha | pr_number | landed_at        | opener | opener_login | authors | authors_known | approvals_independent |
        | a1…      | 7         | 2026-08-02 00:00 | ada    | ada          | ada     | true          | 0                     |
        | a2…      | 8         | 2026-08-02 00:00 | ada    | ada          | ada     | true          | 1                     |
        | a3…      | 9         | 2026-08-02 00:00 | ada    | ada          | ada     | true          | 0                     |
"""
)

_EMERGENCIES = """
        emergencies
        | ticket | person | opened_at | told_by | changes | last_action_at | closed_at | reviewed_at | reviewer | returned_at |
"""

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
        | head_sha | pr_number | landed_at        | opener | authors | authors_known |
        | a1…      | 7         | 2026-09-29 12:00 | ada    | ada     | true          |
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
        title="emergencies in a cluster that were closed, reviewed at the last moment, and brought back; and one without changes",
        given=_PEOPLE
        + _EMERGENCIES
        + """
        | INC-1 | ada | 2026-08-01 10:00 | both   | 2 | 2026-08-01 11:00 | 2026-08-01 12:00 | 2026-08-01 11:00 | grace | 2026-08-04 12:00 |
        | INC-2 | ada | 2026-08-02 10:00 | record | 1 | 2026-08-02 11:00 | 2026-08-02 12:00 | 2026-08-05 12:00 | grace | 2026-08-02 12:00 |
        | INC-3 | ada | 2026-08-03 10:00 | record | 0 |                  | 2026-08-03 12:00 | 2026-08-03 13:00 | grace |                  |
        """,
        conclusion="effective",
    ),
    Example(
        title="not closed, reviewed by oneself, a stranger, too early or too late, brought back too late or never, and without a record",
        given=_PEOPLE
        + _EMERGENCIES
        + """
        | INC-1 | ada | 2026-08-01 10:00 | record   | 1 | 2026-08-01 11:00 |                  | 2026-08-01 12:00 | grace    | 2026-08-01 12:00    |
        | INC-2 | ada | 2026-08-01 10:00 | record   | 1 | 2026-08-01 11:00 | 2026-08-01 12:00 | 2026-08-01 12:00 | ada      | 2026-08-04 12:00:01 |
        | INC-3 | ada | 2026-08-01 10:00 | record   | 1 | 2026-08-01 11:00 | 2026-08-01 12:00 | 2026-08-01 12:00 | stranger |                     |
        | INC-4 | ada | 2026-08-01 10:00 | record   | 1 | 2026-08-01 11:00 | 2026-08-01 12:00 | 2026-08-01 10:59 | grace    | 2026-08-01 12:00    |
        | INC-5 | ada | 2026-08-01 10:00 | record   | 0 |                  | 2026-08-01 12:00 | 2026-08-04 12:00:01 | grace |                     |
        | INC-6 | ada | 2026-08-01 10:00 | settings | 0 |                  |                  |                  |          |                     |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                        | found                                                          |
        | break-glass INC-1: ada in prod@2026-08-01T10:00:00Z | it was never closed                                            |
        | break-glass INC-2: ada in prod@2026-08-01T10:00:00Z | nobody else reviewed what was done until 2026-08-04T12:00:00Z; 1 change made, and nothing brought back to Git until 2026-08-04T12:00:00Z |
        | break-glass INC-3: ada in prod@2026-08-01T10:00:00Z | nobody else reviewed what was done until 2026-08-04T12:00:00Z; 1 change made, and nothing brought back to Git until 2026-08-04T12:00:00Z |
        | break-glass INC-4: ada in prod@2026-08-01T10:00:00Z | nobody else reviewed what was done until 2026-08-04T12:00:00Z  |
        | break-glass INC-5: ada in prod@2026-08-01T10:00:00Z | nobody else reviewed what was done until 2026-08-04T12:00:00Z  |
        | break-glass INC-6: ada in prod@2026-08-01T10:00:00Z | no record tells who closed and reviewed it                     |
        """,
    ),
    Example(
        title="an emergency that was due as its records were exported fails",
        given=_PEOPLE
        + _EMERGENCIES
        + """
        | INC-1 | ada | 2026-09-28 10:00 | record | 0 |  | 2026-09-29 00:00 |  |  |  |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                        | found                                                         |
        | break-glass INC-1: ada in prod@2026-09-28T10:00:00Z | nobody else reviewed what was done until 2026-10-02T00:00:00Z |
        """,
    ),
    Example(
        title="the second emergency under a ticket has no review of its own; what was read or entered last was reviewed too early",
        given=_PEOPLE
        + """
        emergencies
        | ticket | person | opened_at        | told_by | changes | actions | last_action_at   | closed_at        | reviewed_at      | reviewer |
        | INC-9  | ada    | 2026-08-15 09:00 | record  | 0       | 0       |                  | 2026-08-15 12:00 | 2026-08-15 13:00 | grace    |
        | INC-9  | ada    | 2026-09-15 09:00 | record  | 0       | 0       |                  | 2026-09-15 12:00 |                  |          |
        | INC-8  | ada    | 2026-08-16 09:00 | record  | 0       | 1       | 2026-08-16 10:00 | 2026-08-16 12:00 | 2026-08-16 09:30 | grace    |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                             | found                                                         |
        | break-glass INC-8: ada in prod@2026-08-16T09:00:00Z | nobody else reviewed what was done until 2026-08-19T12:00:00Z |
        | break-glass INC-9: ada in prod@2026-09-15T09:00:00Z | nobody else reviewed what was done until 2026-09-18T12:00:00Z |
        """,
    ),
    Example(
        title="who opened an emergency must be known, else its reviewer may be the same; so must the authors of a change",
        given=_PEOPLE
        + """
        emergencies
        | ticket | person            | opened_at        | told_by | changes | closed_at        | reviewed_at      | reviewer |
        | INC-7  | git:bob@other.org | 2026-08-01 09:00 | record  | 0       | 2026-08-01 12:00 | 2026-08-01 13:00 | grace    |
        changes
        | pr_number | landed_at        | opener | authors               | authors_known | bound |
        | 7         | 2026-08-03 10:00 | ada    | ada git:x@example.com | false         |       |
        | 8         | 2026-08-03 10:00 | ada    | ada                   | true          | grace |
        pull_requests
        | number | title_text | labels    |
        | 7      | OPS-1: x   | emergency |
        | 8      | OPS-2: x   | emergency |
        reviews
        | number | review_id | reviewer | state    | submitted_at     |
        | 7      | 1         | grace    | APPROVED | 2026-08-03 12:00 |
        | 8      | 2         | grace    | APPROVED | 2026-08-03 12:00 |
        """,
        conclusion="exceptions",
        exceptions="""
        | subject                                                           | found                      |
        | break-glass INC-7: git:bob@other.org in prod@2026-08-01T09:00:00Z | who opened it is not known |
        | netbpf/netbpf-gitops#7 | nobody else approved it until 2026-08-06T10:00:00Z (not all of its authors are in the roster: nobody is known to be somebody else) |
        | netbpf/netbpf-gitops#8 | nobody else approved it until 2026-08-06T10:00:00Z |
        """,
    ),
    Example(
        title="an emergency whose steps were not due yet leaves something untold",
        given=_PEOPLE
        + _EMERGENCIES
        + """
        | INC-1 | ada | 2026-09-28 10:00 | record | 0 |  | 2026-09-29 00:00:01 |  |  |  |
        """,
        conclusion="not tested",
    ),
    Example(
        title="an emergency of which nobody knows what was done leaves something untold",
        given=_PEOPLE
        + _EMERGENCIES
        + """
        | INC-2 | ada | 2026-08-01 10:00 | record |   |  | 2026-08-01 12:00    | 2026-08-01 13:00 | grace |  |
        """,
        conclusion="not tested",
    ),
    Example(
        title="without records of emergencies nobody can be told to have reviewed one",
        given=_PEOPLE
        + _EMERGENCIES
        + """
        | INC-1 | ada | 2026-08-01 10:00 | settings | 0 |  |  |  |  |  |
        """,
        without=("break-glass",),
        conclusion="not tested",
    ),
    Example(
        title="a review that was due when reviews were exported has not come",
        given=_PEOPLE
        + """
        changes
        | head_sha | pr_number | landed_at        | opener | authors | authors_known |
        | a1…      | 7         | 2026-09-29 00:00 | ada    | ada     | true          |
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
    """Every labelled pull request that landed, and every emergency in a cluster."""
    parts = (_pulls(tables, context), _spans(tables, context))
    return Result(
        pd.concat([part.population[["subject", "at"]] for part in parts], ignore_index=True),
        pd.concat([part.exceptions for part in parts], ignore_index=True),
        tuple(gap for part in parts for gap in part.gaps),
    )


def _pulls(tables: Tables, context: Context) -> Result:
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
    exported = _exported(tables, context, "github-reviews")
    pending = ~seen & due.gt(exported)
    unticketed = ~rows["title_text"].str.contains(rules.ticket)
    unseen = ~seen & ~pending
    late = "nobody else approved it until " + when(due)
    late = late.where(rows["authors_known"].astype(bool), late + _STRANGE).where(unseen, "")
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
    """Which changes, all authors of which are known, somebody else who is known approved before they were due (bool)."""
    resolver = Resolver.of(tables, context.settings)
    said = tables["reviews"]
    said = said[said["state"].eq("APPROVED")].rename(columns={"number": "pr_number"})
    who = resolver.resolve(said["reviewer"], "github", said["submitted_at"])
    said = said.assign(by=who["person"], own=who["known"] & who["kind"].eq(PrincipalKind.PERSON.value))
    said = said[said["own"] & ~resolver.gone(said["by"], said["submitted_at"])]
    pairs = (
        rows[[*_PULL, "authors", "bound"]]
        .assign(due=due, place=rows.index)[rows["authors_known"].astype(bool)]
        .merge(said[[*_PULL, "by", "submitted_at"]], on=_PULL)
    )
    bound = pairs["authors"] + " " + pairs["bound"]
    own = [by in str(names).split(" ") for by, names in zip(pairs["by"], bound, strict=True)]
    good = pairs["submitted_at"].le(pairs["due"]) & ~pd.Series(own, index=pairs.index, dtype=bool)
    return pd.Series(rows.index.isin(pairs.loc[good, "place"]), index=rows.index, dtype=bool)


def _spans(tables: Tables, context: Context) -> Result:
    """Every emergency in a cluster, with the steps of which there is no evidence."""
    days = context.settings.emergency.review_days
    exported = _exported(tables, context, "break-glass")
    rows = tables["emergencies"]
    due = rows["closed_at"].fillna(rows["ends_at"]).fillna(rows["opened_at"]) + pd.Timedelta(days=days)
    untold = rows["told_by"].eq("settings")
    known = tables["people"]["person"]
    independent = rows["reviewer"].isin(known) & rows["reviewer"].ne(rows["person"])
    after = rows["reviewed_at"].ge(rows["last_action_at"].fillna(rows["opened_at"]))
    seen = independent & after & rows["reviewed_at"].le(due)
    back = rows["changes"].fillna(0).eq(0) | rows["returned_at"].le(due)
    judged = due.le(exported).astype(bool)
    until = " until " + when(due)
    said = pd.DataFrame({
        "untold": pd.Series("no record tells who closed and reviewed it", index=rows.index).where(untold, ""),
        "open": pd.Series("it was never closed", index=rows.index).where(~untold & rows["closed_at"].isna(), ""),
        "unknown": pd.Series("who opened it is not known", index=rows.index).where(~rows["person"].isin(known), ""),
        "unseen": ("nobody else reviewed what was done" + until).where(~untold & ~seen.astype(bool), ""),
        "left": (
            counted(rows["changes"].fillna(0), "change") + " made, and nothing brought back to Git" + until
        ).where(~back.astype(bool), ""),
    })  # fmt: skip
    found = said["untold"]
    for name in ("open", "unknown", "unseen", "left"):
        found = found.str.cat(said[name], sep="; ")
    found = found.str.replace(r"(?:; )+", "; ", regex=True).str.strip("; ")
    rows = rows.assign(
        subject="break-glass " + rows["ticket"] + ": " + rows["person"] + " in " + rows["cluster"] + "@" + when(rows["opened_at"]),
        at=rows["opened_at"], found=found, judged=judged,
    )  # fmt: skip
    failed = failures(
        rows[judged & found.ne("")].reset_index(drop=True),
        expected=f"closed, and within {days} days reviewed by somebody else and brought back to Git",
    )
    return Result(rows, failed, _untold(rows[context.holds(rows["at"])], exported))


def _untold(rows: pd.DataFrame, exported: pd.Timestamp) -> tuple[Gap, ...]:
    """Gaps for emergencies of the quarter whose steps were not due yet, or of which nobody knows what was done."""
    pending = rows[~rows["judged"] & rows["found"].ne("") & (not pd.isna(exported))]
    unlogged = rows[rows["changes"].isna()]
    return (
        *(
            Gap(f"{name}: its steps were not due when the records were exported")
            for name in pending["subject"]
        ),
        *(
            Gap(f"{name}: what was done in it is not known without the audit log")
            for name in unlogged["subject"]
        ),
    )


def _exported(tables: Tables, context: Context, name: str) -> pd.Timestamp:
    """When records of a format were last exported, as far as it is known; else when they were collected."""
    objects = of_formats(tables["evidence_objects"], (name,))
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
    needs=(GIT, PULLS, REVIEWS, ROSTER, EMERGENCIES),
    remediation="Have it reviewed now by somebody who did not write it, and tie it to its ticket.",
    examples=EXAMPLES,
    test=test,
)
