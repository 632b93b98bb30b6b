"""The attached populations, read back from Parquet, and what is counted anew from them."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import zip_longest
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from audit.errors import IntegrityError
from audit.model import Conclusion
from audit.period import Period
from audit.report import attached, counted, judged, model
from audit.report.pieces import SampleRow
from audit.report.plain import iso
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
from audit.report.wording import Wording
from audit.report.words import count
from audit.verify.opened import LARGEST

_MOST = 5_000_000
"""Rows of a population."""

_REMEDY = "ask for the report again, from where it was made"

_ABSENT: dict[type, dict[str, Any]] = {
    ControlResult: {"references": [], "passages": [], "exceptions": [], "responses": []}
}


_SHAPES: dict[str, type] = {
    "changes": LandingRow,
    "controls": ControlResult,
    "deployments": DeploymentRow,
    "emergencies": EmergencyRow,
    "evidence": EvidenceRow,
    "exceptions": ExceptionRow,
    "figures": Figure,
    "reconciliation": ReconciledRow,
    "revocations": RevokedRow,
    "rights": RightRow,
    "samples": SampleRow,
    "waivers": WaiverRow,
}


@dataclass(frozen=True)
class Populations:
    """The rows of every population as they are attached."""

    changes: list[LandingRow]
    controls: list[ControlResult]
    deployments: list[DeploymentRow]
    emergencies: list[EmergencyRow]
    evidence: list[EvidenceRow]
    exceptions: list[ExceptionRow]
    figures: list[Figure]
    reconciliation: list[ReconciledRow]
    revocations: list[RevokedRow]
    rights: list[RightRow]
    samples: list[SampleRow]
    waivers: list[WaiverRow]

    def failed(self, control: str) -> int:
        """How many of the attached exceptions are those of a control."""
        return sum(row.control == control for row in self.exceptions)

    def waived(self, control: str) -> int:
        """How many of a control's attached exceptions a waiver covers."""
        return sum(row.control == control and bool(row.waiver) for row in self.exceptions)

    def open(self, control: str) -> list[ExceptionRow]:
        """A control's attached exceptions that no waiver covers."""
        return [row for row in self.exceptions if row.control == control and not row.waiver]

    def conclusion(self, control: ControlResult) -> str:
        """What a control comes to by its attached exceptions that no waiver covers, gaps and population."""
        if self.failed(control.id) > self.waived(control.id):
            return Conclusion.EXCEPTIONS
        if control.gaps:
            return Conclusion.NOT_TESTED
        return Conclusion.EFFECTIVE if control.population else Conclusion.NOT_APPLICABLE

    def counts(self) -> dict[str, int]:
        """How many controls come to each conclusion, as counted anew."""
        found = [self.conclusion(control) for control in self.controls]
        return {str(each): found.count(each) for each in Conclusion}

    def worst(self) -> list[ControlResult]:
        """The controls that the summary names first."""
        return judged.most_important(self.controls)

    def key_figures(self) -> list[Figure]:
        """The figures of the summary."""
        return counted.key_figures(self.figures)

    def sentences(self, report: Report, w: Wording) -> list[str]:
        """The summary's sentences, composed anew; period and sources are the report's."""
        starts, ends = (datetime.fromisoformat(each) for each in (report.starts, report.ends))
        period = Period(starts, ends, report.quarter, report.time_zone, 1)
        return model.sentences(
            period,
            datetime.fromisoformat(report.as_of),
            landings=self.changes,
            deployments=self.deployments,
            controls=self.controls,
            sources=report.sources,
            w=w,
        )


def read(attachments: dict[str, bytes]) -> Populations:
    """The populations of the attached Parquet files.

    Raises:
        IntegrityError: one is missing, or is not what it should be.
    """
    return Populations(
        **{name: _rows(f"{name}.parquet", shape, attachments) for name, shape in _SHAPES.items()}
    )


def differing(attachments: dict[str, bytes], report: Report) -> list[str]:
    """What the attached Parquet files have other than `results.json`, whatever version wrote them; the first row of each.

    A file that is missing or can't be read is named elsewhere.
    """
    wrong = []
    for name, (shape, wanted) in attached.rows(report).items():
        try:
            found = _plain(f"{name}.parquet", attachments)
        except IntegrityError:
            continue
        pairs = zip_longest(found, attached.values(shape, wanted))
        at = next((number for number, (one, other) in enumerate(pairs, 1) if one != other), None)
        if at:
            wrong.append(f"{name}.parquet: row {at:,} is not the one that results.json has")
    return wrong


def _plain(name: str, attachments: dict[str, bytes]) -> list[dict[str, Any]]:
    """The rows of a Parquet file, by column.

    Raises:
        IntegrityError: it is missing, can't be read, or holds more than any report does.
    """
    try:
        file = pq.ParquetFile(io.BytesIO(attachments[name]))
        said = file.metadata
        size = sum(said.row_group(number).total_byte_size for number in range(said.num_row_groups))
        if size > LARGEST or said.num_rows > _MOST:
            raise ValueError(f"{said.num_rows:,} rows, {size:,} bytes: more than a report has")
        return list(file.read().to_pylist())
    except KeyError:
        problem = "is not attached"
    except (pa.ArrowException, ValueError, TypeError, OSError) as error:
        problem = f"can't be read: {error}"
    raise IntegrityError(f"{name}: {problem}", remedy=_REMEDY)


def _rows(name: str, shape: type, attachments: dict[str, bytes]) -> list[Any]:
    found, wanted = _plain(name, attachments), attached.columns(shape)
    types = {field.name: str(field.type) for field in fields(shape)}
    try:
        if found and list(found[0]) != wanted:
            raise ValueError(f"its columns are not {', '.join(wanted)}")
        rows = [{key: _back(value, types[key]) for key, value in row.items()} for row in found]
        return [shape(**row, **_ABSENT.get(shape, {})) for row in rows]
    except (ValueError, TypeError, KeyError) as error:
        raise IntegrityError(f"{name}: can't be read: {error}", remedy=_REMEDY) from None


def _back(value: Any, hint: str) -> Any:
    """A value as the report's model has it: a time as ISO text, the empty text for no time."""
    if isinstance(value, datetime):
        return iso(value)
    return "" if value is None and hint == "str" else value


def tally(populations: Populations) -> str:
    """How many rows were counted, in words."""
    parts = {field.name: len(getattr(populations, field.name)) for field in fields(populations)}
    return ", ".join(f"{count(number)} {name}" for name, number in parts.items())
