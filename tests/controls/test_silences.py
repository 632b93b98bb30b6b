"""A silence in any evidence that a control needs reaches the control: it is never effective over what nobody recorded."""

from __future__ import annotations

import pandas as pd
import pytest

from audit import tables as t
from audit.controls.examples import AS_OF, PERIOD, world
from audit.controls.interface import Control
from audit.controls.needs import Recorded
from audit.controls.registry import CONTROLS
from audit.controls.runner import run

_RESTS = [(control, need) for control in CONTROLS for need in control.needs if isinstance(need, Recorded)]


def _gap(name: str, cluster: str | None, **changed: object) -> dict[str, object]:
    at = [pd.Timestamp(day, tz="UTC") for day in ("2026-07-20", "2026-09-29")]
    silence = {
        "source_name": "s",
        "cluster": cluster,
        "repo": None,
        "format": name,
        "part": "",
        "kind": "silence",
    }
    told = {"start": at[0], "end": at[1], "detail": "s: nothing; for weeks", "missing": True, "evidence": ""}
    return silence | told | changed


def _concluded(control: Control, gaps: list[dict[str, object]]) -> tuple[str, str]:
    """What a control comes to in the world of its first example that passes, with these gaps in its evidence."""
    example = next(one for one in control.examples if one.conclusion in ("effective", "not applicable"))
    tables, settings = world(control, example)
    tables = tables | {"evidence_gaps": t.conform(t.EvidenceGaps, t.frame(t.EvidenceGaps, gaps))}
    row = run(tables, settings, PERIOD, as_of=AS_OF, controls=(control,))["conclusions"].iloc[0]
    return row["conclusion"], row["gaps"]


@pytest.mark.parametrize(("control", "need"), _RESTS, ids=[f"{c.id}-{n.name}" for c, n in _RESTS])
def test_a_silence_in_what_an_organisation_records_is_told(control: Control, need: Recorded) -> None:
    """Of each format, whether its source belongs to a cluster or to none."""
    told = [
        _gap(name, cluster, detail=f"{name} in {cluster}: nothing; for weeks")
        for name in need.formats or (need.name,)
        for cluster in (None, "prod")
    ]
    concluded, gaps = _concluded(control, told)
    assert concluded == "not tested"
    assert {str(gap["detail"]).replace("; ", ", ") for gap in told} <= set(gaps.split("; "))


def test_what_is_late_or_only_in_part_missing_is_no_silence() -> None:
    control, need = _RESTS[0]
    name = (need.formats or (need.name,))[0]
    gaps = [
        _gap(name, None, missing=False, kind="late"),
        _gap(name, None, part="bodies"),
        _gap("github-audit-log", None),
    ]
    assert "for weeks" not in _concluded(control, gaps)[1]
