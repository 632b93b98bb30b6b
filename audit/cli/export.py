"""The command that hands a quarter's tables on."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from audit import narrate, pipeline
from audit.cli.options import DEFAULT_SETTINGS, AsJson, Quarter, SettingsPath, out, period_of
from audit.errors import UsageError
from audit.export import Pseudonyms
from audit.export import export as write
from audit.settings import load
from audit.terminal import tell


def export(
    quarter: Quarter,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to make.", metavar="FOLDER")],
    pseudonymise: Annotated[
        bool,
        typer.Option("--pseudonymise", help="Replace whoever is named by a pseudonym; needs --key-file."),
    ] = False,
    *,
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="Key of the pseudonyms, 32 bytes or more; the same key gives the same.", metavar="FILE"
        ),
    ] = None,
    settings: SettingsPath = DEFAULT_SETTINGS,
    as_json: AsJson = False,
) -> None:
    """Write the tables of a checked quarter into a folder, for others.

    A Parquet file each, and export.json. With --pseudonymise, people, logins, e-mail and network addresses, and names in texts are replaced by keyed
    pseudonyms; commits keep their sha, by which whoever has the repository finds them.
    Example: audit export --quarter 2026Q3 --output shared --pseudonymise --key-file pseudonyms.key
    """
    if pseudonymise != (key_file is not None):
        raise UsageError(
            "--pseudonymise and --key-file go together",
            remedy="give both, and make the key with: head -c 32 /dev/urandom > FILE",
        )
    chosen = load(settings)
    with narrate.Narrator() as progress:
        done = pipeline.checked(chosen, period_of(chosen, quarter), progress)
        pseudonyms = None
        if key_file:
            progress("pseudonyms", 0, 1)
            pseudonyms = Pseudonyms.of(done.tables, chosen.machines, key_file=key_file)
            progress("pseudonyms", 1, 1)
        made = write(
            done.tables, output, period=done.period, as_of=done.as_of, pseudonyms=pseudonyms,
            progress=partial(progress, "export"),
        )  # fmt: skip
    if as_json:
        said = {"folder": str(output), "pseudonymised": made.pseudonymised, "rows": dict(made.rows)}
        print(json.dumps(said, indent=1, sort_keys=True))
        return
    named = "with pseudonyms" if made.pseudonymised else "with names as they are"
    tell(out, f"{output}: {len(made.rows)} tables, {sum(made.rows.values()):,} rows, {named}")
