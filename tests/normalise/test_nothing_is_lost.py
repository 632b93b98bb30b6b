"""Any bytes in, never an exception out, and every record accounted for."""

from __future__ import annotations

import copy
import gzip
import json
from typing import Any

import pytest
from evidence_records import AUDIT_EVENT, VALID, lines, parse_bytes
from hypothesis import given, settings
from hypothesis import strategies as st
from rights_records import KEYED

from audit import tables as t
from audit.normalise import records
from audit.normalise.records import RUNTIME_LIMIT, Splitter
from audit.normalise.registry import FORMATS

TEXT = frozenset({"prometheus-text"})
"""Formats whose records are no JSON; their own tests mutate them."""

FEW = settings(max_examples=100, deadline=None)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FORMAT = st.sampled_from(["auto", *FORMATS])


@pytest.mark.parametrize(
    ("format", "name"), [("flux-event", "metadata"), ("github-graphql", "data"), ("sarif", "runs")]
)
def test_what_is_nested_just_too_deep_for_a_part_that_is_decoded_later_costs_itself_alone(
    format: str, name: str
) -> None:
    (record, *_) = VALID[format]
    text = json.dumps(record | {name: "deep"})
    for depth in range(900, 1000):
        parsed = parse_bytes(
            text.replace('"deep"', '{"a":' * depth + "1" + "}" * depth).encode(), format=format
        )
        assert parsed.records == parsed.kept + parsed.noise + len(parsed.quarantined) == 1


@FEW
@given(
    st.binary(max_size=400) | st.text(alphabet='{}[]",:\n 1atruenl\\', max_size=200).map(str.encode), FORMAT
)
def test_arbitrary_bytes(data: bytes, format: str) -> None:
    parse_bytes(data, format=format)


@FEW
@given(st.lists(JSON, min_size=1, max_size=4), st.sampled_from([None, 2]), FORMAT)
def test_arbitrary_json(values: list[Any], indent: int | None, format: str) -> None:
    data = "\n".join(json.dumps(value, indent=indent) for value in values).encode()
    parse_bytes(data, format=format)


_EVERYDAY = AUDIT_EVENT | {
    "verb": "get",
    "user": {"username": "system:node:n"},
    "userAgent": "kubelet/v1.34.0",
    "auditID": "a-2",
}
_LATER = AUDIT_EVENT | {"requestReceivedTimestamp": "2026-07-01T11:00:00Z", "auditID": "a-3"}
_LINES = st.lists(
    st.sampled_from(
        [
            *(json.dumps(event).encode() for event in (AUDIT_EVENT, _EVERYDAY, _EVERYDAY, _LATER)),
            json.dumps(AUDIT_EVENT | {"verb": 1}).encode(),
            json.dumps(AUDIT_EVENT).encode() * 2,
            json.dumps(AUDIT_EVENT, indent=1).encode(),
            json.dumps(AUDIT_EVENT | {"requestURI": "/é"}, ensure_ascii=False).encode("latin-1"),
            json.dumps({"message": json.dumps(_EVERYDAY)}).encode(),
            json.dumps(AUDIT_EVENT | {"requestObject": "x" * RUNTIME_LIMIT}).encode(),
            *(json.dumps(VALID[name]).encode() for name in ("github-pulls", "vault-audit")),
            b'{"auditID":', b"", b" \r", b"\xef\xbb\xbf", b"\0" * 8, b"[]", b"{}", b"no JSON",
        ]
    ),
    max_size=30,
)  # fmt: skip


@FEW
@given(
    _LINES,
    st.sampled_from([b"\n", b"\r\n"]),
    st.sampled_from([1, 2_000, 1 << 16]),
    st.sampled_from(["auto", "kubernetes-audit"]),
)
def test_lines_that_are_read_ahead_come_to_what_each_comes_to(
    lines: list[bytes], end: bytes, window: int, format: str
) -> None:
    data = end.join(lines)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(records, "_AHEAD", window)
        ahead = parse_bytes(data, format=format)
        patched.setattr(Splitter, "ahead", lambda self: None)
        assert ahead == parse_bytes(data, format=format)


def test_lines_of_one_format_are_read_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nothing above would be looked at, and a quarter of logs would take half as long again."""
    taken: list[int] = []
    passed = Splitter.passed
    monkeypatch.setattr(
        Splitter, "passed", lambda self, count, size: taken.append(count) or passed(self, count, size)
    )
    assert parse_bytes(lines(*[_EVERYDAY] * 500, AUDIT_EVENT)).kept == 1
    assert sum(taken) > 450


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in items for place in ((*path, key), *_places(inner, (*path, key)))]


@pytest.mark.parametrize("format", [name for name in FORMATS if name not in TEXT])
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_mutated_records_give_conforming_tables_or_a_reason(format: str, data: st.DataObject) -> None:
    record = copy.deepcopy(data.draw(st.sampled_from((VALID | KEYED)[format])))
    for _ in range(data.draw(st.integers(1, 3))):
        places = _places(record)
        if not places:
            break
        *path, last = data.draw(st.sampled_from(places))
        holder: Any = record
        try:
            for key in path:
                holder = holder[key]
            if data.draw(st.booleans()):
                del holder[last]
            else:
                holder[last] = data.draw(
                    JSON
                    | st.sampled_from(
                        ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.9999999Z", 2**64, -1]
                    )
                )
        except (KeyError, IndexError, TypeError):
            continue
    for name in (format, "auto"):
        for table, rows in parse_bytes(lines(record), format=name).rows.items():
            frame = t.frame(t.TABLES[table], rows).drop_duplicates(t.key(t.TABLES[table]))
            assert len(t.conform(t.TABLES[table], frame)) == len(frame) > 0


def test_gzip_cut_off_anywhere_keeps_every_whole_line_and_says_so_once() -> None:
    """And nothing but the lines whose every byte could be known."""
    events = [AUDIT_EVENT | {"auditID": f"a-{number}-{'x' * (number * 37 % 50)}"} for number in range(40)]
    data = gzip.compress(lines(*events), mtime=0)
    before = 0
    for cut in range(1, len(data)):
        parsed = parse_bytes(data[:cut], format="kubernetes-audit")
        assert len(parsed.quarantined) == 1, cut
        assert parsed.kept >= before
        assert parsed.quarantined[0][0] == parsed.kept + 1
        before = parsed.kept
    assert before == len(events)


@FEW
@given(st.data())
def test_gzip_damaged_anywhere_is_noticed(data: st.DataObject) -> None:
    """But for the few bits that fill the last byte of the compressed data: nothing depends on them."""
    text = lines(*[AUDIT_EVENT] * 20)
    whole = bytearray(gzip.compress(text, mtime=0))
    place = data.draw(st.integers(10, len(whole) - 1))  # behind the header, whose bytes mean little
    whole[place] ^= data.draw(st.integers(1, 255))
    parsed = parse_bytes(bytes(whole))
    assert parsed.quarantined or (parsed.kept == 20 and gzip.decompress(whole) == text)
