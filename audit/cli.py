"""The command line: one short function a command. Errors are printed with their remedy, never as a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import Console
from typer.exceptions import TyperException

import audit
from audit import demo as demonstration
from audit import narrate, parse, pipeline, screen
from audit.controls import registry
from audit.errors import AuditError, ExitCode, UsageError
from audit.normalise.interface import Context
from audit.period import Period
from audit.settings import Settings, Source, load
from audit.settings_template import ROSTER, commented

app = typer.Typer(
    name="audit",
    help="Proves, every quarter, how an organisation that runs on GitOps changed its systems.",
    epilog="Exit codes: 0 clean, 1 findings, 2 usage, 3 evidence missing or stale, 4 integrity. The highest wins.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"terminal_width": 100, "max_content_width": 100},
)
out = Console()

SettingsPath = Annotated[Path, typer.Option("--settings", "-s", help="Settings file.", metavar="FILE")]


class Kind(StrEnum):
    """Kinds of sources."""

    S3 = "s3"
    FOLDER = "folder"
    GITHUB = "github"


Quarter = Annotated[
    str, typer.Option("--quarter", "-q", help="Fiscal quarter, as in 2026Q3.", metavar="QUARTER")
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
DEFAULT_SETTINGS = Path("audit.toml")


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"gitops-audit {audit.__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def _main(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what is done.")] = False,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    narrate.set_up_logging(verbose)


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = DEFAULT_SETTINGS,
    show: Annotated[bool, typer.Option("--print", help="Print it instead.")] = False,
) -> None:
    """Write a commented audit.toml, and roster.yaml beside it. Never overwrites one.

    Example: audit init
    """
    if show:
        print(commented())
        return
    roster = path.with_name("roster.yaml")
    _write_new(path, commented())
    if not roster.exists():
        _write_new(roster, ROSTER)
    out.print(
        f"Wrote {path} and {roster.name}. Fill in repositories, sources and people, then: audit run --quarter 2026Q3",
        highlight=False,
        soft_wrap=True,
    )


def _write_new(path: Path, text: str) -> None:
    """Writes a file that is not there yet."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path}: exists already", remedy="name another file, or use --print") from None
    except OSError as error:
        raise UsageError(
            f"{path}: can't be written: {error.strerror}", remedy="name a folder that exists"
        ) from None


@app.command()
def run(
    quarter: Quarter,
    settings: SettingsPath = DEFAULT_SETTINGS,
    as_of: AsOf = None,
    draft: AsDraft = False,
    as_json: AsJson = False,
) -> ExitCode:
    """Do the whole job: collect, mine, build, check and report one quarter.

    What is reported of a quarter that is over is frozen: later evidence leads to a restatement that says what it
    changes. Example: audit run --quarter 2026Q3
    """
    chosen = load(settings)
    with narrate.Narrator() as progress:
        done = pipeline.run(chosen, chosen.quarter(quarter), _moment(as_of), progress, draft=draft)
    screen.show_run(out, done, as_json=as_json)
    return done.exit_code


