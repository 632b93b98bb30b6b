"""A roster is read whole, or refused with the file and line of what is wrong."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from audit.errors import UsageError
from audit.normalise import roster
from audit.settings import Settings

GOOD = """\
people:
  - id: alindqvist
    name: "Ada Lindqvist"
    kind: person
    team: platform
    role: lead
    joined: 2024-03-01
    identities:
      git: [Ada@NETBPF.com, ada@netbpf.com]
      github: [ada-l]
      kubernetes: [""]
  - id: release-bot
    name: Release bot
    kind: machine
    left: 2026-08-01
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "roster.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_people_and_their_names(tmp_path: Path) -> None:
    tables = roster.read(write(tmp_path, GOOD))
    people = tables["people"].set_index("person")
    assert people.loc["alindqvist", "joined"] == pd.Timestamp("2024-03-01", tz="UTC")
    assert people["kind"].to_dict() == {"alindqvist": "person", "release-bot": "machine"}
    assert people["role"].isna().to_dict() == {"alindqvist": False, "release-bot": True}
    assert tables["identities"].to_numpy().tolist() == [
        ["git", "ada@netbpf.com", "alindqvist"],
        ["github", "ada-l", "alindqvist"],
    ]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "it is empty"),
        ("people: [\n", 2, "not YAML"),
        ("persons: []\n", 1, "unknown key 'persons'"),
        ("people: 7\n", 1, "'people' is not a list"),
        ("people:\n  - name: X\n", 2, "'id' is missing"),
        ("people:\n  - id: x\n    name: X\n    kind: robot\n", 4, "kind is 'robot'"),
        ("people:\n  - id: x\n    name: X\n    joined: soon\n", 4, "'joined' is 'soon'"),
        ("people:\n  - id: x\n    name: X\n    email: x\n", 4, "unknown key 'email'"),
        ("people:\n  - id: x\n    name: X\n    name: Y\n", 4, "key 'name' stands twice"),
        ("people:\n  - id: x\n    name: X\n  - id: x\n    name: Y\n", 4, "id 'x' stands on line 2 too"),
        ("people:\n  - id: x\n    name: X\n    identities:\n      vault: [x]\n", 5, "unknown key 'vault'"),
        ("people:\n  - id: x\n    name: X\n    identities:\n      git: x\n", 5, "'git' is not a list"),
        (
            "people:\n  - id: x\n    name: X\n    identities: {git: [A@b]}\n  - id: y\n    name: Y\n    identities: {git: [a@B]}\n",
            7,
            "git 'a@b' belongs to both 'x' and 'y'",
        ),
        ("a: &a [x]\nb: [*a, *a]\n", 1, "anchors and aliases are not read"),
        ("[" * 3000, 1, "not YAML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, line: int, problem: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        roster.read(path)
    assert str(caught.value).startswith(f"{path}:{line}: {problem}")


def test_a_roster_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        roster.read(tmp_path / "none.yaml")


def test_break_glass_is_for_people_of_the_roster(tmp_path: Path) -> None:
    """A slip in the id would else cover nobody, in silence."""
    people = roster.read(write(tmp_path, GOOD))["people"]
    span = {
        "ticket": "INC-1", "cluster": "prod", "opened": "2026-07-01T10:00:00Z", "closed": "2026-07-01T11:00:00Z",
    }  # fmt: skip
    values = {"organisation": {"name": "NETBPF"}, "clusters": [{"name": "prod", "environment": "prod"}]}
    for person in ("alindqvist", "alindquist"):
        settings = Settings.model_validate(values | {"break_glass": [span | {"person": person}]})
        if person == "alindqvist":
            roster.require_named(people, settings)
        else:
            with pytest.raises(UsageError, match="'INC-1' names 'alindquist', who is not in the roster"):
                roster.require_named(people, settings)
