"""The file of waivers: every entry it ever had, from which commit to which, in real histories."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from git_repo import Repo
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from audit import settings
from audit.git import history, observe
from audit.git.paths import PathRules
from tests.documented import of

FILE = ".gitops-audit/waivers.yaml"
WHOLE = """- id: W-1
  control: CHG-05
  requester: ada
  approver: grace
  reason: the check
    moves
  compensating_control: by hand
  starts: 2026-08-01
  expires: 2026-09-01
  scope:
    environment: dev
    app: web
"""
SECOND = "- {id: W-2, control: CHG-01}\n"


def read(repo: Repo, tmp_path: Path) -> observe.Tables:
    chosen = settings.Settings(organisation=settings.Organisation(name="ACME"))
    chosen._folder = tmp_path
    scope = observe.Scope(PathRules((), ("dev",)), b"k" * 32, None, (), chosen)
    found = history.read(repo.path, repo="acme/gitops", branch="main")
    return observe.read(repo.path, found, scope, since=None)


def spans(tables: observe.Tables) -> list[tuple[str, str, int, int | None]]:
    rows = tables["waiver_entries"].sort_values(["id", "position"])
    return [
        (row.id, row.sha, int(row.position), None if pd.isna(row.ended) else int(row.ended))
        for row in rows.itertuples()
    ]


def test_an_entry_is_read_whole_and_what_it_lacks_is_left_empty(repo: Repo, tmp_path: Path) -> None:
    repo.commit("Waive", {FILE: WHOLE + SECOND})
    rows = read(repo, tmp_path)["waiver_entries"].set_index("id")
    whole, bare = rows.loc["W-1"], rows.loc["W-2"]
    assert whole["reason"] == "the check moves"
    assert (whole["starts"], whole["expires"]) == (
        pd.Timestamp("2026-08-01", tz="UTC"),
        pd.Timestamp("2026-09-01", tz="UTC"),
    )
    assert (whole["environment"], whole["app"]) == ("dev", "web")
    assert whole[["repository", "cluster", "path", "subject"]].isna().all()
    assert whole["place"].startswith(f"{FILE}@")
    assert whole["place"].endswith(":1")
    assert bare["place"].endswith(":13")
    assert bare["requester"] == ""
    assert bare[["starts", "expires", "environment"]].isna().all()


def test_an_entry_stands_from_the_commit_that_brought_it_to_the_one_that_changed_it(
    repo: Repo, tmp_path: Path
) -> None:
    repo.commit("Begin", {"a": "1\n"})
    first = repo.commit("Waive", {FILE: WHOLE})
    repo.commit("Something else", {"a": "2\n"})
    moved = repo.commit("Put another before it", {FILE: SECOND + WHOLE})
    longer = repo.commit("Ask for longer", {FILE: SECOND + WHOLE.replace("2026-09-01", "2026-10-01")})
    repo.commit("Take all away", {FILE: None})
    again = repo.commit("Ask anew", {FILE: WHOLE})
    assert spans(read(repo, tmp_path)) == [
        ("W-1", first, 2, 5),
        ("W-1", longer, 5, 6),
        ("W-1", again, 7, None),
        ("W-2", moved, 4, 6),
    ]


def test_a_file_that_moved_there_or_away_counts_as_come_and_gone(repo: Repo, tmp_path: Path) -> None:
    repo.commit("Draft", {"draft.yaml": WHOLE})
    came = repo.commit("Move", {"draft.yaml": None, FILE: WHOLE})
    repo.commit("Move back", {"draft.yaml": WHOLE, FILE: None})
    assert spans(read(repo, tmp_path)) == [("W-1", came, 2, 3)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: b\n", "line 1: this is no list"),
        ("- just text\n", "line 1: this is no entry"),
        ("- control: CHG-01\n", "line 1: 'id' is missing"),
        ("- id: W-1\n", "line 1: 'control' is missing"),
        (SECOND + SECOND, "line 2: 'W-2' stands twice"),
        ("- {id: W-1, control: CHG-01, expires: soon}\n", "line 1: 'expires' is no date"),
        ("- {id: W-1, control: CHG-01, until: 2026-01-01}\n", "line 1: 'until' is unknown, or stands twice"),
        ("- {id: W-1, control: CHG-01, id: W-2}\n", "line 1: 'id' is unknown, or stands twice"),
        ("- {id: W-1, control: CHG-01, scope: prod}\n", "line 1: 'scope' names nothing"),
        ("- {id: W-1, control: CHG-01, scope: {team: a}}\n", "line 1: 'team' is nothing that a scope names"),
        ("- [", "not YAML"),
    ],
)
def test_a_wrong_file_waives_nothing_while_it_stands_and_is_named(
    repo: Repo, tmp_path: Path, text: str, reason: str
) -> None:
    good = repo.commit("Waive", {FILE: WHOLE})
    wrong = repo.commit("Slip", {FILE: text})
    again = repo.commit("Mend", {FILE: WHOLE})
    tables = read(repo, tmp_path)
    assert spans(tables) == [("W-1", good, 1, 2), ("W-1", again, 3, None)]
    unread = tables["unread_files"]
    assert unread[["sha", "path", "reader"]].to_numpy().tolist() == [[wrong, FILE, "waivers"]]
    assert reason in unread["reason"].iloc[0]


@example_settings(max_examples=25, deadline=None)
@given(st.lists(st.sets(st.sampled_from("ABC")), min_size=1, max_size=6))
def test_entries_stand_exactly_in_the_versions_that_hold_them(
    tmp_path_factory: pytest.TempPathFactory, versions: list[set[str]]
) -> None:
    folder = tmp_path_factory.mktemp("history")
    repo = Repo(folder / "repo")
    for number, held in enumerate(versions):
        text = "".join(f"- {{id: {name}, control: CHG-01}}\n" for name in sorted(held)) or "[]\n"
        repo.commit(f"Version {number}", {FILE: text, "n": f"{number}\n"})
    found = spans(read(repo, folder))
    for number, held in enumerate(versions):
        standing = {
            name for name, _, begin, end in found if begin <= number and (end is None or number < end)
        }
        assert standing == held


def test_the_entry_that_the_guide_shows_is_read_whole(repo: Repo, tmp_path: Path) -> None:
    for text in of("docs/how-to/waivers.md", "yaml"):
        repo.commit("Waive", {FILE: text})
    tables = read(repo, tmp_path)
    (row,) = tables["waiver_entries"].to_dict("records")
    assert tables["unread_files"].empty
    assert (row["id"], row["control"], row["subject"]) == ("W-7", "CHG-05", "netbpf/netbpf-gitops#7")
    assert not [name for name, value in row.items() if value in ("", None) and name != "ended"]
