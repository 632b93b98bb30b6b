"""Objects are split into records where a reader would split them, and broken ones cost as little as can be."""

from __future__ import annotations

import gzip
import json
import lzma
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from evidence_records import ACTIVITY, AUDIT_EVENT, CHECK, CONTEXT, PULL, lines, parse_bytes

from audit.errors import UsageError
from audit.normalise import decompress, records
from audit.normalise.interface import Context
from audit.normalise.records import Splitter
from audit.normalise.values import contradiction, is_value

GOOD = lines(AUDIT_EVENT)
PRETTY = json.dumps(AUDIT_EVENT, indent=4).encode() + b"\n"


def split(data: bytes, size: int = 7) -> list[tuple[int, int, bytes, str | None]]:
    """Records of `data` given in blocks of `size` bytes; every line is rejected once, as a reader that fails would."""
    blocks: Iterator[bytes] = (data[i : i + size] for i in range(0, len(data), size))
    splitter, found = Splitter(blocks), []
    for record in splitter:
        if record.reason is None and not record.whole and not is_value(record.data):
            splitter.reject()
        else:
            found.append((record.number, record.offset, record.data, record.reason))
    return found


@pytest.mark.parametrize("size", [1, 3, 7, 64, 1 << 20])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"a":1}\n{"b":2}\n', [b'{"a":1}', b'{"b":2}']),
        (b'{"a":1}\n{"b":2}', [b'{"a":1}', b'{"b":2}']),
        (b'{"a":1}{"b":2} {"c":3}', [b'{"a":1}', b'{"b":2}', b'{"c":3}']),
        (b'{"a":1}{"b":2}\n{"c":3}{"d":4}\n', [b'{"a":1}', b'{"b":2}', b'{"c":3}', b'{"d":4}']),
        (b'{\n  "a": 1\n}\n{\n  "b": 2\n}\n', [b'{\n  "a": 1\n}', b'{\n  "b": 2\n}']),
        (b'[{"a":1},\n{"b":2}]\n', [b'[{"a":1},\n{"b":2}]']),
        (b'{"a": {"x": 1}\n, "b": {"y": 2}}\n{"c":3}\n', [b'{"a": {"x": 1}\n, "b": {"y": 2}}', b'{"c":3}']),
        (b'{"a":"}{\\"\\n"}\r\n\r\n  {"b":2}\r\n', [b'{"a":"}{\\"\\n"}', b'{"b":2}']),
        (b"12\n345 6\ntrue\n", [b"12", b"345", b"6", b"true"]),
        (b"", []),
        (b" \n\t\r\n", []),
    ],
)  # fmt: skip
def test_values_wherever_they_stand(data: bytes, expected: list[bytes], size: int) -> None:
    found = split(data, size)
    assert [(value, reason) for _, _, value, reason in found] == [(value, None) for value in expected]
    assert [number for number, _, _, _ in found] == list(range(1, len(expected) + 1))
    assert all(data[offset:].startswith(value) for _, offset, value, _ in found)


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ("broken", "entries"),
    [
        (b"garbage\n", 1),
        (b"two words\n", 1),
        (b'{"a":"cut off in the mid\n', 1),
        (b'{"a":{"b":1},\n', 1),
        (b'{"a":\n', 1),
        (b'["x",\n', 1),
        (b'{"a":1]\n', 1),
        (b'{\n  "a": 1,\n  "b": [\n    1\n  ],\n}\n', 1),
        (b"}\n]\n", 2),
        (b"\x00\xff\xfe\n", 1),
        (b"[" * 5000 + b"\n", 1),
        (b'{"a":NaN}\n', 1),
        (b'{"a":"\\ud800"}\n', 1),
    ],
)
def test_what_is_broken_costs_itself_alone(broken: bytes, entries: int, size: int) -> None:
    found = split(b'{"x":1}\n' + broken + b'{"y":2}\n{"z":3}\n', size)
    assert [value for _, _, value, reason in found if reason is None] == [b'{"x":1}', b'{"y":2}', b'{"z":3}']
    assert next(offset for _, offset, _, reason in found if reason is not None) == 8
    assert len(found) == 3 + entries


