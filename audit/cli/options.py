"""Options that several commands share, and where they print."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from audit.period import Period
from audit.settings import Settings
from audit.terminal import Terminal

out = Terminal()

SettingsPath = Annotated[Path, typer.Option("--settings", "-s", help="Settings file.", metavar="FILE")]


Quarter = Annotated[
    str,
    typer.Option(
        "--quarter",
        "-q",
        help="Fiscal quarter, as in 2026Q3; last: the last that has ended.",
        metavar="QUARTER",
    ),
]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"], help="The time this run stands at (UTC)."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AsDraft = Annotated[
    bool, typer.Option("--draft", help="Render a draft: freeze nothing, though the quarter is over.")
]
AsEvery = Annotated[
    bool, typer.Option("--all", help="Print every control with its statement, and all that is missing.")
]
DEFAULT_SETTINGS = Path("audit.toml")


def moment_of(as_of: datetime | None) -> datetime:
    """The time a run stands at: the only place that asks the clock."""
    return as_of.replace(tzinfo=UTC) if as_of else datetime.now(UTC).replace(microsecond=0)


def period_of(settings: Settings, quarter: str, as_of: datetime | None = None) -> Period:
    """The quarter that `--quarter` names; `last` is the one before that in which `as_of` lies.

    Raises:
        UsageError: it names none.
    """
    if quarter == "last":
        return settings.quarter_of(moment_of(as_of)).previous()
    return settings.quarter(quarter)
