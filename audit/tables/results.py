"""What was judged and counted: the state of each change, exceptions, conclusions, metrics."""

from __future__ import annotations

from typing import ClassVar

from audit.tables.base import UTC, Bool, Float, Int, Meta, Table, column


class Changes(Table):
    """Each pull request that landed, with every fact its controls ask for."""

    repo: str = column("Repository")
    head_sha: str = column("Landing that brought it to the default branch")
    pr_number: Int = column("Pull request")
    landed_at: UTC = column("When it was merged; when the landing arrived, where the forge does not say")
    opener: str = column("Who opened it, resolved")
    opener_login: str = column("Who opened it, raw", optional=True)
    opener_kind: str = column("person or machine", isin=["person", "machine"])
    authors: str = column(
        "Everyone whose work it is, resolved: opener, authors, co-authors, committers; separated by spaces"
    )
    authors_known: Bool = column("All of them are in the roster")
    bound: str = column(
        "Who else ever had an address of an author, so that nothing proves whose work it is: their approval is not "
        "independent either; separated by spaces"
    )
    pr_head_sha: str = column("Commit that was merged")
    evil: Bool = column("Its merge commit brought in content of its own")
    approvals_before: Int = column(
        "Approvals by people that stood at the merge or had been dismissed before it", ge=0
    )
    approvals_after: Int = column("Approvals by people submitted at or after the merge", ge=0)
    approvals_standing: Int = column("Approvals by people that stood at the merge", ge=0)
    approvals_independent: Int = column(
        "Standing approvals by known people who had not left and are none of its authors", ge=0
    )
    approvals_covering: Int = column(
        "Those on the merged commit: among independent ones where there are any, else among all standing ones",
        ge=0,
    )
    approvers: str = column("Who approved and stood at the merge, resolved, separated by spaces")
    first_review_at: UTC = column("First review by someone other than the opener", optional=True)
    first_approval_at: UTC = column("First approval by someone other than the opener", optional=True)
    created_at: UTC = column("Pull request opened")
    checks_wanting: str = column(
        "Required checks that had not succeeded on the merged commit before the merge, each with its state; separated by '; '"
    )
    evidence: str = column("sha256 of the evidence object of the pull request")
    line: Int = column("Record in that object, counted from 1", ge=1)

    class Config:
        title = "Pull requests that landed, with the facts of their review and checks"
        metadata: ClassVar[Meta] = {
            "source": "landings, pull requests, reviews, dismissals, checks, people",
            "stage": "joined",
            "time": "landed_at",
        }
        unique: ClassVar[list[str]] = ["repo", "pr_number"]


class Exceptions(Table):
    """Everything that failed a control."""

    exception_id: str = column("Stable id: the same failure has it in every run")
    control: str = column("Control that it failed")
    subject: str = column("The item of the population, as a stable key")
    severity: str = column("critical, high, medium or low", isin=["critical", "high", "medium", "low"])
    at: UTC = column("When it happened", optional=True)
    resolved_at: UTC = column(
        "When it was put right; missing while it is not, and where nothing tells", optional=True
    )
    person: str = column("Who, resolved", optional=True)
    person_raw: str = column("Who, as the evidence names them", optional=True)
    repo: str = column("Repository", optional=True)
    path: str = column("Path", optional=True)
    cluster: str = column("Cluster", optional=True)
    environment: str = column("Environments, separated by commas", optional=True)
    app: str = column("Applications, separated by commas", optional=True)
    expected: str = column("What the policy expects")
    found: str = column("What was found")
    waiver: str = column(
        "Waivers that cover it, separated by '; '; missing for none: then it is open", optional=True
    )
    evidence: str = column("Pointers to raw evidence, separated by spaces: sha256:line, or repo@commit")

    class Config:
        title = "Exceptions"
        metadata: ClassVar[Meta] = {"source": "controls", "stage": "result", "time": "at"}
        unique: ClassVar[list[str]] = ["control", "subject"]


class Conclusions(Table):
    """What each control came to."""

    control: str = column("Control")
    title_text: str = column("Statement that was tested")
    clause: str = column("Clause of the policy")
    severity: str = column("Default severity of its exceptions")
    conclusion: str = column(
        "effective, exceptions, not tested or not applicable",
        isin=["effective", "exceptions", "not tested", "not applicable"],
    )
    population: Int = column("Items tested", unit="items", optional=True, ge=0)
    exceptions: Int = column("Items that failed, waived ones included", unit="items", ge=0)
    waived: Int = column("Of them, those that a waiver covers", unit="items", ge=0)
    scoped_out: Int = column(
        "Items left out, for they concern environments alone in which it is out of scope", unit="items", ge=0
    )
    scope: str = column("Environments in which it is out of scope, each with the reason; separated by '; '")
    gaps: str = column("Evidence that is missing, and what for; separated by '; '")
    design: str = column(
        "How what enforces the rule was set: in place, lapsed, not tested, not applicable; none where no setting is in evidence",
        isin=["in place", "lapsed", "not tested", "not applicable", "none"],
    )
    design_reason: str = column("Why")
    operation: str = column(
        "Whether it worked on every item: worked, failed, not tested, not applicable; none where only the setting is tested",
        isin=["worked", "failed", "not tested", "not applicable", "none"],
    )
    operation_reason: str = column("Why")

    class Config:
        title = "Conclusions"
        metadata: ClassVar[Meta] = {"source": "controls", "stage": "result"}
        unique: ClassVar[list[str]] = ["control"]


class Metrics(Table):
    """Every figure, with what it was made of."""

    metric: str = column("Stable id")
    title_text: str = column("Name")
    unit: str = column("Unit of the value")
    definition: str = column("What is counted, exactly")
    quarter: str = column("Quarter, as in 2026Q3")
    dimension: str = column(
        "What it is broken down by: all, kind, environment, app, team, severity, scanner, control, system"
    )
    group: str = column("Value of that dimension; empty for all")
    value: Float = column("The figure; missing when it can't be determined", optional=True)
    numerator: Float = column("Its numerator; for a median, the number of items measured", optional=True)
    denominator: Float = column("Its denominator; for a count, missing", optional=True)
    undetermined: Int = column("Items that could not be determined", unit="items", ge=0)
    note: str = column("Why it is missing, or a warning about small numbers; empty when there is none")

    class Config:
        title = "Metrics"
        metadata: ClassVar[Meta] = {"source": "metrics", "stage": "result"}
        unique: ClassVar[list[str]] = ["metric", "quarter", "dimension", "group"]
