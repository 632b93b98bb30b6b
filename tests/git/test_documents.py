"""YAML as plain values: every scalar the text that was written, whatever is hostile refused in words."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from audit.git import documents
from audit.git.documents import Unreadable, parse

texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
values = st.recursive(
    texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts.filter(lambda k: k != "<<"), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(st.lists(values, min_size=1, max_size=3), st.booleans())
def test_what_was_written_is_read_back(documents: list[Any], flow: bool) -> None:
    raw = yaml.safe_dump_all(documents, default_flow_style=flow, allow_unicode=True).encode()
    assert parse(raw) == tuple(documents) == tuple(yaml.load_all(raw, yaml.BaseLoader))


@pytest.mark.parametrize("said", ["1.10", "on", "0o17", "1e3", "2026-01-01", "~", "null", "0x1F", "1_000"])
def test_scalars_stay_text(said: str) -> None:
    assert parse(f"a: {said}".encode()) == ({"a": said},)


def test_nothing_is_empty_text_and_no_document_is_none() -> None:
    assert parse(b"a:\nb: ''\n") == ({"a": "", "b": ""},)
    assert parse(b"") == ()
    assert parse(b"# only this\n") == ()
    assert parse(b"---\n---\na: 1\n...\n") == ("", {"a": "1"})


def test_tags_say_nothing_of_the_value() -> None:
    assert parse(b"- !Ref a\n- !!int '7'\n- !If [x, y]\n- !m {a: b}\n") == (
        ["a", "7", ["x", "y"], {"a": "b"}],
    )


def test_aliases_are_what_they_name() -> None:
    assert parse(b"a: &x {k: [1, 2]}\nb: *x\nc: &y t\nd: [*y, *y]\n") == (
        {"a": {"k": ["1", "2"]}, "b": {"k": ["1", "2"]}, "c": "t", "d": ["t", "t"]},
    )


def test_an_anchor_given_twice_names_the_last_node() -> None:
    assert parse(b"[&a 1, *a, &a 2, *a]") == (["1", "1", "2", "2"],)


def test_anchors_end_with_their_document() -> None:
    with pytest.raises(Unreadable, match="line 2: found undefined alias"):
        parse(b"- &a 1\n--- [*a]\n")


@pytest.mark.parametrize(
    ("said", "merged"),
    [
        ("{<<: *one, b: 3}", {"a": "1", "b": "3"}),
        ("{b: 3, <<: *one}", {"a": "1", "b": "3"}),
        ("{<<: [*one, *two], c: 9}", {"a": "1", "b": "2", "c": "9"}),
        ("{<<: [*two, *one]}", {"a": "7", "b": "2", "c": "8"}),
        ("{!!merge <<: *one}", {"a": "1", "b": "2"}),
        ("{'<<': *one}", {"<<": {"a": "1", "b": "2"}}),
    ],
)
def test_merge_keys_are_resolved_and_own_keys_win(said: str, merged: dict[str, Any]) -> None:
    raw = f"one: &one {{a: 1, b: 2}}\ntwo: &two {{a: 7, c: 8}}\nx: {said}\n".encode()
    assert parse(raw)[0]["x"] == merged


def test_of_a_key_that_stands_twice_the_last_counts() -> None:
    assert parse(b"a: 1\na: 2\n") == ({"a": "2"},)


def _bomb(levels: int) -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (_bomb(9), "it expands to more than 500000 values"),
        (b"a: &a [*a]", "an alias refers to what it is in"),
        (b"a: &a {<<: *a}", "an alias refers to what it is in"),
        (b"[" * 300, "nested deeper than 200 levels"),
        (b"- " * 300 + b"x", "nested deeper than 200 levels"),
        (b"\n".join(b" " * n + b"a:" for n in range(300)), "nested deeper than 200 levels"),
        (b"a: *b", "not YAML: line 1: found undefined alias"),
        (b"a: 1\n? [b]\n: 2", "not YAML: line 2: a key that is no scalar"),
        (b"a: 1\nb: {<<: 2}", "not YAML: line 2: '<<' names no mapping"),
        (b"a: 1\n  b: 2", "not YAML: line 2: mapping values are not allowed in this context"),
        (b"\xff\xfea", "not YAML: "),
        (b"a: \xff", "not YAML: "),
        (b"a: {{ .Values.x }}", "not YAML: line 1: a key that is no scalar"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_line(raw: bytes, why: str) -> None:
    with pytest.raises(Unreadable) as refused:
        parse(raw)
    assert refused.value.reason.startswith(why)


@given(st.binary(max_size=200) | st.text("a:-{}[]&*<!|>'\"\n #?,%@", max_size=80).map(str.encode))
def test_whatever_comes_in_nothing_else_comes_out(raw: bytes) -> None:
    with contextlib.suppress(Unreadable):
        assert isinstance(parse(raw), tuple)


def test_the_line_of_an_error_counts_from_the_files_first() -> None:
    with pytest.raises(Unreadable, match="line 6: "):
        parse(b"a: 1\n---\nb: 2\n---\nc: 3\n  d: 4\n")


def test_what_looks_like_a_new_document_inside_a_scalar_is_none() -> None:
    assert parse(b"a: |\n  x\n  ---\n  y\n---\nb: 1\n") == ({"a": "x\n---\ny\n"}, {"b": "1"})
    assert parse(b"---a: 1\n") == ({"---a": "1"},)
    assert parse(b"%YAML 1.1\n---\na: 1\n---\nb: 2\n") == ({"a": "1"}, {"b": "2"})


def test_a_document_that_stays_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []
    real = documents._read
    monkeypatch.setattr(documents, "_read", lambda raw: (read.append(raw), real(raw))[1])
    first, changed = b"x: only here\n", [b"---\ny: 1\n", b"---\ny: 2\n"]
    for part in changed:
        assert parse(first + part)[0] == {"x": "only here"}
    assert read == [first, *changed]
