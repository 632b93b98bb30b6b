"""A folder is a source like any other; nothing in it leads out of it."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from audit.errors import EvidenceMissing, ExitCode, UsageError
from audit.settings import Settings
from audit.sources.folder import Folder
from audit.sources.interface import Changed, Unreadable
from audit.sources.origins import origins


def _folder(path) -> Folder:
    return Folder("logs", "file:export", path)


def test_lists_every_file_below_it_by_key(tmp_path):
    for name in ("b.gz", "a/c.json", "a.b", ".hidden"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode())
    origin = _folder(tmp_path)
    listing = origin.listing()
    assert [each.key for each in listing.objects] == [".hidden", "a.b", "a/c.json", "b.gz"]
    assert [b"".join(origin.read(each).chunks).decode() for each in listing.objects] == [
        each.key for each in listing.objects
    ]


def test_follows_no_link_and_says_so(tmp_path):
    (tmp_path / "outside").write_text("secret")
    export = tmp_path / "export"
    export.mkdir()
    (export / "file").write_text("1")
    (export / "link").symlink_to(tmp_path / "outside")
    os.mkfifo(export / "pipe")
    listing = _folder(export).listing()
    assert [each.key for each in listing.objects] == ["file"]
    assert [(each.key, each.reason) for each in listing.unread] == [
        ("link", "a symbolic link is not followed"),
        ("pipe", "it is neither a file nor a folder"),
    ]


def test_takes_names_that_are_not_text(tmp_path):
    for name in (b"\xff", b"nl\nx", b"back\\slash"):
        (tmp_path / os.fsdecode(name)).write_bytes(name)
    origin = _folder(tmp_path)
    assert {each.key: b"".join(origin.read(each).chunks) for each in origin.listing().objects} == {
        "\\xff": b"\xff",
        "nl\nx": b"nl\nx",
        "back\\slash": b"back\\slash",
    }


def test_two_names_that_look_the_same_are_told_of(tmp_path):
    for name in (b"\xff", b"\\xff"):
        (tmp_path / os.fsdecode(name)).write_bytes(b"1")
    listing = _folder(tmp_path).listing()
    assert len(listing.objects) == 1
    assert [each.reason for each in listing.unread] == ["its name can't be told from another file's"]


def test_a_file_that_changes_is_not_taken(tmp_path):
    (tmp_path / "a").write_text("short")
    (tmp_path / "b").write_text("short")
    origin = _folder(tmp_path)
    grown, gone = origin.listing().objects
    (tmp_path / "a").write_text("much longer")
    (tmp_path / "b").unlink()
    with pytest.raises(Changed, match="5 bytes when it was listed, and 11"):
        list(origin.read(grown).chunks)
    with pytest.raises(Changed, match="gone"):
        origin.read(gone)


def test_a_file_replaced_by_a_link_is_not_followed(tmp_path):
    (tmp_path / "a").write_text("1")
    origin = _folder(tmp_path)
    (listed,) = origin.listing().objects
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to("/etc/hostname")
    with pytest.raises(Unreadable, match="can't be read"):
        origin.read(listed)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "there is no such folder"),
        (lambda path: path.write_text("x"), "this is not a folder"),
        (lambda path: path.mkdir(), "there is nothing below it"),
        (lambda path: (path / "only" / "folders").mkdir(parents=True), "there is nothing below it"),
    ],
)
def test_a_folder_that_gives_nothing_is_evidence_missing(tmp_path, make, told):
    make(tmp_path / "export")
    with pytest.raises(EvidenceMissing, match=told) as error:
        _folder(tmp_path / "export").listing()
    assert "source 'logs' (file:export)" in str(error.value)
    assert error.value.exit_code is ExitCode.EVIDENCE


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told_of(tmp_path):
    (tmp_path / "a").write_text("1")
    (tmp_path / "a").chmod(0)
    origin = _folder(tmp_path)
    with pytest.raises(Unreadable, match="Permission denied"):
        origin.read(origin.listing().objects[0])


def test_the_store_is_not_evidence(tmp_path):
    settings = Settings.model_validate(
        {
            "organisation": {"name": "x"},
            "store": str(tmp_path / "export" / "store"),
            "sources": [{"name": "logs", "location": f"file:{tmp_path / 'export'}"}],
        }
    )
    with pytest.raises(UsageError, match="the folder holds the evidence store"):
        origins(settings, as_of=datetime(2026, 10, 1, tzinfo=UTC))
