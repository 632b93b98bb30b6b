"""What is known of an object once all of it is read: its own row, its hours, its quarantine."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from audit.evidence.manifest import Entry
from audit.normalise.interface import Context, Parsed, Row

_APPLICATIONS = ("applications", "sync_records", "state_changes")


class Facts:
    """Gathers them part by part, so that no object need be in memory whole."""

    def __init__(self) -> None:
        self._formats: set[str] = set()
        self._envelopes: set[str] = set()
        self._repos: set[str] = set()
        self._apps: set[str] = set()
        self._hours: dict[tuple[str, datetime], tuple[int, datetime, datetime]] = {}
        self._quarantined: list[tuple[int, int, str]] = []
        self._records = self._kept = self._noise = 0

    def add(self, part: Parsed) -> None:
        """Books what was read of the object next."""
        self._formats |= part.formats
        self._envelopes |= part.envelopes
        # What is protected is called its scope.
        self._repos |= _named(part, "repo") | _named(part, "scope", ("protections",))
        self._apps |= _named(part, "app", _APPLICATIONS)
        for hour, (records, first, last) in part.coverage.items():
            before = self._hours.get(hour, (0, first, last))
            self._hours[hour] = (before[0] + records, min(before[1], first), max(before[2], last))
        self._quarantined += part.quarantined
        self._records += part.records
        self._kept += part.kept
        self._noise += part.noise

    def rows(self, entry: Entry, context: Context, replaced_by: str | None) -> dict[str, list[Row]]:
        """Rows of `evidence_objects`, `coverage` and `quarantine`.

        Args:
            replaced_by: sha256 of what the source gave later under the same key.
        """
        whole = {
            "source_name": context.source,
            "key": entry.key,
            "version_id": entry.version_id,
            "format": ",".join(sorted(self._formats)),
            "envelopes": ",".join(sorted(self._envelopes)),
            "cluster": context.cluster,
            "repos": " ".join(sorted(self._repos)),
            "apps": " ".join(sorted(self._apps)),
            "sha256": entry.sha256,
            "size": entry.size,
            "etag": entry.etag,
            "checksum": entry.checksum,
            "verified": entry.verified,
            "retention": entry.retention,
            "last_modified": entry.last_modified,
            "collected_at": entry.collected_at,
            "replaced_by": replaced_by,
            "records": self._records,
            "kept": self._kept,
            "noise": self._noise,
            "quarantined": len(self._quarantined),
        }
        return {
            "evidence_objects": [whole],
            "coverage": [self._hour(entry, context, *hour) for hour in self._hours.items()],
            "quarantine": [
                {
                    "source_name": context.source,
                    "key": entry.key,
                    "evidence": entry.sha256,
                    "line": line,
                    "offset": offset,
                    "reason": reason,
                }
                for line, offset, reason in self._quarantined
            ],
        }

    @staticmethod
    def _hour(
        entry: Entry, context: Context, hour: tuple[str, datetime], found: tuple[int, datetime, datetime]
    ) -> dict[str, Any]:
        return {
            "source_name": context.source,
            "cluster": context.cluster,
            "format": hour[0],
            "hour": hour[1],
            "records": found[0],
            "first_at": found[1],
            "last_at": found[2],
            "evidence": entry.sha256,
        }


def _named(part: Parsed, column: str, among: Iterable[str] | None = None) -> set[str]:
    """What a column names in the rows of all tables, or of those `among`; names in one value are separated by spaces."""
    tables = part.tables() if among is None else [name for name in among if name in part.rows]
    return {
        name
        for table in tables
        for row in part.rows[table]
        if row.get(column)
        for name in row[column].split()
    }