def test_the_reason_and_the_place_are_told() -> None:
    parsed = parse_bytes(GOOD + b"oops\n" + GOOD)
    assert parsed.kept == 2
    assert parsed.quarantined == [(2, len(GOOD), "not JSON: invalid character (byte 0)")]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + GOOD + b"\n\r\n" + GOOD,
        PRETTY + GOOD,
        GOOD.strip() + GOOD.strip(),
        gzip.compress(GOOD, mtime=0) + gzip.compress(GOOD, mtime=0),
        gzip.compress(GOOD + GOOD, mtime=0) + b"\0" * 512,
        json.dumps([AUDIT_EVENT, AUDIT_EVENT]).encode(),
        json.dumps({"kind": "EventList", "items": [AUDIT_EVENT, AUDIT_EVENT]}, indent=1).encode(),
    ],
)
def test_two_events_however_they_are_written(data: bytes) -> None:
    parsed = parse_bytes(data)
    assert (parsed.records, parsed.kept, parsed.quarantined) == (2, 2, [])


def test_wrapped_records_share_their_number_and_each_counts() -> None:
    parsed = parse_bytes(lines([PULL, PULL | {"number": 8}, {"number": 9}], PULL))
    assert [row["line"] for row in parsed.rows["pull_requests"]] == [1, 1, 2]
    assert parsed.quarantined == [(1, 0, "no known format (item 3)")]
    assert parsed.records == 4


def test_an_empty_array_holds_no_records_and_is_no_fault() -> None:
    parsed = parse_bytes(b"[]")
    assert (parsed.records, parsed.quarantined) == (0, [])


def test_log_subscriptions_are_unwrapped_and_control_messages_are_noise() -> None:
    message = {"id": "1", "timestamp": 1782900000000, "message": json.dumps(AUDIT_EVENT)}
    batch = {"messageType": "DATA_MESSAGE", "owner": "1", "logEvents": [message, message, {"id": "2"}]}
    control = {
        "messageType": "CONTROL_MESSAGE",
        "logEvents": [{"message": "CWL CONTROL MESSAGE: Checking health"}],
    }
    parsed = parse_bytes((json.dumps(batch) + json.dumps(control)).encode())
    assert (parsed.records, parsed.kept, parsed.noise) == (4, 2, 1)
    assert parsed.quarantined == [
        (1, 0, "not a log event: Object missing required field `message` (unreadable item 1)")
    ]


def test_a_page_of_check_runs_is_unwrapped() -> None:
    assert parse_bytes(json.dumps({"total_count": 2, "check_runs": [CHECK, CHECK]}).encode()).kept == 2


def test_a_firehose_object_of_many_values_without_line_feeds_is_read_in_linear_time() -> None:
    message = json.dumps({"messageType": "DATA_MESSAGE", "logEvents": [{"message": json.dumps(AUDIT_EVENT)}]})
    parsed = parse_bytes(message.encode() * 6000)
    assert (parsed.records, parsed.kept) == (6000, 6000)


@pytest.mark.parametrize(
    ("data", "key", "reason"),
    [
        (b"", "a.log", "the object is empty"),
        (GOOD, "a.log.gz", "not gzip, though its name ends in .gz"),
        (lzma.compress(GOOD), "a.log", "xz is not read"),
        (gzip.compress(b"", mtime=0), "a.log.gz", None),
    ],
)
def test_whole_objects_that_can_not_be_read(data: bytes, key: str, reason: str | None) -> None:
    parsed = parse_bytes(data, Context("s", key, cluster="prod"))
    assert parsed.quarantined == ([] if reason is None else [(1, 0, reason)])
    assert parsed.rows == {}


@pytest.mark.parametrize(
    ("tail", "reason"),
    [
        (b"garbage", "something that is not gzip follows the gzip data"),
        (b"\x1f", "something that is not gzip follows the gzip data"),
        (gzip.compress(GOOD, mtime=0)[:30], "the gzip data is cut off"),
    ],
)
def test_what_follows_whole_gzip_data_costs_one_record(tail: bytes, reason: str) -> None:
    parsed = parse_bytes(gzip.compress(GOOD * 3, mtime=0) + tail)
    assert parsed.kept == 3
    assert [(number, why) for number, _, why in parsed.quarantined] == [(4, reason)]


def test_a_wrong_checksum_is_told_after_everything_was_read() -> None:
    data = bytearray(gzip.compress(GOOD * 3, mtime=0))
    data[-6] ^= 1
    parsed = parse_bytes(bytes(data))
    assert parsed.kept == 3
    assert parsed.quarantined == [(4, 3 * len(GOOD), "the gzip data is damaged: incorrect data check")]


