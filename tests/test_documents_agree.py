"""Documents that people write agree with the code where the code can tell."""

from __future__ import annotations

import itertools
import re
import shlex
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.exceptions import TyperException
from typer.main import get_command

from audit.cli import COMMANDS, application
from audit.controls.registry import CONTROLS
from audit.normalise.registry import FORMATS

ROOT = Path(__file__).parent.parent


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def documents() -> list[str]:
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    others = {"CHANGELOG.md"}  # it speaks of commands in passing
    return sorted(
        str(path.relative_to(ROOT))
        for path in found
        if path.parent.name != "reference" and path.name not in others
    )


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


SHOWN = re.compile(r"(?:^|`)(?:\$ )?(?:[A-Z_]+=\S+ )?(?:\.venv/bin/)?audit ([a-z-][^`\n#|>]*)", re.MULTILINE)
"""A command line: in a block of its own, or between backticks."""


@cache
def command_line() -> Any:
    """Every command of the product."""
    return get_command(application())


def parse(words: list[str]) -> None:
    """Parses a command line as the product does; a command named alone need not have what it requires."""
    root = command_line()
    context = root.make_context("audit", words)
    name, command, rest = root.resolve_command(context, [*context._protected_args, *context.args])
    command.make_context(name, rest, parent=context, resilient_parsing=not rest)


@pytest.mark.parametrize("name", documents())
def test_commands_that_documents_show_can_be_typed(name: str) -> None:
    for line in SHOWN.findall(read(name)):
        words = shlex.split(line)
        if words == ["--install-completion"] or words == ["--show-completion"]:
            continue  # these end at once, by asking which shell it is
        try:
            parse(words)
        except TyperException as error:
            pytest.fail(f"{name}: audit {line}: {error}")


def test_a_command_that_can_not_be_typed_is_noticed() -> None:
    for line in ("trace", "mine PATH --no-such", "no-such"):
        words = SHOWN.findall(f"`audit {line} --bogus`")[0].split()
        with pytest.raises(TyperException):
            parse(words)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_speaks_json(name: str) -> None:
    root = command_line()
    assert "--json" in [option for each in root.commands[name].params for option in each.opts]


@cache
def examples(*names: str) -> list[str]:
    """The command lines that the helps of commands end with; of all commands when none is named."""
    helps = [" ".join(command_line().commands[name].help.split()) for name in names or COMMANDS]
    found = [re.search(r"Examples?: audit (.+)$", said) for said in helps]
    return [line for one in found if one for line in one[1].split(", audit ")]


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_help_has_an_example_that_can_be_typed(name: str) -> None:
    assert examples(name), name
    for line in examples(name):
        parse(shlex.split(line))


def test_help_of_what_is_not_typed_is_what_it_says_when_it_is() -> None:
    """It is read without importing what the command works with."""
    by_name: Any = get_command(application("init"))
    assert list(by_name.commands) == list(COMMANDS)
    for name, command in command_line().commands.items():
        assert by_name.commands[name].help == command.help


@pytest.mark.parametrize("name", COMMANDS)
def test_the_first_words_of_a_help_stand_whole_in_the_list_of_commands(name: str) -> None:
    command = command_line().commands[name]
    assert command.get_short_help_str(limit=100 - 4 - max(map(len, COMMANDS))).endswith(".")
    assert not command.get_short_help_str(limit=100 - 4 - max(map(len, COMMANDS))).endswith("...")


@pytest.mark.parametrize("name", documents())
def test_files_that_documents_link_to_exist(name: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", read(name)):
        assert ((ROOT / name).parent / target).exists(), target
    for path in re.findall(r"`((?:audit|docs|deploy|notebooks|scripts|tests)/[\w./-]+\.\w+)`", read(name)):
        if not re.search(r"your_|abc_", path):
            assert (ROOT / path).exists(), path


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
