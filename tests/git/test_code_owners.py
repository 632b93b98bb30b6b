"""CODEOWNERS: which of its places counts, what a line is, and who owns a path by it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from git_repo import Repo
from test_waivers_file import read

from audit import tables as t
from audit.report.owned import Owned

TEXT = """# everything
*               @acme/platform   # the default
/apps/          @acme/apps ada
apps/web/**     @acme/web
docs/*          writers@example.org
*.tf            @acme/infra
secret\\ place/  @acme/security
/apps/free/
[Section]
^[Optional]
"""


def test_the_file_of_the_first_place_is_read_line_by_line(repo: Repo, tmp_path: Path) -> None:
    repo.commit("Own", {"docs/CODEOWNERS": "* @nobody\n", ".github/CODEOWNERS": TEXT})
    rows = read(repo, tmp_path)["code_owners"]
    assert rows[["number", "pattern", "owners"]].to_numpy().tolist() == [
        [2, "*", "@acme/platform"],
        [3, "/apps/", "@acme/apps ada"],
        [4, "apps/web/**", "@acme/web"],
        [5, "docs/*", "writers@example.org"],
        [6, "*.tf", "@acme/infra"],
        [7, "secret place/", "@acme/security"],
        [8, "/apps/free/", ""],
    ]
    assert rows["place"].str.match(r"\.github/CODEOWNERS@[0-9a-f]{40}:\d$").all()
    repo.commit("Gone", {".github/CODEOWNERS": None, "docs/CODEOWNERS": "x @y\n"})
    assert read(repo, tmp_path)["code_owners"]["owners"].tolist() == ["@y"]


def test_a_file_that_is_no_text_owns_nothing_and_is_told(repo: Repo, tmp_path: Path) -> None:
    sha = repo.commit("Break", {"CODEOWNERS": b"* @a\xff\n"})
    tables = read(repo, tmp_path)
    assert tables["code_owners"].empty
    unread = tables["unread_files"]
    assert unread[["sha", "path", "reader", "reason"]].to_numpy().tolist() == [
        [sha, "CODEOWNERS", "code owners", "not UTF-8"]
    ]


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("README.md", "@acme/platform"),
        ("apps/cart/base.yaml", "@acme/apps, ada"),
        ("deep/apps/cart.yaml", "@acme/platform"),
        ("apps/web/overlays/prod/a.yaml", "@acme/web"),
        ("docs/a.md", "writers@example.org"),
        ("docs/more/a.md", "@acme/platform"),
        ("any/where/main.tf", "@acme/infra"),
        ("deep/secret place/x/y", "@acme/security"),
        ("apps/free/a.yaml", ""),
        ("apps/free/a.yaml, apps/web/b.yaml", "@acme/web"),
        ("", "@acme/platform"),
    ],
)
def test_the_last_line_that_matches_a_path_names_its_owners(path: str, owner: str) -> None:
    lines = [
        ("*", "@acme/platform"), ("/apps/", "@acme/apps ada"), ("apps/web/**", "@acme/web"), ("docs/*", "writers@example.org"),
        ("*.tf", "@acme/infra"), ("secret place/", "@acme/security"), ("/apps/free/", ""),
    ]  # fmt: skip
    rows = [
        {"repo": "acme/gitops", "number": number, "pattern": pattern, "owners": owners, "place": "p"}
        for number, (pattern, owners) in enumerate(lines, 1)
    ]
    owned = Owned(t.conform(t.CodeOwners, pd.DataFrame(rows)))
    assert owned.of({"repo": "acme/gitops", "path": path}) == owner
    assert owned.of({"repo": "acme/other", "path": path}) == ""
    assert owned.of({"repo": "", "path": ""}) == ""


def test_a_hostile_pattern_takes_no_time() -> None:
    """Which a regular expression would not come to an end with."""
    pattern = "**/" * 200 + "*a" * 200
    rows = [{"repo": "a", "number": 1, "pattern": pattern, "owners": "@x", "place": "p"}]
    owned = Owned(t.conform(t.CodeOwners, pd.DataFrame(rows)))
    assert owned.of({"repo": "a", "path": "a/" * 200 + "a" * 199}) == ""
    assert owned.of({"repo": "a", "path": "a/" * 200 + "a" * 200}) == "@x"
