"""Subjects of the quarter, each a short section: its figures, what they are broken down by, and its controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.report.shapes import ControlResult, Figure

GROUPS = 6
"""Groups of a breakdown that are printed."""


@dataclass(frozen=True)
class Area:
    """What a section is about.

    Attributes:
        id: of the section in the file.
        metrics: ids of the figures that it prints, in order; the first of them that is broken down is so by `by`.
        controls: ids, or what they begin with.
        annex: where its items are listed; empty where none does.
    """

    id: str
    title: str
    told: str
    metrics: tuple[str, ...]
    by: tuple[tuple[str, str], ...]
    controls: tuple[str, ...]
    annex: str = ""


AREAS = (
    Area(
        "changes",
        "Changes",
        "What landed on the default branches, how much of it, where it reaches and whose work it was; whether history was kept, "
        "commits have known authors, and emergencies were tidied up.",
        ("change_volume", "files_changed", "lines_changed", "change_size"),
        (("change_volume", "kind"), ("change_volume", "environment"), ("change_volume", "team")),
        ("CHG-01", "CHG-07", "CHG-08", "CHG-09"),
        "annex-a",
    ),
    Area(
        "review",
        "Review",
        "Whether somebody else approved what landed before it landed, how soon, and how thoroughly; whether the required checks "
        "and the protection of the branches stood.",
        (
            "review_coverage", "time_to_first_review", "time_to_first_approval", "review_depth", "rushed_approvals",
            "reviewer_concentration", "stale_approvals", "unread_approvals",
        ),
        (("review_coverage", "environment"), ("review_coverage", "app")),
        ("CHG-02", "CHG-03", "CHG-04", "CHG-05", "CHG-06"),
        "annex-a",
    ),
    Area(
        "deployments",
        "Deployments",
        "How changes reached production: by whom, how soon, in what order, how often that failed and how long it took to mend.",
        (
            "deployment_frequency", "deployments_per_week", "lead_time", "commit_to_production", "batch_size",
            "promotion_soak", "change_failure_rate", "restore_time", "sync_success_rate",
        ),
        (("deployment_frequency", "app"), ("change_failure_rate", "app"), ("sync_success_rate", "environment")),
        ("DEP-",),
        "annex-b",
    ),
    Area(
        "drift",
        "Drift and health",
        "Whether clusters stayed as Git has them: direct changes, self-healing, drift, failed syncs, health, and whether alerts told.",
        ("drift_time", "degraded_time"),
        (("drift_time", "app"), ("degraded_time", "app")),
        ("CLU-",),
    ),
    Area(
        "secrets",
        "Secrets",
        "Whether secrets stayed out of Git, how the declared ones are kept, how old they are, and who read them.",
        ("secret_age",),
        (("secret_age", "kind"),),
        ("SEC-",),
    ),
    Area(
        "vulnerabilities",
        "Vulnerabilities and policies",
        "Whether images and repositories were scanned, how old open vulnerabilities are, and whether policies were enforced.",
        ("vulnerability_age", "scan_cadence"),
        (("vulnerability_age", "severity"), ("scan_cadence", "scanner")),
        ("SCN-", "POL-"),
    ),
    Area(
        "violations",
        "Violations",
        "Where items failed, how long ago, and where they failed again; and the controls of structure, documents, training and waivers.",
        ("violations", "violation_age", "repeated_violations", "resolve_time"),
        (("violations", "severity"), ("violations", "system"), ("violations", "team")),
        ("STR-", "DOC-", "TRN-", "WVR-"),
    ),
)  # fmt: skip
"""Every section, in order."""


@dataclass(frozen=True)
class Breakdown:
    """One figure by one dimension, the largest groups first.

    Attributes:
        more: groups that are not among the rows.
    """

    title: str
    dimension: str
    rows: list[Figure]
    more: int


@dataclass(frozen=True)
class Section:
    """An area with what the quarter has of it."""

    area: Area
    figures: list[Figure]
    breakdowns: list[Breakdown]
    controls: list[ControlResult]


def sections(controls: Sequence[ControlResult], figures: Sequence[Figure]) -> list[Section]:
    """Every area that has figures or controls."""
    found = []
    for area in AREAS:
        whole = {one.metric: one for one in figures if one.dimension == "all"}
        section = Section(
            area,
            [whole[metric] for metric in area.metrics if metric in whole],
            [one for metric, by in area.by if (one := _breakdown(figures, metric, by)).rows],
            [one for one in controls if one.id.startswith(area.controls)],
        )
        if section.figures or section.controls:
            found.append(section)
    return found


def largest_first(one: Figure) -> tuple[float, str]:
    """Puts groups with the largest values first, and those without a value last."""
    return -(one.value if one.value is not None else -1.0), one.group


def _breakdown(figures: Sequence[Figure], metric: str, dimension: str) -> Breakdown:
    rows = [one for one in figures if one.metric == metric and one.dimension == dimension]
    rows.sort(key=largest_first)
    title = rows[0].title if rows else ""
    return Breakdown(title, dimension, rows[:GROUPS], max(len(rows) - GROUPS, 0))
