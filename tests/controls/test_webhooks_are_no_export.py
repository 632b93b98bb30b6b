"""A stream of webhooks adds to exports and logs; it never takes their place."""

from __future__ import annotations

import pytest

from audit.controls import needs
from audit.controls.examples import AS_OF, PERIOD, frames
from audit.controls.interface import Context
from audit.settings import Settings

TEXT = """
repositories
| tip |
| a1… |

evidence_objects
| source_name | format | collected_at |
| forge       | {}     | 2026-10-02   |
"""


@pytest.mark.parametrize(
    "need", [needs.PULLS, needs.REVIEWS, needs.CHECKS, needs.ACTIVITY, needs.PROTECTION, needs.FORGE_LOG]
)
def test_what_needs_an_export_is_not_met_by_webhooks(need: needs.Exported | needs.ForgeLog) -> None:
    """The gap is the one that is there without any evidence of the forge."""
    context = Context(Settings.model_validate({"organisation": {"name": "NETBPF"}}), PERIOD, AS_OF)
    told = need.gaps(frames(TEXT.format("github-webhook")), context)
    nothing = need.gaps(frames(TEXT.format("vault-audit")), context)
    assert told == nothing
    assert told[0].text.startswith("no ")
