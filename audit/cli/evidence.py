"""Commands that bring evidence in and look after it."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import pandas as pd
import typer

from audit import narrate, pipeline, screen
from audit.cli import planned
from audit.cli.options import DEFAULT_SETTINGS, AsJson, AsOf, SettingsPath, moment_of, out
from audit.errors import EvidenceMissing, ExitCode, IntegrityError, UsageError
from audit.evidence.plan import plan
from audit.settings import Settings, Source, load


class Kind(StrEnum):
    """Kinds of sources."""

    S3 = "s3"
    FOLDER = "folder"
    GITHUB = "github"


def collect(
    kind: Annotated[
        Kind | None, typer.Argument(help="Only sources of this kind; all when not given.", metavar="[KIND]")
    ] = None,
    *,
    repository: Annotated[
        list[str] | None,
        typer.Option(help="With github: only this repository; may be repeated.", metavar="OWNER/NAME"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be pulled, and its size; pull nothing.")
    ] = False,
    settings: SettingsPath = DEFAULT_SETTINGS,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> ExitCode:
    """Bring evidence into the store; what is there already is not pulled again. KIND: s3, folder or github.

    Examples: audit collect --dry-run, audit collect github --repository netbpf/netbpf-gitops
    """
    chosen = load(settings)
    only = _only(chosen, kind, repository or [])
    if dry_run:
        return planned.show(plan(chosen, as_of=moment_of(as_of), only=only), as_json=as_json)
    with narrate.Narrator() as progress:
        done = pipeline.collect(chosen, moment_of(as_of), progress, only=only)
    screen.show_collected(out, done, as_json=as_json)
    return max((problem.exit_code for problem in done.problems), default=ExitCode.CLEAN)


def _only(chosen: Settings, kind: Kind | None, repositories: list[str]) -> Callable[[Source], bool] | None:
    """Which sources a collection is of; None for all.

    Raises:
        UsageError: no source of the settings is meant.
    """
    if repositories and kind is not Kind.GITHUB:
        raise UsageError(
            "--repository is of GitHub's sources alone", remedy="write: audit collect github --repository …"
        )
    if kind is None:
        return None
    known = {source.location.lower() for source in chosen.sources if source.kind == kind.value}
    wanted = {f"github:{name.lower()}" for name in repositories}
    if not known or not wanted <= known:
        lacking = ", ".join(sorted(wanted - known)) or f"of the kind '{kind.value}'"
        raise UsageError(
            f"the settings name no source {lacking}",
            remedy='add it to audit.toml under [[sources]], with a location such as "github:owner/name"',
        )
    return lambda source: source.kind == kind.value and (not wanted or source.location.lower() in wanted)


def build(settings: SettingsPath = DEFAULT_SETTINGS, as_json: AsJson = False) -> None:
    """Read the stored evidence into tables; quarantine and count what can't be read.

    Example: audit build
    """
    with narrate.Narrator() as progress:
        built = pipeline.build(load(settings), progress)
    screen.show_built(out, built, as_json=as_json)


def quarantine(
    source: Annotated[str | None, typer.Option(help="Only what this source gave.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only what has this in its reason.")] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="First read all of it once more, as formats and settings are now.")
    ] = False,
    settings: SettingsPath = DEFAULT_SETTINGS,
    as_json: AsJson = False,
) -> ExitCode:
    """List what could not be read, where and why; or read it once more after a fix.

    What a record holds is not printed: 'audit trace' does, by the name at the end of its line. Ends with 3 when anything
    is quarantined. Example: audit quarantine --source prod-audit --retry
    """
    chosen = load(settings)

    def wanted(rows: pd.DataFrame) -> pd.DataFrame:
        if source is not None:
            rows = rows[rows["source_name"].eq(source)]
        return rows if reason is None else rows[rows["reason"].str.contains(reason, regex=False)]

    if retry:
        with narrate.Narrator() as progress:
            done = pipeline.retry(chosen, progress)
        done = pipeline.Retried(wanted(done.before), wanted(done.left))
        screen.show_retried(out, done, as_json=as_json)
        return ExitCode.EVIDENCE if len(done.left) else ExitCode.CLEAN
    rows = wanted(pipeline.quarantined(pipeline.built(chosen)))
    screen.show_quarantine(out, rows, as_json=as_json)
    return ExitCode.EVIDENCE if len(rows) else ExitCode.CLEAN


def verify_evidence(
    head: Annotated[
        list[str] | None,
        typer.Option(
            help="sha256 of a manifest that must be there, as a report prints the last one of its evidence: tells when the "
            "end of the chain was cut off. May be repeated.",
            metavar="SHA256",
        ),
    ] = None,
    *,
    settings: SettingsPath = DEFAULT_SETTINGS,
    as_json: AsJson = False,
) -> ExitCode:
    """Recompute every stored object and the manifest chain, offline.

    Names what changed, and ends with 4 when anything did; with 3 when there is nothing to verify.
    Example: audit verify-evidence
    """
    chosen, proved, problems, code = load(settings), None, [], ExitCode.CLEAN
    try:
        with narrate.Narrator() as progress:
            proved = pipeline.verify(chosen, progress, heads=head or [])
    except (IntegrityError, EvidenceMissing) as error:
        if not as_json:
            raise
        problems, code = error.problem.splitlines(), error.exit_code
    screen.show_verified(out, str(chosen.store_path), proved, problems, as_json=as_json)
    return code
