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
from audit.report.earlier import Earlier
from audit.report.pieces import Response, Theme
from audit.report.shapes import Report
from audit.sampling import printed

AS_OF = datetime(2026, 10, 5, 8, tzinfo=UTC)
CONTROLS = ("CHG-01", "CHG-02", "CHG-03", "CHG-04", "CHG-05", "CLU-01", "DEP-02", "EVD-02")
"""Those that the quarter's tables have exceptions or gaps of."""
OWNERS = [{"owner": "platform team", "controls": ["CHG-*"]}, {"owner": "checkout", "apps": ["checkout"]}]
RESPONSES = [
    Response("CHG-01", "release team", "Pushes to main are refused since then.", "2026-10-20", "a.yaml:1")
]
BEFORE = {
    name: {"conclusion": conclusion, "exceptions": count, "waived": 0}
    for name, conclusion, count in (
        ("CHG-01", "effective", 0), ("CHG-02", "exceptions", 9), ("CHG-03", "not tested", 0), ("DEP-02", "exceptions", 1),
        ("CHG-05", "effective", 0), ("CLU-01", "exceptions", 7),
    )
}  # fmt: skip
"""What some of them came to in the quarter before."""


def store_at(folder: Path) -> Store:
    """A store with two manifests."""
    store = Store(folder)
    for number in range(2):
        entry = Entry(
            "forge", "s3://audit-evidence/github/", f"{number}.json", "", "", AS_OF, "", 3, made.sha(number, length=64), AS_OF
        )  # fmt: skip
        append(store, as_of=AS_OF, entries=[entry])
    return store


def report_of(
    chain: Store, landings: int = 24, *, language: str = "en", theme: Theme | None = None
) -> Report:
    """A report of a few controls, so that it is laid out soon; nothing that is verified depends on their number."""
    tables = made.quarter(landings, 6)
    for name in ("conclusions", "exceptions"):
        tables[name] = tables[name][tables[name]["control"].isin(CONTROLS)].reset_index(drop=True)
    settings = made.settings(
        owners=OWNERS,
        report={"language": language},
        samples=[{"seed": 7, "tolerable": "0.2"}, {"seed": 7, "population": "writes"}],
    )
    return model.build(
        tables, settings, made.PERIOD, as_of=made.AS_OF, version="0.1.0",
        catalogue=[entry for entry in made.CATALOGUE if entry.id in CONTROLS], manifest=head(chain), signers=["0f0f"],
        earlier=Earlier("edition 1 of 2026Q2", BEFORE), responses=RESPONSES,
        samples=printed(tables, settings, made.PERIOD, made.AS_OF), theme=theme,
    )  # fmt: skip


def rewritten(data: bytes, change: Callable[[pypdf.PdfWriter], None]) -> bytes:
    """The file with something of it changed by a whole PDF library, everything else as it was."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
