"""What the formats of scanners share: severities, the rows of a scan, and the scan's identity."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import structs

from audit.normalise.interface import Context, Outcome, Row, Rows, Unreadable
from audit.normalise.jsonformat import JsonFormat
from audit.normalise.mending import mend

T = TypeVar("T")

_WORDS = {
    "critical": "critical",
    "high": "high",
    "important": "high",
    "medium": "medium",
    "moderate": "medium",
    "low": "low",
    "negligible": "low",
    "none": "none",
    "unknown": "unknown",
    "undefined": "unknown",
    "": "unknown",
}
_DIGEST = re.compile(r"@(sha(?:256|512):[0-9a-f]{64,128})$")


def is_severity(word: str) -> bool:
    """Whether `word` is one that scanners tell a severity by."""
    return bool(word) and word.lower() in _WORDS


def severity(word: str) -> str:
    """The severity that a scanner's word means; a word that is not known is `unknown`."""
    return _WORDS.get(word.lower(), "unknown")


def by_score(score: float) -> str:
    """The severity of a CVSS score from 0 to 10, by the ranges of CVSS 3 and 4."""
    ranges = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"), (0.1, "low"))
    return next((name for least, name in ranges if score >= least), "none")


def joined(values: list[str] | tuple[str, ...] | None) -> str:
    """Distinct values, sorted, separated by spaces; empty ones left out."""
    return " ".join(sorted(set(values or ()) - {""}))


def digests(names: list[str] | None) -> str | None:
    """The manifest digests in image references such as `registry/name@sha256:…`."""
    return joined([found[1] for name in names or () if (found := _DIGEST.search(name))]) or None


@dataclass(frozen=True)
class Subject:
    """What a run of a scanner looked at, and when: the columns that its findings share.

    Attributes:
        at: aware, UTC; None where the report tells no time.
        run: place of the run in the report.
    """

    scanner: str
    artifact: str
    digest: str | None
    at: datetime | None
    run: int = 0

    def columns(self) -> Row:
        """The columns."""
        return {
            "run": self.run,
            "scanner": self.scanner,
            "artifact": self.artifact,
            "digest": self.digest,
            "at": self.at,
        }


_VULNERABILITY: Row = {
    "target_class": "", "ecosystem": "", "aliases": "", "package": "", "package_path": None, "installed": "",
    "fixed_version": None, "fixable": None, "status": None, "severity_source": None, "purl": None, "title": None,
    "published_at": None, "suppressed": False, "reason": None, "fingerprint": None,
}  # fmt: skip
_FINDING: Row = {
    "title": None, "status": "fail", "start_line": None, "end_line": None, "resource": None, "message": None,
    "suppressed": False, "reason": None, "fingerprint": None,
}  # fmt: skip
_SCAN: Row = {
    "scanner_version": None, "report": None, "cluster": None, "namespace": None, "workload_kind": None,
    "workload": None, "container": None, "names": "", "image_id": None,
    "repository": None, "revision": None, "targets": None, "declared": None, "end_of_support": None,
    "succeeded": None,
}  # fmt: skip


def vulnerability(subject: Subject, **facts: object) -> tuple[str, Row]:
    """A row of `vulnerabilities`; what the report's format cannot tell is missing."""
    return "vulnerabilities", {**_VULNERABILITY, **subject.columns(), **facts}


def finding(subject: Subject, **facts: object) -> tuple[str, Row]:
    """A row of `scan_findings`; what the report's format cannot tell is missing."""
    return "scan_findings", {**_FINDING, **subject.columns(), **facts}


def scanned(subject: Subject, found: Rows, **facts: object) -> Rows:
    """The row of `scans` for a run, with its findings counted, and then the findings."""
    failed = [(table, row) for table, row in found if table == "vulnerabilities" or row["status"] == "fail"]
    counted = [table for table, row in failed if not row["suppressed"]]
    row = {
        **_SCAN,
        **subject.columns(),
        "vulnerabilities": counted.count("vulnerabilities"),
        "findings": counted.count("scan_findings"),
        "suppressed": sum(row["suppressed"] for _, row in found),
        **facts,
    }
    return [("scans", row), *found]


@dataclass
class ReportFormat(JsonFormat[T]):
    """A format of scanners: each of its rows gets the report's sha256 and, in order, the finding's place.

    Attributes:
        lists: where its findings are, as `audit.normalise.mending.mend` takes it: one that can't be read is left out,
            and told.
    """

    lists: tuple[str, ...] = ()

    def read(self, record: bytes, context: Context) -> Outcome:
        """As `JsonFormat.read`; findings that can't be read alone are in `Outcome.failed`."""
        try:
            outcome = super().read(record, context)
        except Unreadable:
            outcome = self._mended(record, context)
        scan = _identity(record)
        places: dict[str, int] = {}
        for table, row in outcome.rows:
            row["scan"] = scan
            if table != "scans":
                row["item"] = places.get(table, 0)
                places[table] = row["item"] + 1
        return outcome

    def _mended(self, record: bytes, context: Context) -> Outcome:
        _identity(record)  # it is JSON, and not nested too deep
        read = partial(super().read, context=context)
        try:
            outcome, failed = mend(record, self.lists, read)
        except RecursionError:
            raise Unreadable("nested too deep") from None
        return structs.replace(outcome, failed=failed)


def _identity(record: bytes) -> str:
    """sha256 of the report with its keys in order and no blanks between them: of how it is written, nothing counts."""
    try:
        return hashlib.sha256(
            msgspec.json.encode(msgspec.json.decode(record), order="deterministic")
        ).hexdigest()
    except msgspec.DecodeError as error:
        raise Unreadable(str(error)) from None
    except RecursionError:
        raise Unreadable("nested too deep") from None
