"""A report laid out once more from its results, in a process of its own, with limits: the file may come from anyone.

Its theme is part of the file. A template that loops, or a style sheet without end, takes no more than the time and memory
that it is given here; every process that it started ends with it.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import tempfile
from multiprocessing import get_context
from pathlib import Path

from audit.errors import AuditError, UsageError
from audit.report import pdf, result

SECONDS = 900
MEMORY = 8 << 30
"""Bytes of address space of each process."""

_REMEDY = "give it more time with --time-limit, or ask how its theme came to be"


def laid_out(results: bytes, manifest: bytes | None, seconds: int = SECONDS) -> bytes:
    """The bytes of the report, unsigned.

    Args:
        results: `results.json`.
        manifest: the last manifest of the evidence; None without any.

    Raises:
        UsageError: laying out is not possible here, it failed, or took longer than `seconds`.
    """
    with tempfile.TemporaryDirectory() as folder:
        path, told = Path(folder) / "report.pdf", Path(folder) / "problem"
        process = get_context("spawn").Process(target=_lay_out, args=(results, manifest, path, told))
        process.start()
        try:
            process.join(seconds)
            late = process.is_alive()
        finally:
            if process.is_alive():
                _end(process.pid or 0)
                process.kill()
            process.join()
        if late:
            raise UsageError(f"it was not laid out anew within {seconds} s", remedy=_REMEDY)
        if told.exists():
            raise UsageError(told.read_text(encoding="utf-8"), remedy=_REMEDY)
        if process.exitcode or not path.exists():
            raise UsageError(f"laying it out anew failed: exit status {process.exitcode}", remedy=_REMEDY)
        return path.read_bytes()


def _end(process: int) -> None:
    """Ends a process and all that it started; it may not have come to lead them yet."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)


def _lay_out(results: bytes, manifest: bytes | None, path: Path, told: Path) -> None:
    """Writes the report to `path`, or what went wrong to `told`."""
    os.setsid()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        report, _ = result.from_json(results)
        pdf.render(report, path, manifest=manifest)
    except AuditError as error:
        told.write_text(error.problem, encoding="utf-8", errors="backslashreplace")
    except MemoryError:
        told.write_text("laying it out anew takes more memory than it is given", encoding="utf-8")
