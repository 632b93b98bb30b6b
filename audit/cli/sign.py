"""The command that signs a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from audit.cli.options import DEFAULT_SETTINGS, AsJson, SettingsPath, out
from audit.errors import UsageError
from audit.report import signed
from audit.settings import load
from audit.terminal import tell
from audit.verify import opened


def sign(
    report: Annotated[Path, typer.Argument(help="The PDF.", metavar="REPORT")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="File to make; REPORT.signed.pdf when not given.", metavar="FILE"
        ),
    ] = None,
    settings: SettingsPath = DEFAULT_SETTINGS,
    as_json: AsJson = False,
) -> None:
    """Sign a report with the key that [report_signature] names.

    What 'audit report' freezes is signed by itself. The signed file begins with the exact bytes of the unsigned one. Reviewers can add their signatures to it.
    Example: audit sign report.pdf --output signed.pdf
    """
    path = output or report.with_suffix(".signed.pdf")
    if path.exists():
        raise UsageError(f"{path}: exists already", remedy="name another file with --output")
    data = opened.read(report)
    opened.open_pdf(report.name, data)
    done = signed.sign(data, load(settings))
    aside = path.with_name(f".{path.name}.part")
    aside.write_bytes(done)
    aside.replace(path)
    if as_json:
        print(
            json.dumps({"signed": str(path), "unsigned_bytes": len(data), "bytes": len(done)}, sort_keys=True)
        )
        return
    tell(out, f"{path}: signed")
