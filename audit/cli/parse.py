"""The command that prints the rows of files, to try things out."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from audit import parse, screen
from audit.errors import ExitCode
from audit.normalise.interface import Context
from audit.terminal import Terminal


def parse_files(
    files: Annotated[
        list[Path],
        typer.Argument(help="Files of evidence, plain or compressed; - for stdin.", metavar="FILE..."),
    ],
    name: Annotated[
        str,
        typer.Option(
            "--format",
            help="Format that every record must be of; auto recognises each; roster reads who is who.",
        ),
    ] = "auto",
    cluster: Annotated[str, typer.Option(help="Cluster that the records speak of.")] = "-",
    repository: Annotated[
        str, typer.Option(help="Repository that the records speak of, where they name none.")
    ] = "-",
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON lines on stderr as well: what can't be read, and the counts.")
    ] = False,
) -> ExitCode:
    """Print the rows of files as JSON lines, without settings or store.

    On stderr stands what can't be read, where and why, and the count of records. Ends with 3 when something could not be read. Example: audit parse audit.log.gz
    """
    parse.require_files([path for path in files if path != parse.STDIN])
    counts, errors = parse.Counts(), Terminal(stderr=True, soft_wrap=True)
    try:
        for path in files:
            with parse.spooled(path) as content:
                context = Context("parse", str(path), cluster=cluster, repository=repository)
                for found in parse.read(content, context, counts, format=name):
                    if isinstance(found, parse.Found):
                        screen.show_row(str(path), found)
                    else:
                        screen.show_refused(errors, str(path), found, as_json=as_json)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read the rows, as `head` does, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.CLEAN
    screen.show_counts(errors, counts, as_json=as_json)
    return ExitCode.EVIDENCE if counts.quarantined else ExitCode.CLEAN