@app.command()
def collect(
    kind: Annotated[
        Kind | None, typer.Argument(help="Only sources of this kind; all when not given.", metavar="[KIND]")
    ] = None,
    *,
    repository: Annotated[
        list[str] | None,
        typer.Option(help="With github: only this repository; may be repeated.", metavar="OWNER/NAME"),
    ] = None,
    settings: SettingsPath = DEFAULT_SETTINGS,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> ExitCode:
    """Bring evidence into the store; what is there already is not pulled again. KIND: s3, folder or github.

    Examples: audit collect, audit collect github --repository netbpf/netbpf-gitops
    """
    chosen = load(settings)
    only = _only(chosen, kind, repository or [])
    with narrate.Narrator() as progress:
        done = pipeline.collect(chosen, _moment(as_of), progress, only=only)
    screen.show_collected(out, done, as_json=as_json)
    return max((problem.exit_code for problem in done.problems), default=ExitCode.CLEAN)


@app.command()
def mine(
    path: Annotated[Path | None, typer.Argument(help="A repository, mined alone, without settings.")] = None,
    *,
    quarter: Annotated[
        str | None,
        typer.Option(
            "--quarter",
            "-q",
            help="Only this quarter; without PATH: contents are read for it.",
            metavar="QUARTER",
        ),
    ] = None,
    history: Annotated[
        bool,
        typer.Option(
            "--history", help="With PATH: the history alone, without build graph, images and secrets."
        ),
    ] = False,
    settings: SettingsPath = DEFAULT_SETTINGS,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Mine repositories: with PATH, print what it alone says of its landings; without, those of the settings.

    Example: audit mine ../netbpf-gitops --quarter 2026Q3
    """
    if path is not None:
        period = Period.quarter(quarter) if quarter else None
        screen.show_mined(out, pipeline.mine_alone(path, period, contents=not history), as_json=as_json)
        return
    chosen = load(settings)
    wanted = chosen.quarter(quarter) if quarter else None
    with narrate.Narrator() as progress:
        tables = pipeline.mine(chosen, _moment(as_of), progress, period=wanted)
    screen.show_repositories(out, tables["repositories"], as_json=as_json)


@app.command()
def build(settings: SettingsPath = DEFAULT_SETTINGS, as_json: AsJson = False) -> None:
    """Read the stored evidence into tables; what can't be read is quarantined and counted.

    Example: audit build
    """
    with narrate.Narrator() as progress:
        built = pipeline.build(load(settings), progress)
    screen.show_built(out, built, as_json=as_json)


@app.command()
def quarantine(
    source: Annotated[str | None, typer.Option(help="Only what this source gave.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only what has this in its reason.")] = None,
    retry: Annotated[
        bool, typer.Option("--retry", help="First read all of it once more, as formats and settings are now.")
    ] = False,
    settings: SettingsPath = DEFAULT_SETTINGS,
    as_json: AsJson = False,
) -> ExitCode:
    """List what could not be read: object, record, byte and reason; or read it once more after a fix.

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
    rows = wanted(pipeline.built(chosen).tables["quarantine"])
    screen.show_quarantine(out, rows, as_json=as_json)
    return ExitCode.EVIDENCE if len(rows) else ExitCode.CLEAN


@app.command()
def check(
    quarter: Quarter, settings: SettingsPath = DEFAULT_SETTINGS, as_of: AsOf = None, as_json: AsJson = False
) -> ExitCode:
    """Join and judge one quarter from what was collected, mined and built.

    Example: audit check --quarter 2026Q3
    """
    chosen = load(settings)
    moment = _moment(as_of) if as_of else pipeline.last_as_of(chosen)
    with narrate.Narrator() as progress:
        done = pipeline.check(chosen, chosen.quarter(quarter), moment, progress)
    screen.show_run(out, done, as_json=as_json)
    return done.exit_code


@app.command()
def report(
    quarter: Quarter,
    settings: SettingsPath = DEFAULT_SETTINGS,
    draft: AsDraft = False,
    as_json: AsJson = False,
) -> None:
    """Render a checked quarter: results.json and report.pdf, frozen as an edition once the quarter is over.

    Example: audit report --quarter 2026Q3
    """
    chosen = load(settings)
    with narrate.Narrator() as progress:
        checked = pipeline.checked(chosen, chosen.quarter(quarter))
        done = pipeline.report(chosen, checked, progress, draft=draft)
    screen.show_published(out, done, as_json=as_json)
    for problem in checked.problems:
        Console(stderr=True).print(f"Missing: {problem}", style="red", markup=False, highlight=False)


@app.command()
def trace(
    finding: Annotated[str, typer.Argument(help="What to trace: see below.", metavar="FINDING")],
    quarter: Quarter,
    settings: SettingsPath = DEFAULT_SETTINGS,
    limit: Annotated[
        int, typer.Option(min=0, help="Raw lines and commits to print at most; 0 for all of them.")
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """Print what a number or finding of a checked quarter rests on, down to raw evidence lines and commits.

    FINDING is an exception (CHG-03-0123456789), a control (CHG-03), a figure (lead_time, or lead_time:app=web), a row of
    annex A or B (A12, B7), a change (owner/name@commit), a pull request (owner/name#7), a deployment
    (cluster/application@time), a line of evidence (sha256:line), an object (its sha256) or a source. Raw lines are printed
    as they were collected: they may hold what systems should not have logged.
    Example: audit trace CHG-03 --quarter 2026Q3
    """
    chosen = load(settings)
    found = pipeline.trace(chosen, chosen.quarter(quarter), finding, limit=limit or None)
    screen.show_trace(out, found, as_json=as_json)


@app.command()
def controls(
    control: Annotated[str | None, typer.Argument(help="Explain this control, such as CHG-03.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the controls, or explain one.

    Example: audit controls CHG-03
    """
    screen.show_controls(out, registry.catalogue(), control, as_json=as_json)


@app.command("verify-evidence")
def verify_evidence(settings: SettingsPath = DEFAULT_SETTINGS) -> None:
    """Recompute the manifest chain and every stored object, offline; name what changed.

    Example: audit verify-evidence
    """
    chosen = load(settings)
    pipeline.verify(chosen)
    out.print(
        f"{chosen.store_path}: every object and manifest is what it was", highlight=False, soft_wrap=True
    )


@app.command()
def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for everything it makes.")] = Path(
        "build/demo"
    ),
    seed: Annotated[int, typer.Option(help="Which organisation: the same seed acts the same.")] = 1,
    changes: Annotated[int, typer.Option(min=20, help="Changes that land, about.")] = 240,
    log_events: Annotated[int, typer.Option(min=1000, help="Cluster log events, about.")] = 40_000,
    as_json: AsJson = False,
) -> None:
    """Act out a demonstration organisation, serve its evidence from S3 on loopback, and report on it.

    Findings are expected: it ends with 0 when the report is there. Example: audit demo --seed 7
    """
    with narrate.Narrator() as progress:
        done = demonstration.run(output, seed=seed, changes=changes, log_events=log_events, progress=progress)
    screen.show_run(out, done, as_json=as_json)


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


@app.command("parse")
def parse_files(
    files: Annotated[
        list[Path],
        typer.Argument(help="Files of evidence, plain or compressed; - for stdin.", metavar="FILE..."),
    ],
    name: Annotated[
        str, typer.Option("--format", help="Format that every record must be of; auto recognises each.")
    ] = "auto",
    cluster: Annotated[str, typer.Option(help="Cluster that the records speak of.")] = "-",
    repository: Annotated[
        str, typer.Option(help="Repository that the records speak of, where they name none.")
    ] = "-",
) -> ExitCode:
    """Print the rows of files as JSON lines, without settings or store; on stderr what can't be read, and counts.

    Ends with 3 when something could not be read. Example: audit parse audit.log.gz
    """
    parse.require_files([path for path in files if path != parse.STDIN])
    counts, errors = parse.Counts(), Console(stderr=True, soft_wrap=True)
    try:
        for path in files:
            with parse.spooled(path) as content:
                context = Context("parse", str(path), cluster=cluster, repository=repository)
                for found in parse.read(content, context, counts, format=name):
                    if isinstance(found, parse.Found):
                        screen.show_row(str(path), found)
                    else:
                        screen.show_refused(errors, str(path), found)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the rows, as `head` does, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.CLEAN
    screen.show_counts(errors, counts)
    return ExitCode.EVIDENCE if counts.quarantined else ExitCode.CLEAN


def _moment(as_of: datetime | None) -> datetime:
    """The time a run stands at: the only place that asks the clock."""
    return as_of.replace(tzinfo=UTC) if as_of else datetime.now(UTC).replace(microsecond=0)


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; returns its exit code (see `audit.errors.ExitCode`)."""
    try:
        given = sys.argv[1:] if arguments is None else arguments
        code: Any = app(given or ["--help"], standalone_mode=False, prog_name="audit")
    except AuditError as error:
        Console(stderr=True).print(
            f"Error: {error}", style="red", markup=False, highlight=False, soft_wrap=True
        )
        return error.exit_code
    except TyperException as error:
        Console(stderr=True).print(f"Error: {error}\n  Remedy: see 'audit --help'", style="red", markup=False)
        return ExitCode.USAGE
    except (typer.Abort, KeyboardInterrupt):
        Console(stderr=True).print(
            "Stopped. What was collected is kept; run it again to go on.", style="yellow"
        )
        return 130
    return int(code or 0)


if __name__ == "__main__":
    sys.exit(main())
