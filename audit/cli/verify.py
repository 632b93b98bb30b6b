"""The command that verifies a report."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from audit import narrate
from audit.cli.options import AsJson, out
from audit.errors import ExitCode
from audit.reperform import reperformed
from audit.report.signed import read_certificates
from audit.settings import load
from audit.terminal import one_line, tell
from audit.verify import again
from audit.verify import verify as verify_report


def verify(
    report: Annotated[Path, typer.Argument(help="The PDF.", metavar="REPORT")],
    *,
    certificate: Annotated[
        list[Path] | None,
        typer.Option(help="Root (PEM) that signatures must lead to; may be given again.", metavar="PEM"),
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings", "-s", help="Settings whose store the quarter is done again from.", metavar="FILE"
        ),
    ] = None,
    time_limit: Annotated[
        int, typer.Option(help="After which laying it out once more is given up.", metavar="SECONDS", min=1)
    ] = again.SECONDS,
    as_json: AsJson = False,
) -> ExitCode:
    """Verify a report from the file alone, offline.

    Signatures, attachments, every figure, every byte. Figures whose items are attached are counted anew; the others are
    compared with what they are made of. With --certificate, it must be signed, and by whom that root vouches for. With
    --settings, the whole quarter is done again in a folder of its own, and every population and all else that the results say
    held against it. Prints what agrees, what does not and what is not proved; ends with 4 when something differs or is not proved.
    Example: audit verify report.pdf --certificate root.pem
    """
    roots = [each for path in certificate or [] for each in read_certificates("--certificate", path)]
    with narrate.Narrator() as progress:
        progress("hold", 0, 1)
        done = verify_report(report, roots, lay_out=partial(again.laid_out, seconds=time_limit))
        progress("hold", 1, 1)
        if settings is not None:
            done = replace(done, checks=[*done.checks, *reperformed(report, load(settings), progress)])
    if as_json:
        print(json.dumps(done.plain(), indent=1, sort_keys=True))
        return done.exit_code
    for check in done.checks:
        line = f"{check.verdict:<10}  {check.part}: {check.text}"
        tell(out, one_line(line))
    verdict = "verified" if done.exit_code is ExitCode.CLEAN else "NOT VERIFIED"
    tell(out, f"{report}: {verdict}")
    return done.exit_code
