"""The tutorial's commands, run as they stand there, on an organisation's quarter."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from audit.cli import main
from tests.integration.conftest import Acted

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
RUN = {"trace", "controls", "quarantine", "verify-evidence"}


def commands() -> list[str]:
    """Commands of the tutorial's blocks, those that make or report something left out."""
    blocks = re.findall(r"^```sh\n(.*?)^```", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("audit ") and line.split()[1] in RUN]


def test_the_tutorial_shows_each_of_them() -> None:
    assert {line.split()[1] for line in commands()} == RUN


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_tutorial_does_what_it_says(
    line: str, acted: Acted, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    acted.quarter("2026Q3")
    monkeypatch.chdir(acted.folder)
    code = main(shlex.split(line)[1:])
    printed = capfd.readouterr()
    assert code == (3 if "quarantine" in line else 0), printed.err
    assert printed.out.strip()
    assert "Error" not in printed.err
