"""A report with a manifest behind it, laid out once, and what forgers do to it."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import report_tables as made

from audit.evidence.manifest import Entry, append
from audit.evidence.store import Store
from audit.evidence.verify import head
from audit.report import model
from audit.report.shapes import Report

AS_OF = datetime(2026, 10, 5, 8, tzinfo=UTC)
CONTROLS = ("CHG-01", "CHG-02", "CHG-03", "CHG-04", "CHG-05", "CLU-01", "DEP-02", "EVD-02")
"""Those that the quarter's tables have exceptions or gaps of."""


def store_at(folder: Path) -> Store:
    """A store with two manifests."""
    store = Store(folder)
    for number in range(2):
        entry = Entry(
            "forge", "s3://audit-evidence/github/", f"{number}.json", "", "", AS_OF, "", 3, made.sha(number, length=64), AS_OF
        )  # fmt: skip
        append(store, as_of=AS_OF, entries=[entry])
    return store


def report_of(chain: Store, landings: int = 24) -> Report:
    """A report of a few controls, so that it is laid out soon; nothing that is verified depends on their number."""
    tables = made.quarter(landings, 6)
    for name in ("conclusions", "exceptions"):
        tables[name] = tables[name][tables[name]["control"].isin(CONTROLS)].reset_index(drop=True)
    return model.build(
        tables, made.settings(), made.PERIOD, as_of=made.AS_OF, version="0.1.0",
        catalogue=[entry for entry in made.CATALOGUE if entry.id in CONTROLS], manifest=head(chain),
    )  # fmt: skip


def rewritten(data: bytes, change: Callable[[pypdf.PdfWriter], None]) -> bytes:
    """The file with something of it changed by a whole PDF library, everything else as it was."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
