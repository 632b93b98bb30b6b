"""The command line: one short function a command, a module for each group. Errors are printed with their remedy; only a
defect of this product shows a traceback, and ends with a code of its own.

A command's module, and with it what it works with, is imported when that command is typed: help and completion come at once.
"""

from __future__ import annotations

import ast
import logging
import os
import signal
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

import audit
from audit import narrate
from audit.errors import STOPPED, AuditError, ExitCode, UsageError, code_of
from audit.terminal import Terminal

COMMANDS = {
    "init": "start.init",
    "run": "quarter.run",
    "collect": "evidence.collect",
    "mine": "mine.mine",
    "build": "evidence.build",
    "quarantine": "evidence.quarantine",
    "check": "quarter.check",
    "report": "quarter.report",
    "trace": "quarter.trace",
    "convert": "forms.convert",
    "diff": "forms.diff",
    "export": "export.export",
    "sample": "sample.sample",
    "access-review": "access.access_review",
    "controls": "controls.controls",
    "doctor": "doctor.doctor",
    "sign": "sign.sign",
    "verify": "verify.verify",
    "verify-evidence": "evidence.verify_evidence",
    "demo": "demo.demo",
    "parse": "parse.parse_files",
}
"""Every command by its name, in the order in which the help lists them: module below this one, and function."""


log = logging.getLogger("audit")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"gitops-audit {audit.__version__}")
        raise typer.Exit


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


def application(*names: str) -> typer.Typer:
    """The command line with these commands; of the others it knows the names and the help. All when none is named."""
    app = typer.Typer(
        name="audit",
        help="Proves, every quarter, how an organisation that runs on GitOps changed its systems.",
        epilog="Exit codes: 0 clean, 1 findings, 2 usage, 3 evidence missing or stale, 4 integrity. The highest wins. "
        "130 stopped from the keyboard, 70 a defect of this product.",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"terminal_width": 100, "max_content_width": 100},
    )
    app.callback()(_main)
    for name, place in COMMANDS.items():
        if name in names or not names:
            module, _, function = place.partition(".")
            app.command(name)(getattr(import_module(f"audit.cli.{module}"), function))
        else:
            app.command(name, help=_helps(place))(_not_loaded)
    return app


def _not_loaded() -> None:
    """Stands for a command that was not typed."""
    raise AssertionError


def _helps(place: str) -> str:
    """The docstring of a command, read without importing what it works with."""
    module, _, function = place.partition(".")
    return _docstrings(module)[function]


@cache
def _docstrings(module: str) -> dict[str, str]:
    tree = ast.parse(Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8"))
    return {
        each.name: ast.get_docstring(each) or "" for each in tree.body if isinstance(each, ast.FunctionDef)
    }


def _typed(arguments: list[str]) -> str:
    """The command among the arguments, or among those that a shell asks to complete; empty when there is none."""
    completed = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS") or ""
    words = completed.split()[1:] if "_AUDIT_COMPLETE" in os.environ else arguments
    return next((word for word in words if word in COMMANDS), "")


def _without(message: str) -> str:
    """What is wrong with a command line, without words of the libraries that found it."""
    return message.replace("Value error, ", "").rstrip(".")


def _ended(by: BrokenPipeError | SystemExit) -> int:
    """The exit code when Typer ended by itself: completion with 0, and writing to a pipe whose reader has enough."""
    if isinstance(by, SystemExit) and not by.code:
        return ExitCode.CLEAN
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


def _told(error: BaseException) -> int:
    """Tells what ended a command; gives its exit code."""
    if isinstance(error, AuditError):
        narrate.tell_error(error)
    elif isinstance(error, TyperException):
        asked: Any = getattr(error, "ctx", None)
        typed = asked.command_path if asked else "audit"
        narrate.tell_error(UsageError(_without(error.format_message()), remedy=f"see '{typed} --help'"))
        return ExitCode.USAGE
    elif isinstance(error, OSError):
        said = ": ".join(str(part) for part in (error.filename, error.strerror or error) if part)
        narrate.tell_error(
            UsageError(
                said, remedy="look at the path, the right to read or write it, and the room on its disk"
            )
        )
    elif isinstance(error, typer.Abort | KeyboardInterrupt):
        Terminal(stderr=True).print(
            "Stopped. What was collected is kept; run it again to go on.", style="yellow"
        )
        return STOPPED
    else:  # a defect: its traceback is for those who mend it, and its code is none that says "findings"
        log.error("A defect of gitops-audit %s", audit.__version__, exc_info=error)
    return code_of(error)


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; returns its exit code (see `audit.errors`)."""
    narrate.set_up_logging(verbose=False)
    try:
        given = sys.argv[1:] if arguments is None else arguments
        app: Callable[..., Any] = application(_typed(given))
        code = app(given or ["--help"], standalone_mode=False, prog_name="audit")
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit) as ended:
        return _ended(ended)
    except (Exception, KeyboardInterrupt) as error:
        return _told(error)
    return int(code or 0)
