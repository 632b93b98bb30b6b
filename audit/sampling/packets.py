"""A packet for each item of a sample: everything that the evidence says of it, with columns left to fill in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from audit.trace.shapes import Item

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&])")

ATTRIBUTES = {
    "changes": (
        "It landed by a pull request",
        "Somebody who is none of its authors approved what was merged, before it was merged",
        "The required checks had succeeded on what was merged",
        "What was deployed is what landed",
    ),
    "deployments": (
        "What was deployed is a commit of the default branch",
        "The operator started it, or somebody who may",
        "It ran in the environments before production first",
        "What it carried was approved",
    ),
    "writes": (
        "The person may do this",
        "There is a ticket or an emergency that calls for it",
        "Git has the same afterwards, or the operator took it back",
    ),
    "exceptions": (
        "The evidence shows what was found",
        "There is an explanation, and who gave it",
        "The system was brought back to what the policy expects",
    ),
}
"""What an auditor looks at in an item of each population."""


def as_json(row: Mapping[str, Any], items: Sequence[Item], population: str) -> bytes:
    """A packet for programs: the same item always gives the same bytes."""
    packet = {
        "item": dict(row),
        "evidence": [asdict(item) | {"tick": ""} for item in items],
        "attributes": [{"attribute": text, "tick": "", "remark": ""} for text in ATTRIBUTES[population]],
    }
    return f"{json.dumps(packet, indent=1, sort_keys=True)}\n".encode()


def as_markdown(row: Mapping[str, Any], items: Sequence[Item], population: str) -> bytes:
    """A packet for people. Whatever the evidence holds stays text: it can't become markup or a line of its own."""
    lines = [
        f"# {population.capitalize()}, number {row['number']}",
        "",
        f"- Name: {_text(row['subject'])}",
        f"- When: {row['at'] or 'no time of its own'}",
        f"- Environments: {_text(row['environment'] or 'none known')}",
        f"- Applications of production reached: {row['targets']}",
        f"- What it is: {_text(row['says'])}",
        "",
        "## Evidence",
        "",
        "| Tick | What | Name | When | What it says | Where it lies |",
        "|---|---|---|---|---|---|",
        *(
            f"| | {_text(item.role)} | {_text(item.subject)} | {item.at} | {_text(item.says)} "
            f"| {_text(' '.join(item.pointers))} |"
            for item in items
        ),
        *([] if items else ["| | nothing on record | | | | |"]),
        "",
        "## Looked at",
        "",
        "| Attribute | Tick | Remark |",
        "|---|---|---|",
        *(f"| {text} | | |" for text in ATTRIBUTES[population]),
        "",
        "Looked at by: ____________________  On: ____________________",
        "",
    ]
    return "\n".join(lines).encode()


def _text(text: str) -> str:
    """Text for a cell: control characters and marks of direction as escapes, marks of Markdown behind a backslash."""
    plain = _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
    return _MARKUP.sub(r"\\\1", plain)
