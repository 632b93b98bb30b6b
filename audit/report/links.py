"""From a finding to the row of the annex that it is about, and the commands that make a report again."""

from __future__ import annotations

from audit.report.shapes import Report


def rows(report: Report) -> dict[str, str]:
    """The id of the annex's row of each subject that failed a control: `A12` for a change, `B7` for a deployment."""
    found: dict[str, str] = {}
    for one in report.landings:
        if one.controls:
            found.setdefault(f"{one.repo}@{one.head_sha}", f"A{one.number}")
            if one.pull_request:
                found.setdefault(f"{one.repo}#{one.pull_request}", f"A{one.number}")
    for each in report.deployments:
        if each.controls:
            found.setdefault(f"{each.cluster}/{each.application}@{each.started_at}", f"B{each.number}")
    return found


def commands(report: Report) -> list[tuple[str, str]]:
    """What makes this report again from its evidence, and what each command does."""
    quarter = f"--quarter {report.quarter}"
    return [
        ("audit verify-evidence", "recomputes the chain of manifests and the sha256 of every object"),
        ("audit build", "reads every object into tables"),
        (
            f"audit check {quarter} --as-of {report.as_of}",
            "joins, counts and judges the quarter as of the same moment",
        ),
        (f"audit report {quarter} --draft", "lays this report out again"),
        ("audit verify report.pdf", "holds every figure on these pages against the attached populations"),
        (f"audit trace CHG-01 {quarter}", "leads from a control, an exception or a row to raw evidence"),
        (f"audit sample {quarter} --seed 1", "draws a sample that anyone can draw again"),
    ]
