"""The tables that joining is measured with are such as a run has: all that is measured has something to do."""

from __future__ import annotations

import pytest

from audit.controls.registry import CONTROLS
from audit.joins import build
from bench import joining, organisation


def test_every_join_has_rows_to_make() -> None:
    """Landings by number, deployments that carry them, versions that moved on, and writes by people and machines."""
    settings, tables = organisation.settings(), organisation.make(1_000, 1_500, 1_300)
    made = build.join(tables, settings, as_of=settings.quarter("2026Q3").end)
    assert (len(made["landings"]), len(made["changes"])) == (1_500, 1_500)
    assert (len(made["deployments"]), len(made["cluster_writes"])) == (1_300, 1_000)
    assert made["landings"]["kind"].value_counts()["merge"] == 1_499  # the root merges nothing
    assert made["cluster_writes"]["principal_kind"].value_counts().to_dict() == {
        "machine": 900,
        "person": 100,
    }
    for name in ("landing_environments", "image_changes", "promotions", "deployment_landings", "app_states"):
        assert len(made[name]) > 500, name


def test_every_join_and_control_is_timed(capsys: pytest.CaptureFixture[str]) -> None:
    """None is left out of the sum that stands against the limit."""
    joining.report(300, 100, 100)
    told = capsys.readouterr().out
    assert all(f"  {control.id} " in told for control in CONTROLS)
    assert all(f"  {name} " in told for name in ("landings.find", "access.writes", "deployments.carried"))
    assert "limit: 60 s; this is" in told
