"""The policy itself against the list of its clauses: nothing that it asks for is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from audit.controls.clauses import CLAUSES

POLICY = Path(__file__).parents[3] / "shared" / "policy.md"
_TITLES = ("GitOps Policy for NETBPF", "Overview")


def _words(text: str) -> list[str]:
    """The words of a text, without numbers, marks and asides."""
    return re.findall(r"[a-z/-]+", re.sub(r"\(.*?\)", "", text.lower()))


def _clauses(text: str) -> list[tuple[list[str], str]]:
    """(headings above it, what it says) of every principle, bullet and check box; of a section without any, the section."""
    found: list[tuple[list[str], str]] = []
    headings: list[str] = []
    fenced = False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        if fenced:
            continue
        heading = re.match(r"(#+) (?:\d+\. )?(.*)", line)
        if heading:
            headings = [*headings[: len(heading[1]) - 1], heading[2]]
            found.append((headings, ""))
            continue
        item = re.match(r"\s*(?:\d+\.|-)(?: \[ \])? (.*)", line)
        if item:
            found.append((headings, item[1]))
    holding = {tuple(above) for above, said in found if said}
    parents = {above[:n] for above in map(tuple, (a for a, _ in found)) for n in range(1, len(above))}
    return [
        (above[1:], said)
        for above, said in found
        if said or (tuple(above) not in holding and tuple(above) not in parents and above[-1] not in _TITLES)
    ]


def test_every_clause_of_the_policy_is_listed() -> None:
    if not POLICY.exists():
        pytest.skip("the policy does not lie beside the project")
    listed = [(clause.path.split(" › ")[0], _words(clause.path.split(" › ")[-1])) for clause in CLAUSES]
    asked = [
        (above[0], said)
        for above, said in _clauses(POLICY.read_text(encoding="utf-8"))
        if not re.fullmatch(r"\*\*(?:Initial Setup|CI/CD Pipeline|Deployment)\*\*", said)
    ]
    assert len(asked) > 50
    left_out = []
    for section, said in asked:
        words = _words(said or section)
        if not any(section == where and set(short) <= set(words) for where, short in listed):
            left_out.append((section, said))
    # links and the address of the last two sections are one clause each
    assert [each for each in left_out if each[0] not in ("Contact", "Related Documents")] == []
    assert {section for section, _ in asked} | {"Contact"} == {where for where, _ in listed} | {"Contact"}
