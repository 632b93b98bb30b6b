"""A rule that is broken on purpose is noticed: with one comparison changed, an example of the control fails."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

from audit.controls import arrivals, spans
from audit.controls.interface import Control
from audit.controls.registry import CONTROLS
from tests.controls.breaking import Breakable, Examples, module_of

SHARED = {spans: ("clu_04", "clu_05", "clu_06"), arrivals: ("dep_03", "dep_05", "dep_06")}
"""Helpers, and controls whose examples must notice that one of them is broken."""

_SAME = "both sides are the same moment there, so that it does not matter which is taken"
_CUT = "the runner leaves out what is not of the quarter, such as what happens as it ends"
_RUNNING = (
    "only of a quarter that runs can evidence end as an alert is due, and examples are of one that is over"
)
_OTHERS = "an example judges one control, and this needs others: tests/controls/test_runner.py"
_SCOPE = "the place of a gap that hides nothing matters only where an environment is out of scope: tests/controls/test_scoping.py"

UNNOTICED = {
    "CHG-06: rows['at'].lt(context.stop)": _CUT,
    "CHG-06: rows['at'].lt(context.start)": _SAME,
    "CHG-09: ~rows['judged'] & rows['found'].ne('')": "what was judged and failed is an exception, beside which no gap shows",
    "STR-01: spans['start'].lt(context.stop)": _CUT,
    "STR-01: spans['start'].lt(context.start)": _SAME,
    "DOC-01: age.gt(limit)": _CUT,
    "DOC-01: due < context.start": _SAME,
    "TRN-01: rows['expires_at'].lt(limit)": _SAME,
    "SCN-01: rows['at'] < context.stop": _CUT,
    "SCN-02: rows['at'] < context.stop": _CUT,
    "SEC-03: due < context.start": _SAME,
    "SEC-03: context.stop - rotated > limit": _CUT,
    "WVR-01: rows['landed_at'] < context.start": _SAME,
    "WVR-01: rows['landed_at'].lt(context.stop)": _CUT,
    "WVR-01: until > context.stop": _SAME,
    "ACC-01: made.gt(last)": _SAME,
    "ACC-04: kind == 'repository'": _SCOPE,
    "ACC-04: kind == 'cluster'": _SCOPE,
    "CLU-08: rows['start'] + rows['within'] < pd.Timestamp(context.as_of)": _RUNNING,
    "POL-01: seen['at'] < context.stop": "a rule first seen as the quarter ends leaves all before it untold, which is a gap",
    "POL-01: day not in but": "it writes examples",
    "WVR-01: context.holds(failed['at']) | failed['at'].isna()": _OTHERS,
    "WVR-01: met['at'].ge(waiver['expires'])": _OTHERS,
    "WVR-01: whole & met['at'].ge(waiver['expires']).fillna(False).astype(bool)": _OTHERS,
    "WVR-01: ~whole": _OTHERS,
    "WVR-01: ~timely": _OTHERS,
    "WVR-01: after & ~timely": _OTHERS,
    "WVR-01: len(ids) > _SHOWN": _OTHERS,
    "STR-02: during['delta'].ge(0)": "a file that is changed was there before",
    "EVD-01: pushes['operation_id'].ge(0)": "no operation has the id 0: webhooks' are below it, the forge's above",
}
"""Comparisons and connections that may be turned round without an example that fails, and why."""


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_a_rule_that_is_broken_fails_an_example(control: Control) -> None:
    """A limit taken in or not, the same for other, among for not among, and for or, not for so: each one of them."""
    broken = Breakable(module_of(control))
    missed = Examples(control).unnoticed(broken, lambda names: names["CONTROL"])
    known = {text for text in UNNOTICED if text.startswith(f"{control.id}:")}
    assert {f"{control.id}: {broken.texts[number]}" for number in missed} == known


@pytest.mark.parametrize("helper", SHARED, ids=lambda helper: helper.__name__)
def test_a_helper_that_is_broken_fails_an_example(
    monkeypatch: pytest.MonkeyPatch, helper: ModuleType
) -> None:
    """Of one of the controls that share it."""
    broken = Breakable(helper)
    missed = list(range(len(broken.texts)))
    for name in SHARED[helper]:
        module = importlib.import_module(f"audit.controls.{name}")
        for each, value in broken.names.items():
            if callable(value) and getattr(module, each, None) is getattr(helper, each, module):
                monkeypatch.setattr(module, each, value)
        missed = Examples(module.CONTROL).unnoticed(broken, lambda _, module=module: module.CONTROL, missed)
    assert [broken.texts[number] for number in missed] == []