def test_a_record_longer_than_allowed_costs_one_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_RECORD", 2 << 20)
    monkeypatch.setattr(records, "BLOCK", 1 << 16)
    parsed = parse_bytes(GOOD + lines(AUDIT_EVENT | {"annotations": {"x": "y" * (5 << 20)}}) + GOOD)
    assert parsed.kept == 2
    assert parsed.quarantined == [(2, len(GOOD), "longer than 2 MiB")]


def test_a_decompression_bomb_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompress, "RATIO_FROM", 4 << 20)
    parsed = parse_bytes(gzip.compress(GOOD + b" " * (32 << 20), 9))
    assert parsed.kept == 1
    assert [why for _, _, why in parsed.quarantined] == ["it decompresses to more than 1000 times its size"]
    monkeypatch.setattr(decompress, "MAX_UNCOMPRESSED", 2 << 20)
    assert "GiB" in parse_bytes(gzip.compress(b" " * (32 << 20))).quarantined[0][2]


@pytest.mark.parametrize("where", ["auditID", "requestObject"])
def test_bytes_that_are_not_utf8_are_refused_even_in_fields_that_are_not_read(where: str) -> None:
    line = json.dumps(AUDIT_EVENT | {where: "@"}).encode().replace(b'"@"', b'"\xff"') + b"\n"
    assert parse_bytes(line + GOOD).quarantined == [(1, 0, "not UTF-8")]


def test_records_of_several_formats_in_one_object_are_each_recognised() -> None:
    parsed = parse_bytes(lines(AUDIT_EVENT, PULL, AUDIT_EVENT, ACTIVITY, {"hello": "world"}))
    assert parsed.formats == {"kubernetes-audit", "github-pulls", "github-activity"}
    assert parsed.quarantined[0][2] == "no known format"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (PULL, "not a kubernetes-audit record: Object missing required field `auditID`"),
        ({"kind": 0}, "not a kubernetes-audit record: Object missing required field `auditID`"),
        (7, "not a kubernetes-audit record: Expected `object`, got `int`"),
    ],
)
def test_where_the_settings_name_a_format_nothing_else_is_read(record: Any, reason: str) -> None:
    parsed = parse_bytes(lines(record, AUDIT_EVENT), format="kubernetes-audit")
    assert parsed.kept == 1
    assert parsed.quarantined == [(1, 0, reason)]


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(UsageError, match="format 'excel' is not known"):
        parse_bytes(GOOD, CONTEXT, format="excel")


def test_coverage_counts_every_record_by_hour_noise_included() -> None:
    times = ["2026-07-01T09:59:59Z", "2026-07-01T10:00:00Z", "2026-07-01T09:10:00Z"]
    noisy = AUDIT_EVENT | {
        "user": {"username": "system:node:a"},
        "userAgent": "kubelet/v1.33.1",
        "verb": "get",
    }
    parsed = parse_bytes(lines(*(noisy | {"requestReceivedTimestamp": time} for time in times)))
    assert parsed.noise == 3
    assert {
        hour.isoformat(): (count, first.isoformat(), last.isoformat())
        for (_, hour), (count, first, last) in parsed.coverage.items()
    } == {
        "2026-07-01T09:00:00+00:00": (2, "2026-07-01T09:10:00+00:00", "2026-07-01T09:59:59+00:00"),
        "2026-07-01T10:00:00+00:00": (1, "2026-07-01T10:00:00+00:00", "2026-07-01T10:00:00+00:00"),
    }


def test_coverage_counts_each_format_by_itself() -> None:
    """What one log tells of an hour is no record of another log's."""
    audited = [AUDIT_EVENT | {"requestReceivedTimestamp": f"2026-07-01T09:{at}:00Z"} for at in (10, 50)]
    parsed = parse_bytes(lines(audited[0], ACTIVITY, audited[1]))
    assert {name: count for (name, _), (count, _, _) in parsed.coverage.items()} == {
        "kubernetes-audit": 2,
        "github-activity": 1,
    }


def test_rows_name_the_bytes_they_come_from() -> None:
    import hashlib

    row = parse_bytes(GOOD).rows["cluster_access"][0]
    assert (row["evidence"], row["line"]) == (hashlib.sha256(GOOD).hexdigest(), 1)


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_marks_between_records_are_space_and_zeros_cost_one_record(size: int) -> None:
    """Files with a mark of their own that were put together, JSON text sequences, and a file emptied while it was written."""
    mark, zeros = b"\xef\xbb\xbf", b"\0" * 5000
    data = mark + GOOD + mark + GOOD + b"\x1e" + GOOD + zeros + GOOD + zeros
    found = list(records.Splitter(data[start : start + size] for start in range(0, len(data), size)))
    assert [record.data for record in found if record.reason is None] == [GOOD.strip()] * 4
    after = len(GOOD + mark) * 2 + len(b"\x1e" + GOOD)
    assert [
        (record.number, record.offset, record.reason) for record in found if record.reason is not None
    ] == [
        (4, after, "5,000 zero bytes, where nothing was written"),
        (6, after + 5000 + len(GOOD), "5,000 zero bytes, where nothing was written"),
    ]


