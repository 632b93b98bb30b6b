"""A roster is read whole, or refused with the file and line of what is wrong."""

from __future__ import annotations

import tempfile
from pathlib import Path

import hypothesis
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


HEADER = "id,name,kind,team,role,joined,left,git,github\n"
GOOD_CSV = (
    "\ufeff"
    + HEADER
    + 'alindqvist,"Ada Lindqvist",person,platform,lead,2024-03-01,,Ada@NETBPF.com; ada@netbpf.com;,ada-l\n'
    ",,,,,,,,\n"
    "release-bot,Release bot,machine,,,,2026-08-01,,\n"
)


@pytest.mark.parametrize("between", [",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_roster_may_be_a_table(tmp_path: Path, between: str, end: str) -> None:
    """It gives what the same people give in YAML."""
    path = tmp_path / "roster.csv"
    path.write_bytes(GOOD_CSV.replace(",", between).replace("\n", end).encode())
    tables, same = roster.read(path), roster.read(write(tmp_path, GOOD))
    for name in ("people", "identities"):
        pd.testing.assert_frame_equal(tables[name], same[name])


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "it is empty"),
        ("id,name,\n", 1, "the header has a column without a name"),
        ("id,name,ID\n", 1, "the header has the column 'id' twice"),
        ("id,name,email\n", 1, "unknown column 'email': expected id, name, kind"),
        ("name\nAda\n", 2, "'id' is missing"),
        ("id,name\nada,\n", 2, "'name' is missing"),
        ("id,name\nada,Ada\ngrace\n", 3, "1 cells, where the header has 2"),
        ('id,name\nada,"Ada\nLindqvist"\ngrace,"Grace" H\n', 4, "not CSV: "),
        ('id,name\nada,Ada\ngrace,"Grace\n', 3, "not CSV: unexpected end of data"),
        ("id,name,kind\nada,Ada,robot\n", 2, "kind is 'robot': write person or machine"),
        ("id,name,joined\nada,Ada,1.3.2024\n", 2, "'joined' is '1.3.2024': write a day as in 2026-07-01"),
        ("id,name\nada,Ada\n\nada,Grace\n", 4, "id 'ada' stands on line 2 too"),
        ("id;name;git\nada;Ada;A@b\ngrace;Grace;a@B\n", 3, "git 'a@b' belongs to both 'ada' and 'grace'"),
    ],
)
def test_what_is_wrong_with_a_table_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, problem: str
) -> None:
    path = tmp_path / "roster.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        roster.read(path)
    assert str(caught.value).startswith(f"{path}:{line}: {problem}")
    assert caught.value.remedy.startswith("write a header with id, name and as needed kind, team")


@hypothesis.settings(max_examples=150, deadline=None)
@given(
    st.text(alphabet='ab,;"\n\r\t\0\u2028 -2', max_size=60),
    st.sampled_from(["", "id,name\n", "id,name,git\n"]),
)
def test_any_table_is_a_roster_or_refused_with_a_line(text: str, header: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "roster.csv"
        path.write_text(header + text, encoding="utf-8", newline="")
        problem = None
        try:
            roster.read(path)
        except UsageError as error:
            problem = str(error).removeprefix(f"{path}:")
    assert problem is None or 1 <= int(problem.split(":")[0]) <= 2 + text.count("\n") + text.count("\r")
