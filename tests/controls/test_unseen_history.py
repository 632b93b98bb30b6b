"""What operators keep short is a gap of deployments; what an export of the forge leaves out is none."""

from __future__ import annotations

import pytest

from audit.controls.examples import AS_OF, PERIOD, frames
from audit.controls.interface import Context
from audit.controls.operators import unseen_history
from audit.settings import Settings


@pytest.mark.parametrize(
    ("format_", "count"),
    [("argocd-application", 1), ("flux-object", 1), ("github-graphql", 0), ("github-cli-runs", 0)],
)
def test_only_histories_of_operators_are_gaps_of_deployments(format_: str, count: int) -> None:
    text = "evidence_gaps\n| format | kind | start | end | detail | missing |\n"
    text += f"| {format_} | cap | 2026-07-01 | 2026-08-01 | entries were never seen | true |\n"
    context = Context(Settings.model_validate({"organisation": {"name": "NETBPF"}}), PERIOD, AS_OF)
    assert len(unseen_history(frames(text), context)) == count
