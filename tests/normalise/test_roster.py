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


def spans(rows: pd.DataFrame) -> list[str]:
    """Each row as its values with spaces between; days of spans as days, `-` for what is missing."""
    days = {name: rows[name].dt.strftime("%Y-%m-%d") for name in ("since", "until")}
    texts = rows.assign(**days).astype("object").fillna("-")
    return [" ".join(map(str, row)) for row in texts.itertuples(index=False, name=None)]


def test_people_and_their_names(tmp_path: Path) -> None:
    tables = roster.read(write(tmp_path, GOOD))
    people = tables["people"].set_index("person")
    assert people.loc["alindqvist", "joined"] == pd.Timestamp("2024-03-01", tz="UTC")
    assert people["kind"].to_dict() == {"alindqvist": "person", "release-bot": "machine"}
    assert spans(tables["roles"]) == ["alindqvist lead platform - -"]
    assert spans(tables["identities"]) == [
        "git ada@netbpf.com alindqvist - - -",
        "github ada-l alindqvist - - -",
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
        ("people:\n  - id: x\n    name: X\n    identities:\n      gitlab: [x]\n", 5, "unknown key 'gitlab'"),
        ("people:\n  - id: x\n    name: X\n    identities:\n      git: x\n", 5, "'git' is not a list"),
        (
            "people:\n  - id: x\n    name: X\n    identities: {git: [A@b]}\n  - id: y\n    name: Y\n    identities: {git: [a@B]}\n",
            7,
            "git 'a@b' belongs to both 'x' and 'y'",
        ),
        ("a: &a [x]\nb: [*a, *a]\n", 1, "anchors and aliases are not read"),
        ("[" * 1000, 1, "not YAML"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, line: int, problem: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        roster.read(path)
    assert str(caught.value).startswith(f"{path}:{line}: {problem}")


DATED = """\
people:
  - id: ada
    name: Ada
    team: platform
    joined: 2026-01-01
    left: 2026-12-01
    roles:
      - {role: lead, from: 2026-06-01, until: 2026-12-01}
      - {role: engineer, team: payments, until: 2026-06-01}
    identities:
      github: [ada-l, {name: on-call, until: 2026-06-01}]
      vault: [ada]
  - id: grace
    name: Grace
    identities:
      github: [{name: On-Call, from: 2026-06-01}]
      iam: ["arn:aws:iam::111122223333:user/grace"]
      sso: [grace@sso]
  - id: grace2
    name: G. Hopper
    same_as: {id: grace, from: 2026-03-01, until: 2026-09-01}
    identities:
      github: [ghopper, {name: gh, until: 2026-04-01}]
"""


def test_roles_and_names_may_have_spans(tmp_path: Path) -> None:
    tables = roster.read(write(tmp_path, DATED))
    assert spans(tables["roles"]) == [
        "ada engineer payments - 2026-06-01",
        "ada lead platform 2026-06-01 2026-12-01",
    ]
    assert [row for row in spans(tables["identities"]) if "on-call" in row] == [
        "github on-call ada - 2026-06-01 -",
        "github on-call grace 2026-06-01 - -",
    ]


def test_entries_that_are_one_person_for_a_while_are_two_before_and_after(tmp_path: Path) -> None:
    tables = roster.read(write(tmp_path, DATED))
    assert [row for row in spans(tables["identities"]) if "gh" in row or "grace2" in row] == [
        "github gh grace2 - 2026-03-01 -",
        "github gh grace 2026-03-01 2026-04-01 grace2",
        "github ghopper grace2 - 2026-03-01 -",
        "github ghopper grace 2026-03-01 2026-09-01 grace2",
        "github ghopper grace2 2026-09-01 - -",
        "roster grace2 grace 2026-03-01 2026-09-01 grace2",
    ]
    without = DATED.replace("    same_as: {id: grace, from: 2026-03-01, until: 2026-09-01}\n", "")
    apart = roster.read(write(tmp_path, without))["identities"]
    assert [row for row in spans(apart) if "gh" in row or "grace2" in row] == [
        "github gh grace2 - 2026-04-01 -",
        "github ghopper grace2 - - -",
    ]


_ADA = "people:\n  - id: ada\n    name: Ada\n"
_ROLES = _ADA + "    joined: 2026-01-01\n    roles:\n"
_TWO = _ADA + "    identities: {github: [x]}\n  - id: bob\n    name: Bob\n"


@pytest.mark.parametrize(
    ("text", "line", "problem", "remedy"),
    [
        (
            _ROLES + "      - {role: a, until: 2026-06-02}\n      - {role: b, from: 2026-06-01}\n",
            7,
            "roles of 'ada' overlap: 2026-06-01 on, on line 6 ever to 2026-06-02",
            "let each span end ('until') on the day on which the next one begins ('from')",
        ),
        (
            _ROLES + "      - {role: a}\n      - {role: b}\n",
            7,
            "roles of 'ada' overlap: ever on, on line 6 ever on",
            "let each span end",
        ),
        (
            _ROLES + "      - {role: b, from: 2026-06-02}\n      - {role: a, until: 2026-06-01}\n",
            6,
            "roles of 'ada' have a gap: none is told for 2026-06-01 to 2026-06-02",
            "let each span end",
        ),
        (
            _ROLES + "      - {role: a, from: 2026-01-02}\n",
            6,
            "roles of 'ada' have a gap: none is told for 2026-01-01 to 2026-01-02, from 'joined' on",
            "let each span end",
        ),
        (
            _ROLES + "      - {role: a, until: 2026-06-01}\n",
            6,
            "roles of 'ada' have a gap: none is told for 2026-06-01 on",
            "leave 'until' of the last span out",
        ),
        (
            _ROLES + "      - {role: a, from: 2026-06-01, until: 2026-06-01}\n",
            6,
            "'until' is 2026-06-01, and 'from' no earlier than that: 2026-06-01",
            "write it as",
        ),
        (
            _TWO + "    identities: {github: [{name: X, from: 2026-06-01}]}\n",
            7,
            "github 'x' belongs to both 'ada' and 'bob' (2026-06-01 on, on line 4 ever on)",
            "let one of them have it, or one after the other",
        ),
        (
            _ADA + "    identities:\n      github: [{name: x, until: 2026-06-02}, {name: x, from: 2026-06-01}]\n",
            5,
            "github 'x' belongs to 'ada' twice at a time",
            "let one of them have it",
        ),
        (_TWO + "    same_as: eve\n", 7, "'bob' is said to be the same as 'eve', who is not in the roster", "write it"),
        (_TWO + "    same_as: bob\n", 7, "'bob' is said to be the same as 'bob', which says so itself", "name the entry"),
        (
            _TWO + "    same_as: eve\n  - {id: eve, name: Eve, same_as: ada}\n",
            7,
            "'bob' is said to be the same as 'eve', which says so itself",
            "name the entry that stays",
        ),
        (
            _TWO + "    same_as: ada\n    kind: machine\n",
            7,
            "'bob' is said to be the same as 'ada': one is a person, the other a machine",
            "write it",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_spans_is_named_with_its_line_and_a_remedy(
    tmp_path: Path, text: str, line: int, problem: str, remedy: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        roster.read(path)
    assert str(caught.value).startswith(f"{path}:{line}: {problem}")
    assert caught.value.remedy.startswith(remedy)


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
    for name in ("people", "roles", "identities"):
        pd.testing.assert_frame_equal(tables[name], same[name])


def test_a_table_may_have_a_row_for_each_span(tmp_path: Path) -> None:
    """It gives what the same spans give in YAML."""
    path = tmp_path / "roster.csv"
    path.write_text(
        "id,name,team,role,from,until,joined,left,same_as,github,vault,iam,sso\n"
        "ada,Ada,platform,lead,2026-06-01,2026-12-01,2026-01-01,2026-12-01,,ada-l,ada,,\n"
        "grace,Grace,,,,,,,,On-Call [2026-06-01/],,arn:aws:iam::111122223333:user/grace,grace@sso\n"
        "ada,,payments,engineer,,2026-06-01,,,,on-call [ / 2026-06-01 ];,,,\n"
        "grace2,G. Hopper,,,,,,,grace [2026-03-01/2026-09-01],ghopper; gh [/2026-04-01],,,\n",
        encoding="utf-8",
    )
    tables, same = roster.read(path), roster.read(write(tmp_path, DATED))
    for name in ("people", "roles", "identities"):
        pd.testing.assert_frame_equal(tables[name], same[name])


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "it is empty"),
        ("id,,name\n", 1, "the header has a column without a name"),
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
        (
            "id,name,from\nada,Ada,2026-06-01\nada,Grace,2026-07-01\n",
            3,
            "'name' is 'Grace', and 'Ada' on line 2",
        ),
        (
            "id,name,role,from,until\nada,Ada,a,,2026-06-01\nada,,b,2026-07-01,\n",
            3,
            "roles of 'ada' have a gap",
        ),
        ("id,name,git\nada,Ada,x [June/]\n", 2, "'from' is 'June': write a day as in 2026-07-01"),
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
    assert caught.value.remedy.startswith(("write a header with id, name and as needed kind, team", "let "))


@hypothesis.settings(max_examples=150, deadline=None)
@given(
    st.text(alphabet='ab,;"\n\r\t\0\u2028 -2', max_size=60),
    st.sampled_from(["", "id,name\n", "id,name,git\n", "id,name,from,until\n"]),
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
