"""A format counts as read only where an object of it gave records that could be read."""

from __future__ import annotations

from joins_rows import table

from audit.joins.availability import formats_of, formats_read

OBJECTS = table(
    "evidence_objects",
    {"key": "1", "source_name": "prod-log", "cluster": "prod", "format": "kubernetes-audit", "records": 5},
    {"key": "2", "source_name": "prod-log", "cluster": "prod", "format": "gatekeeper-audit,kubernetes-audit", "records": 3, "quarantined": 1},
    {"key": "3", "source_name": "dev-log", "cluster": "dev", "format": "kubernetes-audit", "records": 2, "quarantined": 2},
    {"key": "4", "source_name": "forge", "format": "github-pulls", "records": 1},
    {"key": "5", "source_name": "forge", "format": "", "records": 1},
    {"key": "6", "source_name": "forge", "format": "github-checks", "records": 0},
)  # fmt: skip


def test_formats_are_told_by_source_and_cluster() -> None:
    rows = formats_read(OBJECTS).fillna("-")
    assert rows.to_numpy().tolist() == [
        ["forge", "-", "github-pulls", 1],
        ["prod-log", "prod", "gatekeeper-audit", 2],
        ["prod-log", "prod", "kubernetes-audit", 7],
    ]


def test_formats_of_one_cluster_or_of_all() -> None:
    assert formats_of(OBJECTS, "prod") == {"gatekeeper-audit", "kubernetes-audit"}
    assert formats_of(OBJECTS, "dev") == frozenset(), "what could not be read was not read"
    assert formats_of(OBJECTS) == {"gatekeeper-audit", "github-pulls", "kubernetes-audit"}
    assert formats_of(OBJECTS.iloc[:0]) == frozenset()
