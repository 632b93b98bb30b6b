"""What a dry run prints."""

from __future__ import annotations

import json

from rich.table import Table

from audit.cli.options import out
from audit.errors import ExitCode
from audit.evidence.plan import SourcePlanned
from audit.sources.repository import MirrorPlanned
from audit.terminal import tell

_ASKED = "only asking tells"


def show(
    planned: list[SourcePlanned], repositories: list[MirrorPlanned] | None = None, *, as_json: bool
) -> ExitCode:
    """Objects and bytes that would be pulled, by source; returns the exit code that the collection would have now.

    Args:
        repositories: what would be cloned or fetched, for a whole run; None for a collection, which leaves them alone.
    """
    told = [one.problem for one in planned] + [each.problem for each in repositories or []]
    problems = [problem for problem in told if problem]
    code = max((problem.exit_code for problem in problems), default=ExitCode.CLEAN)
    new, size = sum(one.new or 0 for one in planned), sum(one.bytes or 0 for one in planned)
    if as_json:
        sources = [vars(one) | {"problem": str(one.problem) if one.problem else None} for one in planned]
        said = {"sources": sources, "objects": new, "bytes": size, "pulled": 0}
        if repositories is not None:
            said["repositories"] = [
                vars(one) | {"problem": str(one.problem) if one.problem else None} for one in repositories
            ]
        print(json.dumps(said, indent=1, sort_keys=True))
        return code
    table = Table("Source", "Location", "Listed", "Would be pulled", "Bytes")
    for one in planned:
        cells = [_ASKED if one.problem is None else "–"] * 3
        if one.listed is not None:
            cells = [f"{one.listed:,}", f"{one.new:,}", f"{one.bytes:,}"]
        table.add_row(one.name, one.location, *cells)
    out.print(table)
    for one in planned:
        if one.checked:
            tell(
                out,
                f"{one.name}: {one.checked:,} objects have no ETag: they are read, and kept where their bytes are new",
            )
    if repositories is not None:
        mirrors = Table("Repository", "Location", "Mirror")
        for each in repositories:
            held = "would be cloned" if each.bytes is None else f"{each.bytes:,} bytes; would be fetched"
            mirrors.add_row(each.name, each.location, "–" if each.problem else held)
        out.print(mirrors)
    for problem in problems:
        tell(out, f"Missing: {problem}", style="red")
    out.print(f"{new:,} objects, {size:,} bytes would be pulled; nothing was.", highlight=False)
    return code
