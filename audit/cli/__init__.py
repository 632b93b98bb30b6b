"""The command line: one short function a command, a module for each group. Errors are printed with their remedy, never as a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.exceptions import TyperException

import audit
from audit import narrate
from audit.cli import doctor, evidence, export, forms, mine, parse, quarter, sample, sign, start, verify
from audit.cli.options import out
from audit.errors import AuditError, ExitCode, UsageError

app = typer.Typer(
    name="audit",
    help="Proves, every quarter, how an organisation that runs on GitOps changed its systems.",
    epilog="Exit codes: 0 clean, 1 findings, 2 usage, 3 evidence missing or stale, 4 integrity. The highest wins.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"terminal_width": 100, "max_content_width": 100},
)


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
    log_format: Annotated[
        narrate.LogFormat,
        typer.Option("--log-format", help="How logs, progress and errors are written on stderr."),
    ] = narrate.LogFormat.TEXT,
) -> None:
    narrate.set_up_logging(verbose, log_format)


COMMANDS: dict[str, Callable[..., object]] = {
    "init": start.init,
    "run": quarter.run,
    "collect": evidence.collect,
    "mine": mine.mine,
    "build": evidence.build,
    "quarantine": evidence.quarantine,
    "check": quarter.check,
    "report": quarter.report,
    "trace": quarter.trace,
    "convert": forms.convert,
    "diff": forms.diff,
    "export": export.export,
    "sample": sample.sample,
    "controls": start.controls,
    "doctor": doctor.doctor,
    "sign": sign.sign,
    "verify": verify.verify,
    "verify-evidence": evidence.verify_evidence,
    "demo": start.demo,
    "parse": parse.parse_files,
}
"""Every command under its name, in the order in which the help lists them."""

for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; returns its exit code (see `audit.errors.ExitCode`)."""
    narrate.set_up_logging(verbose=False)
    try:
        given = sys.argv[1:] if arguments is None else arguments
        code: Any = app(given or ["--help"], standalone_mode=False, prog_name="audit")
    except AuditError as error:
        narrate.tell_error(error)
        return error.exit_code
    except TyperException as error:
        narrate.tell_error(UsageError(str(error), remedy="see 'audit --help'"))
        return ExitCode.USAGE
    except (typer.Abort, KeyboardInterrupt):
        Console(stderr=True).print(
            "Stopped. What was collected is kept; run it again to go on.", style="yellow"
        )
        return 130
    return int(code or 0)
