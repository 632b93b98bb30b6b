"""Documents that people write agree with the code where the code can tell."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path

import pytest

from audit.cli import app
from audit.controls.registry import CONTROLS
from audit.normalise.registry import FORMATS

ROOT = Path(__file__).parent.parent


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def documents() -> list[str]:
    found = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("docs/how-to/*.md"),
    ]
    return sorted(str(path.relative_to(ROOT)) for path in found)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_how_to_bring_each_format_is_told(name: str) -> None:
    assert f"`{name}`" in read("docs/how-to/bring-evidence.md")


def test_no_format_is_told_of_that_does_not_exist() -> None:
    told = re.findall(r"^\| `([a-z0-9-]+)` \|", read("docs/how-to/bring-evidence.md"), flags=re.MULTILINE)
    assert told
    assert set(told) <= set(FORMATS)


def test_every_layer_of_the_imports_has_its_place_in_the_architecture() -> None:
    contract = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"][0]
    layers = {name for line in contract["layers"] for name in re.findall(r"\w+", line)}
    told = set(re.findall(r"`audit\.(\w+)`", read("docs/architecture.md")))
    assert layers - {"errors", "model", "period", "settings", "settings_template"} <= told


@pytest.mark.parametrize("name", documents())
def test_commands_that_documents_show_exist_with_their_options(name: str) -> None:
    commands = {
        command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands
    }
    reference = read("docs/reference/commands.md")
    for line in re.findall(r"(?:^|`)(?:\.venv/bin/)?audit ([a-z][^`\n#|]*)", read(name), flags=re.MULTILINE):
        assert line.split()[0] in commands, (name, line)
        for option in re.findall(r"--[a-z][a-z-]+", line):
            assert option in reference, (name, line)


def test_the_controls_that_documents_name_exist() -> None:
    known = {control.id for control in CONTROLS}
    for name in ["docs/how-to/bring-evidence.md", "README.md"]:
        assert set(re.findall(r"\b[A-Z]{3}-\d{2}\b", read(name))) <= known, name


def test_no_two_files_of_tests_have_one_name() -> None:
    """pytest would take one for the other, and run neither."""
    names = sorted(
        path.name
        for path in (ROOT / "tests").rglob("*.py")
        if path.name not in ("__init__.py", "conftest.py")
    )
    assert [name for name, after in itertools.pairwise(names) if name == after] == []
