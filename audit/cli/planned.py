"""What a dry run prints."""

from __future__ import annotations

import json

from rich.table import Table

from audit.cli.options import out
from audit.errors import ExitCode
from audit.evidence.plan import SourcePlanned

_ASKED = "only asking tells"


def show(planned: list[SourcePlanned], *, as_json: bool) -> ExitCode:
    """Objects and bytes that would be pulled, by source; returns the exit code that the collection would have now."""
    code = max((one.problem.exit_code for one in planned if one.problem), default=ExitCode.CLEAN)
    new, size = sum(one.new or 0 for one in planned), sum(one.bytes or 0 for one in planned)
    if as_json:
        sources = [vars(one) | {"problem": str(one.problem) if one.problem else None} for one in planned]
        said = {"sources": sources, "objects": new, "bytes": size, "pulled": 0}
        print(json.dumps(said, indent=1, sort_keys=True))
        return code
    table = Table("Source", "Location", "Listed", "Would be pulled", "Bytes")
    for one in planned:
        told = [_ASKED if one.problem is None else "–"] * 3
        if one.listed is not None:
            told = [f"{one.listed:,}", f"{one.new:,}", f"{one.bytes:,}"]
        table.add_row(one.name, one.location, *told)
    out.print(table)
    for one in planned:
        if one.checked:
            out.print(
                f"{one.name}: {one.checked:,} objects have no ETag: they are read, and kept where their bytes are new",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
        if one.problem:
            out.print(f"Missing: {one.problem}", style="red", markup=False, highlight=False, soft_wrap=True)
    out.print(f"{new:,} objects, {size:,} bytes would be pulled; nothing was.", highlight=False)
    return code
