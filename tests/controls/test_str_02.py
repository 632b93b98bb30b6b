"""Tools that settings may ask for, and what is told of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit import settings as s
from audit.controls import str_02
from audit.errors import UsageError
from audit.settings.sections.duties import TOOLS


def test_every_tool_that_settings_may_name_can_be_seen() -> None:
    assert set(TOOLS) == set(str_02.TOOLS)


def test_a_tool_that_nothing_can_show_is_refused() -> None:
    values = {"organisation": {"name": "NETBPF"}, "structure": {"tools": ["argocd or abacus"]}}
    with pytest.raises(UsageError, match="'abacus' is no tool that can be told"):
        s.validate(values, where=Path("audit.toml"))
