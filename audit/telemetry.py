"""What a run came to, for Prometheus: a file in its text format, for the textfile collector of node_exporter.

The file is replaced as a whole, so that no half of one is ever read. A run that failed writes its exit code alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import pandas as pd

import audit
from audit.errors import UsageError
from audit.model import Conclusion, Severity
from audit.pipeline import Run

Sample = tuple[dict[str, str], float]

FAMILIES: dict[str, str] = {
    "gitops_audit_info": "Version of this product; always 1.",
    "gitops_audit_run_exit_code": "Exit code of the last run: 0 clean, 1 findings, 2 usage, 3 evidence, 4 integrity.",
    "gitops_audit_run_finished_timestamp_seconds": "When the last run ended.",
    "gitops_audit_run_duration_seconds": "How long the last run took.",
    "gitops_audit_run_problems": "Sources that gave nothing, or not everything, in the last run.",
    "gitops_audit_evidence_as_of_timestamp_seconds": "Up to when events count.",
    "gitops_audit_control_conclusion": "1 for what a control concluded, 0 for what it did not.",
    "gitops_audit_control_exceptions": "Items that failed a control.",
    "gitops_audit_control_population": "Items that a control tested.",
    "gitops_audit_exceptions": "Exceptions of all controls, by severity.",
    "gitops_audit_figure": "A figure of the quarter; missing where it can't be determined.",
    "gitops_audit_evidence_records": "Records of a source, by what became of them.",
    "gitops_audit_evidence_gaps": "Spans without evidence, by format and kind.",
}
"""Every metric that is written, and what it means. All are gauges."""


def of_run(run: Run, *, seconds: float, finished: datetime) -> str:
    """The file of a run that ended with a report.

    Args:
        seconds: that it took.
        finished: when it ended (aware).
    """
    samples = dict(_ended(run.period.label, int(run.exit_code), finished))
    quarter = {"quarter": run.period.label}
    samples["gitops_audit_run_duration_seconds"] = [(quarter, seconds)]
    samples["gitops_audit_run_problems"] = [(quarter, len(run.problems))]
    samples["gitops_audit_evidence_as_of_timestamp_seconds"] = [(quarter, run.as_of.timestamp())]
    samples |= _of_controls(run.tables, quarter)
    samples |= _of_evidence(run.tables, quarter)
    figures = run.tables["metrics"]
    figures = figures[
        figures["quarter"].eq(run.period.label) & figures["dimension"].eq("all") & figures["value"].notna()
    ]
    samples["gitops_audit_figure"] = [
        (quarter | {"metric": str(row.metric), "unit": str(row.unit)}, float(str(row.value)))
        for row in figures.itertuples()
    ]
    return _written(samples)


def of_failure(quarter: str, exit_code: int, *, finished: datetime) -> str:
    """The file of a run that an error ended."""
    return _written(dict(_ended(quarter, exit_code, finished)))


def write(path: Path, text: str) -> None:
    """Replaces the file as a whole.

    Raises:
        UsageError: it can't be written.
    """
    aside = path.with_name(f".{path.name}.part")
    try:
        with aside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise UsageError(
            f"{path}: metrics can't be written: {error.strerror}",
            remedy="name a file in a folder that can be written",
        ) from None


def _ended(quarter: str, code: int, finished: datetime) -> Iterator[tuple[str, list[Sample]]]:
    yield "gitops_audit_info", [({"version": audit.__version__}, 1)]
    yield "gitops_audit_run_exit_code", [({"quarter": quarter}, code)]
    yield "gitops_audit_run_finished_timestamp_seconds", [({"quarter": quarter}, finished.timestamp())]


def _of_controls(tables: Mapping[str, pd.DataFrame], quarter: dict[str, str]) -> dict[str, list[Sample]]:
    conclusions, exceptions = tables["conclusions"], tables["exceptions"]
    by_severity = exceptions["severity"].value_counts()
    concluded: list[Sample] = []
    failed: list[Sample] = []
    tested: list[Sample] = []
    for row in conclusions.itertuples():
        labels = quarter | {"control": str(row.control)}
        concluded += [
            (labels | {"conclusion": each.value}, float(str(row.conclusion) == each.value))
            for each in Conclusion
        ]
        failed.append((labels | {"severity": str(row.severity)}, float(str(row.exceptions))))
        if row.population is not pd.NA:
            tested.append((labels, float(str(row.population))))
    return {
        "gitops_audit_control_conclusion": concluded,
        "gitops_audit_control_exceptions": failed,
        "gitops_audit_control_population": tested,
        "gitops_audit_exceptions": [
            (quarter | {"severity": each.value}, float(by_severity.get(each.value, 0))) for each in Severity
        ],
    }


def _of_evidence(tables: Mapping[str, pd.DataFrame], quarter: dict[str, str]) -> dict[str, list[Sample]]:
    records = tables["evidence_objects"].groupby("source_name")[["kept", "noise", "quarantined"]].sum()
    gaps = tables["evidence_gaps"].groupby(["format", "kind"]).size()
    return {
        "gitops_audit_evidence_records": [
            (quarter | {"source": str(source), "outcome": outcome}, float(row[outcome]))
            for source, row in records.iterrows()
            for outcome in records.columns
        ],
        "gitops_audit_evidence_gaps": [
            (quarter | {"format": str(key[0]), "kind": str(key[1])}, float(count))
            for key, count in zip(gaps.index, gaps, strict=True)
        ],
    }


def _written(samples: Mapping[str, Iterable[Sample]]) -> str:
    """The text format: help, type, then a line a sample; families in their order, samples as they come."""
    lines = []
    for name, meaning in FAMILIES.items():
        if name in samples:
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} gauge"]
            lines += [f"{name}{_labels(labels)} {_number(value)}" for labels, value in samples[name]]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{inside}}}" if inside else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
