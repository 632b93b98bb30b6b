"""Constraints are relaxed now and then: snapshots show it, and the truth says when."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from audit.simulator import enforcing, gatekeeper
from tests.simulator.stage import objects, violations, world


def test_snapshots_show_each_lapse_that_lasts_to_the_next_one(tmp_path: Path) -> None:
    made = world(tmp_path, quarters=2)
    for cluster in made.environments:
        enforcing.relax(made, cluster, lambda _: False)
    gatekeeper.audit_policies(made)
    assert made.relaxed
    checked = 0
    for lapse in made.relaxed:
        shown = set()
        for _, data in objects(tmp_path / f"{lapse.cluster}-constraints"):
            rows = {row["metadata"]["name"]: row for row in map(json.loads, data.splitlines())}
            at = datetime.fromisoformat(next(iter(rows.values()))["status"]["auditTimestamp"])
            if lapse.begin <= at < lapse.until:
                row = rows.get(lapse.constraint)
                wide = row is not None and "legacy" in row["spec"]["match"]["excludedNamespaces"]
                dry = row is not None and row["spec"]["enforcementAction"] == "dryrun"
                shown.add("deleted" if row is None else "widened" if wide else "dryrun" if dry else "")
        checked += len(shown)
        assert shown <= {lapse.how}
    assert checked


def test_a_lapse_is_asked_of_the_api_server_twice_and_never_in_a_silence(tmp_path: Path) -> None:
    made = world(tmp_path, quarters=2)
    asked = enforcing.relax(made, "prod", lambda _: False)
    assert len(asked) == 2 * len(made.relaxed)
    assert len(violations(made, "POL-01")) >= len(made.relaxed) > 0
    quiet = world(tmp_path / "quiet", quarters=2)
    assert enforcing.relax(quiet, "prod", lambda _: True) == []
    assert quiet.truth.violations == []