@pytest.mark.parametrize("size", [1, 3, 7, 1 << 20])
def test_a_hole_that_cuts_a_record_costs_what_it_cut_and_not_what_stands_behind_it(size: int) -> None:
    """As a crash leaves it."""
    data = GOOD + GOOD[:40] + b"\0" * 9 + GOOD + GOOD
    found = split(data, size)
    assert [value for _, _, value, reason in found if reason is None] == [GOOD.strip()] * 3
    assert [at for _, at, _, reason in found if reason is not None] == [len(GOOD), len(GOOD) + 40]


def test_space_costs_no_memory() -> None:
    """A state kept for each character of it would be a hundred times as large."""
    data = b" \n" * (1 << 20) + b"\xef\xbb\xbf" * (1 << 18) + b"{}"
    tracemalloc.start()
    try:
        found = list(records.Splitter(iter([data])))
        assert tracemalloc.get_traced_memory()[1] < 3 * len(data)
    finally:
        tracemalloc.stop()
    assert [record.data for record in found] == [b"{}"]


_EVENT = json.dumps(AUDIT_EVENT).encode()
_TWO_VERBS = _EVENT[:-1] + b', "verb": "get"}'
_VERB_AGAIN = _EVENT[:-1] + b', "verb": "patch"}'
_TWO_NAMES = _EVENT.replace(b'"namespace": "shop"', b'"namespace": "shop", "namespace": "default"')
_NOISE = json.dumps(AUDIT_EVENT | {"user": {"username": "system:node:n"}, "userAgent": "kubelet/v1"}).encode()


@pytest.mark.parametrize(
    ("data", "key", "kept", "quarantined"),
    [
        (_TWO_VERBS, "verb", 0, 1),
        (_TWO_NAMES, "namespace", 0, 1),
        (b"\n".join([_EVENT] * 3 + [_TWO_NAMES, _EVENT]) + b"\n", "namespace", 4, 1),
        (json.dumps({"log": _TWO_VERBS.decode(), "stream": "stdout", "time": "2026-07-01T09:00:00Z"}).encode(), "verb", 0, 1),
        (_TWO_VERBS.replace(b": ", b" :  "), "verb", 0, 1),
        (_EVENT[:-1] + b', "requestObject": {"data": "' + b"x" * (2 << 20) + b'", "a": 1, "a": 2}}', "a", 0, 1),
        (_EVENT[:-1] + rb', "requestURI": "/a\u0026b", "requestURI": "/a"}', "requestURI", 0, 1),
        (_VERB_AGAIN, "", 1, 0),
        (_EVENT[:-1] + rb', "requestObject": {"a": [1, {"b": 1e2, "b": 1e2}]}}', "", 1, 0),
        (_NOISE.replace(b'"patch"', b'"delete"')[:-1] + b', "verb": "get"}', "", 0, 0),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_a_key_with_two_values_is_refused_where_it_gives_rows(
    data: bytes, key: str, kept: int, quarantined: int
) -> None:
    """Readers of the same bytes would differ; a key that stands twice with one value says one thing."""
    for format in ("auto", "kubernetes-audit") if b'"log"' not in data else ("auto",):
        parsed = parse_bytes(data, format=format)
        assert (parsed.kept, len(parsed.quarantined)) == (kept, quarantined)
        assert all(
            f"it has the key '{key}' twice, with two values" in why for _, _, why in parsed.quarantined
        )


@pytest.mark.parametrize("size", [0, 1 << 17, 2 << 20])
def test_values_with_each_key_once_contradict_nothing(size: int) -> None:
    value = {
        "a": [1.5, -0.0, 10**30, None, True],
        "é\u2028": {"a": {"a": "\t😀"}},
        "long": "x" * size,
    }
    for data in (json.dumps(value), json.dumps(value, ensure_ascii=False), json.dumps(value, indent=2)):
        assert contradiction(f" {data}\n".encode()) is None
    assert contradiction(b"[" * 100_000 + b"]" * 100_000) == "nested too deep"
