"""The code that documents show: blocks, command lines between backticks, and the list of commands that no test runs."""

from __future__ import annotations

import re
import shlex
import shutil
import textwrap
from functools import cache
from typing import NamedTuple

from tests.test_documents_agree import SHOWN, documents, read

FENCED = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
LISTED = re.compile(r"^\| `([^`]+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
SAID = "not run in our CI"
HOME = "docs/how-to/operate.md"
"""The document with the list of commands that no test runs."""


class Block(NamedTuple):
    """A block of code, without the indentation of the list in which it stands."""

    document: str
    language: str
    text: str


@cache
def blocks() -> tuple[Block, ...]:
    """Every block of every document, in order. Those of the site's own navigation are no code."""
    found = [
        Block(name, one[2].split()[0] if one[2].split() else "", textwrap.dedent(one[3]))
        for name in documents()
        for one in FENCED.finditer(read(name))
    ]
    return tuple(one for one in found if not one.language.startswith("{"))


def of(document: str, language: str) -> list[str]:
    """The texts of a document's blocks in a language."""
    return [one.text for one in blocks() if (one.document, one.language) == (document, language)]


@cache
def not_run() -> dict[str, str]:
    """How each command that no test runs begins → why."""
    section = read(HOME).partition("## Commands that no test runs\n")[2].partition("\n## ")[0]
    return {one[1].removesuffix("…").strip(): one[2].strip() for one in LISTED.finditer(section)}


def is_not_run(command: str) -> bool:
    """Whether a command is on the list."""
    return any(command == begins or command.startswith(f"{begins} ") for begins in not_run())


def commands(text: str) -> list[str]:
    """The command lines of a block of a shell: without prompt and remark, what goes on over several lines as one."""
    found: list[str] = []
    open_line = ""
    for line in text.splitlines():
        whole = f"{open_line}\n{line}" if open_line else line.strip().removeprefix("$ ")
        try:
            words = shlex.split(whole, comments=True)
        except ValueError:  # a quotation that the line does not end
            open_line = whole
            continue
        open_line = ""
        if words:
            found.append(whole if "\n" in whole else re.sub(r"\s+# .*$", "", whole))
    assert not open_line, open_line
    return found


def between_backticks(document: str) -> list[str]:
    """What a document's sentences show that is a command line: a program that is known or installed, and its words."""
    known = {begins.split()[0] for begins in not_run()}
    sentences = FENCED.sub("", read(document))
    return [
        text
        for text in re.findall(r"(?<!`)`([a-z][\w.-]* [^`\n]+)`(?!`)", sentences)
        if text.split()[0] in known or shutil.which(text.split()[0])
    ]


def is_audit(command: str) -> bool:
    """Whether it is a command of the product: those are run by a test of their own."""
    return SHOWN.search(f"`{command}`") is not None
