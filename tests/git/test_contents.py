"""Contents at any revision: what may be read is read once, and what may not is refused by itself, with its reason."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from git_repo import Repo

from audit.errors import IntegrityError
from audit.git import contents as module
from audit.git.contents import LARGEST, Contents, Unreadable
from audit.sources.git_view import view


@pytest.fixture
def contents(repo: Repo) -> Iterator[Contents]:
    with view(repo.path) as seen, Contents(seen) as opened:
        yield opened


def blob(repo: Repo, raw: bytes) -> str:
    return repo.git("hash-object", "-w", "--stdin", stdin=raw)


def loose(repo: Repo, sha: str) -> Path:
    file = repo.path / ".git/objects" / sha[:2] / sha[2:]
    file.chmod(0o644)
    return file


def reason(contents: Contents, sha: str) -> str:
    with pytest.raises(Unreadable) as caught:
        contents.documents(sha)
    return caught.value.reason


def test_a_tree_holds_regular_files_alone(repo: Repo, contents: Contents) -> None:
    (repo.path / "link").symlink_to("base.txt")
    (repo.path / os.fsdecode(b"\xe9\n")).write_bytes(b"x\n")
    (repo.path / "run").write_bytes(b"x\n")
    (repo.path / "run").chmod(0o755)
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{repo.sha()},module")
    head = repo.commit("all kinds", {})
    assert contents.tree(head) == {
        "base.txt": repo.sha("HEAD:base.txt"), "run": repo.sha("HEAD:run"), "\\xe9\n": repo.sha("HEAD:run"),
    }  # fmt: skip


def test_a_tree_that_is_not_there_is_an_error_never_an_empty_tree(repo: Repo, contents: Contents) -> None:
    head = repo.commit("one", {"a/b.yaml": "x: 1\n"})
    loose(repo, repo.sha("HEAD:a")).unlink()
    with pytest.raises(IntegrityError):
        contents.tree(head)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"tag: 1.10\non: yes\nat: 2026-01-01\nnone: ~\n", ({"tag": "1.10", "on": "yes", "at": "2026-01-01", "none": "~"},)),
        (b"a: &x {k: 1}\nb: {<<: *x, l: 2}\nc: *x\n", ({"a": {"k": "1"}, "b": {"k": "1", "l": "2"}, "c": {"k": "1"}},)),
        (b"a: &x 1\nb: &x 2\nc: *x\n", ({"a": "1", "b": "2", "c": "2"},)),
        (b"a: 1\n---\nb: 2\n--- \n- c\n", ({"a": "1"}, {"b": "2"}, ["c"])),
        (b'{"a": [1.0, true, null]}', ({"a": ["1.0", "true", "null"]},)),
        (b"", ()),
    ],
    ids=["text", "merge keys and aliases", "an anchor given twice", "documents", "JSON", "nothing"],
)  # fmt: skip
def test_documents_are_plain_values(
    repo: Repo, contents: Contents, raw: bytes, expected: tuple[object, ...]
) -> None:
    assert contents.documents(blob(repo, raw)) == expected


_BOMB = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (i, i, b", ".join([b"*%c" % (i - 1)] * 9)) for i in range(ord("b"), ord("k"))
)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"a: [1\n", "not YAML: line "),
        (b"a: \xff\xfe\n", "not YAML: "),
        (_BOMB, "expands to more than"),
        (b"[" * 100_000, "nested deeper than 200 levels"),
        (b"- " * 100_000, "nested deeper than 200 levels"),
        (b"x: " + b"1" * LARGEST, f"too large: {LARGEST + 3} bytes, the limit is {LARGEST}"),
    ],
    ids=["not YAML", "not UTF-8", "bomb", "brackets", "dashes", "too large"],
)
def test_what_cannot_be_read_says_why_and_what_follows_is_read(
    repo: Repo, contents: Contents, raw: bytes, why: str
) -> None:
    assert why in reason(contents, blob(repo, raw))
    assert contents.documents(blob(repo, b"a: 1\n")) == ({"a": "1"},)


def test_a_file_of_the_largest_size_is_read(repo: Repo, contents: Contents) -> None:
    assert len(contents.raw(blob(repo, b"1" * LARGEST))) == LARGEST


def test_a_missing_object_is_named(repo: Repo, contents: Contents) -> None:
    sha = blob(repo, b"a: 1\n")
    loose(repo, sha).unlink()
    assert reason(contents, sha) == f"missing object {sha}"


@pytest.mark.parametrize(
    ("keep", "why"),
    [(0, "missing object {}"), (20, "object {} can't be read: ")],
    ids=["nothing", "half of it"],
)
def test_a_damaged_object_is_named_and_costs_no_other(
    repo: Repo, contents: Contents, keep: int, why: str
) -> None:
    """git ends over a damaged object; that must not make every later file unreadable too."""
    sha, other = blob(repo, os.urandom(200_000)), blob(repo, b"a: 1\n")
    file = loose(repo, sha)
    file.write_bytes(file.read_bytes()[:keep] + b"\0" * 20)
    for _ in range(2):
        assert reason(contents, sha).startswith(why.format(sha))
        assert contents.documents(other) == ({"a": "1"},)


def test_what_was_read_is_kept_up_to_a_number_of_bytes(
    repo: Repo, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is asked for again is the same object; what was not asked for longest goes first."""
    monkeypatch.setattr(module, "_KEPT_BYTES", 250)
    one, two, three = (blob(repo, b"%d: %s\n" % (number, b"x" * 96)) for number in range(3))
    first, second = contents.documents(one), contents.documents(two)
    assert contents.documents(one) is first
    contents.documents(three)
    assert contents.documents(one) is first
    assert contents.documents(two) is not second
    assert contents.documents(two) == second


def test_what_is_read_ahead_is_not_asked_for_again(
    repo: Repo, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More blobs than one page of names holds, with one that is missing, one too large and one damaged among them."""
    good = {blob(repo, b"%d: x\n" % number): b"%d: x\n" % number for number in range(150)}
    missing, large, damaged = (
        blob(repo, raw) for raw in (b"gone", b"1" * (LARGEST + 1), os.urandom(200_000))
    )
    loose(repo, missing).unlink()
    names = list(good)
    contents.ahead([*names[:50], missing, large, *names[50:], names[0]])
    asked = list[str]()
    ask = contents._ask
    monkeypatch.setattr(contents, "_ask", lambda blobs: (asked.extend(blobs), ask(blobs))[1])
    assert {sha: contents.raw(sha) for sha in names} == good
    assert asked == []
    assert reason(contents, missing) == f"missing object {missing}"
    assert reason(contents, large).startswith("too large")
    file = loose(repo, damaged)
    file.write_bytes(file.read_bytes()[:20] + b"\0" * 20)
    new = [blob(repo, b"new: %d\n" % number) for number in range(3)]
    contents.ahead([new[0], damaged, *new[1:]])
    assert [contents.raw(sha) for sha in new] == [b"new: %d\n" % number for number in range(3)]
    assert "can't be read" in reason(contents, damaged)


def test_what_is_read_ahead_is_bounded(
    repo: Repo, contents: Contents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_KEPT_BYTES", 250)
    names = [blob(repo, b"%d: %s\n" % (number, b"x" * 96)) for number in range(9)]
    contents.ahead(names)
    assert sum(sha in contents._raw for sha in names) == 2
    assert all(contents.raw(sha).startswith(b"%d: x" % number) for number, sha in enumerate(names))
