"""Waivers by fingerprint, and the key that fingerprints are made with."""

from __future__ import annotations

from pathlib import Path

import pytest
from git_repo import Repo

from audit import settings
from audit.errors import UsageError
from audit.git.contents import Contents
from audit.git.secrets import key, waivers
from audit.sources.git_view import view

FILE = ".gitops-audit/secret-waivers.yaml"
ONE, TWO = "1" * 64, "2" * 64


def read(repo: Repo, text: str | None) -> waivers.Waivers:
    if text is not None:
        repo.commit("waive", {FILE: text})
    with view(repo.path) as seen, Contents(seen) as contents:
        return waivers.read(contents, contents.tree(repo.sha()), FILE)


def test_waivers_are_read_with_their_reasons_ends_and_places(repo: Repo) -> None:
    given = read(
        repo,
        f"- {{fingerprint: '{ONE}', reason: an example, approved_by: cyd}}\n"
        f"- {{fingerprint: '{TWO}', reason: old, expires: 2026-10-02}}\n",
    )
    blob = repo.git("rev-parse", f"HEAD:{FILE}")
    assert given.rows() == [
        {
            "fingerprint": ONE,
            "reason": "an example",
            "approved_by": "cyd",
            "expires": None,
            "place": f"{FILE}@{blob}:1",
        },
        {
            "fingerprint": TWO,
            "reason": "old",
            "approved_by": "",
            "expires": "2026-10-02T00:00:00Z",
            "place": f"{FILE}@{blob}:2",
        },
    ]


def test_without_a_file_nothing_is_waived(repo: Repo) -> None:
    assert read(repo, None).rows() == []


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: b\n", 1, "no list"),
        ("\n- x\n", 2, "no entry"),
        (f"- fingerprint: '{ONE}'\n", 1, "'reason' is missing"),
        ("- reason: x\n  fingerprint: 12\n", 1, "'fingerprint' is missing"),
        (f"- fingerprint: '{ONE}'\n  reason: x\n  wrong: y\n", 3, "'wrong'"),
        (f"- fingerprint: '{ONE}'\n  reason: x\n  expires: soon\n", 1, "'expires'"),
        (
            f"- {{fingerprint: '{ONE}', reason: x}}\n- {{fingerprint: '{ONE}', reason: y}}\n",
            2,
            "line 1 already",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_remedy(repo: Repo, text: str, line: int, what: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(repo, text)
    assert f"{FILE}, line {line}: " in raised.value.problem
    assert what in raised.value.problem
    assert "fingerprint" in raised.value.remedy


def test_a_file_that_is_no_yaml_is_refused(repo: Repo) -> None:
    with pytest.raises(UsageError, match="not YAML: line"):
        read(repo, "- [\n")


def configured(folder: Path, secrets: str = "") -> settings.Settings:
    (folder / "audit.toml").write_text(f"[organisation]\nname = 'X'\n[secrets]\n{secrets}\n")
    return settings.load(folder / "audit.toml")


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    given = configured(tmp_path)
    made = key.fingerprint_key(given)
    file = given.store_path / key.FILE
    assert len(made) == 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert key.fingerprint_key(given) == made
    assert [each.name for each in given.store_path.iterdir()] == [key.FILE]


@pytest.mark.parametrize(
    ("content", "mode", "what"),
    [
        (None, 0, "can't be read"),
        (b"short", 0o600, "has 5 bytes"),
        (b"k" * 32, 0o644, "others than its owner"),
    ],
)
def test_a_key_file_that_will_not_do_is_refused(
    tmp_path: Path, content: bytes | None, mode: int, what: str
) -> None:
    if content is not None:
        (tmp_path / "the.key").write_bytes(content)
        (tmp_path / "the.key").chmod(mode)
    with pytest.raises(UsageError, match=what):
        key.fingerprint_key(configured(tmp_path, "fingerprint_key_file = 'the.key'"))
