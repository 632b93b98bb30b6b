"""The populations that the report prints, as the files attached to the PDF: CSV for a spreadsheet, Parquet for analysts.

Each is made from the report's model alone and has every row of it, also those that a page cuts; the same model gives
the same bytes. Their sha256 stand in `results.json`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import typing
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from audit.normalise.cells import guarded
from audit.report.pieces import SampleRow
from audit.report.shapes import (
    ControlResult,
    DeploymentRow,
    EmergencyRow,
    EvidenceRow,
    ExceptionRow,
    Figure,
    LandingRow,
    ReconciledRow,
    Report,
    RevokedRow,
    RightRow,
    WaiverRow,
)

RESULTS = "results.json"
MANIFEST = "manifest.json"
OSCAL = "assessment-results.json"

POPULATIONS = {
    "changes": "Every change that landed, one a row (annex A)",
    "controls": "Every control with its population, exceptions and conclusion, one a row (control matrix)",
    "deployments": "Every production deployment, one a row (annex B)",
    "emergencies": "Every emergency in a cluster with its steps, one a row (reconciliation)",
    "evidence": "Every object of evidence with its sha256, one a row (annex E)",
    "exceptions": "Every exception, one a row",
    "figures": "Every figure with what it is made of, one a row (annex C)",
    "reconciliation": "Every landing, deployment and write without its counterpart, one a row (reconciliation)",
    "revocations": "Every right that had to be gone in the quarter after an access review, one a row (access review)",
    "rights": "Every right that was held in the quarter, one a row (access review)",
    "samples": "Every item that was drawn for a sample sheet, one a row",
    "waivers": "Every waiver that stood in the quarter, one a row",
}
"""What each population holds, by the name of its files."""

DESCRIPTIONS = {
    **{
        f"{name}.{kind}": f"{text}, as {label}"
        for name, text in POPULATIONS.items()
        for kind, label in (("csv", "CSV"), ("parquet", "Parquet"))
    },
    OSCAL: "The same results as OSCAL assessment results",
    MANIFEST: "The last signed manifest of the evidence: it names the sha256 of the one before it",
    RESULTS: "Everything this report says, for machines, and the sha256 of the other attachments",
}
"""The description of each attachment, by its name."""

TIMES = frozenset(
    {
        "at",
        "checked_at",
        "closed_at",
        "collected_at",
        "covers_from",
        "covers_until",
        "decided_at",
        "gone_by",
        "held_since",
        "landed_at",
        "last_used",
        "opened_at",
        "production",
        "removed_at",
        "resolved_at",
        "returned_at",
        "reviewed_at",
        "started_at",
        "used_at",
    }
)
_NESTED = frozenset({"references", "passages", "exceptions", "responses"})


def rows(report: Report) -> dict[str, tuple[type, Sequence[Any]]]:
    """By the name of each population, the class of its rows and the rows."""
    return {
        "changes": (LandingRow, report.landings),
        "controls": (ControlResult, report.controls),
        "deployments": (DeploymentRow, report.deployments),
        "emergencies": (EmergencyRow, report.emergencies),
        "evidence": (EvidenceRow, report.evidence),
        "exceptions": (ExceptionRow, [row for control in report.controls for row in control.exceptions]),
        "figures": (Figure, report.figures),
        "reconciliation": (ReconciledRow, report.reconciled),
        "revocations": (RevokedRow, report.revoked),
        "rights": (RightRow, report.rights),
        "samples": (SampleRow, [row for sheet in report.samples for row in sheet.rows]),
        "waivers": (WaiverRow, report.waivers),
    }


def populations(report: Report) -> dict[str, bytes]:
    """Every population as CSV and as Parquet, by file name, sorted."""
    made = {}
    for name, (shape, found) in rows(report).items():
        made[f"{name}.csv"] = _csv(shape, found)
        made[f"{name}.parquet"] = _parquet(shape, found)
    return dict(sorted(made.items()))


def listed(files: dict[str, bytes]) -> list[dict[str, Any]]:
    """The name, sha256 and size (bytes) of each file, as `results.json` lists them."""
    return [
        {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        for name, data in sorted(files.items())
    ]


def columns(shape: type) -> list[str]:
    """The columns of a population: every plain field of its rows, and every list of texts."""
    return [field.name for field in fields(shape) if field.name not in _NESTED]


def _csv(shape: type, found: Sequence[Any]) -> bytes:
    """A cell that a spreadsheet would take for a formula is led by an apostrophe; a missing number is empty."""
    out = io.StringIO()
    names = columns(shape)
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    for row in found:
        writer.writerow([_cell(getattr(row, name)) for name in names])
    return out.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: str | float | list[str] | None) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        text = value
    else:
        text = ("\n" if any(" " in each for each in value) else " ").join(value)
    return guarded(text)


def _parquet(shape: type, found: Sequence[Any]) -> bytes:
    """Times are timestamps (UTC), null where the report has the empty text; lists stay lists."""
    hints = typing.get_type_hints(shape)
    schema = pa.schema([(name, _type(name, hints[name])) for name in columns(shape)])
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(values(shape, found), schema=schema), out, compression="zstd")
    return out.getvalue()


def values(shape: type, found: Sequence[Any]) -> list[dict[str, Any]]:
    """The rows of a population as its Parquet file has them, by column."""
    names = columns(shape)
    return [{name: _value(name, getattr(row, name)) for name in names} for row in found]


def _type(name: str, hint: Any) -> pa.DataType:
    if name in TIMES:
        return pa.timestamp("us", tz="UTC")
    plain = {str: pa.string(), bool: pa.bool_(), int: pa.int64(), int | None: pa.int64()}
    if hint in plain:
        return plain[hint]
    return pa.list_(pa.string()) if hint == list[str] else pa.float64()


def _value(name: str, value: Any) -> Any:
    if name in TIMES:
        return datetime.fromisoformat(value) if value else None
    if isinstance(value, str):
        return _encodable(value)
    return [_encodable(each) for each in value] if isinstance(value, list) else value


def _encodable(text: str) -> str:
    """Lone surrogates as `\\udc80`: UTF-8 has none."""
    return text.encode("utf-8", "backslashreplace").decode()
