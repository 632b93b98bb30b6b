"""What arrives in several parts, or several in one: Docker's long lines, Kinesis' aggregates, answers of remote read."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import math
import struct
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from evidence_records import AUDIT_EVENT, lines, parse_bytes
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.normalise import records
from audit.normalise.envelopes import kpl
from audit.normalise.interface import Context, Parsed
from audit.normalise.protobuf import NotProtobuf, fields
from audit.normalise.reader import parse

LIMIT = 16 << 10
FEW = settings(max_examples=40, deadline=None)


def long_event(size: int) -> dict[str, Any]:
    """An event whose line is longer than Docker takes at once, with text that JSON must escape."""
    return AUDIT_EVENT | {"userAgent": 'kubectl "\\n<é' + "x" * size}


def docker(text: str, stream: str = "stdout") -> list[bytes]:
    """Lines of Docker's json-file for a line of a program."""
    whole = (text + "\n").encode()
    cut = [whole[at : at + LIMIT].decode(errors="replace") for at in range(0, len(whole), LIMIT)]
    return [
        json.dumps(
            {"log": part, "stream": stream, "time": "2026-07-01T09:00:00.1Z"}, separators=(",", ":")
        ).encode()
        for part in cut
    ]


@pytest.mark.parametrize("format", ["auto", "kubernetes-audit"])
@pytest.mark.parametrize("size", [100, LIMIT - 700, LIMIT, 5 * LIMIT, 2 << 20])
def test_a_line_that_docker_cut_is_put_together(size: int, format: str) -> None:
    """Whatever it is next to; each line counts once, whatever it came in."""
    text = json.dumps(long_event(size))
    several = [
        *docker(json.dumps(AUDIT_EVENT)),
        *docker(text),
        *docker(json.dumps(AUDIT_EVENT)),
        *docker(text),
    ]
    parsed = parse_bytes(b"\n".join(several) + b"\n", format=format)
    assert (parsed.quarantined, parsed.records, parsed.kept) == ([], 4, 4)
    assert [row["line"] for row in parsed.rows["cluster_access"]] == [1, 2, 3, 4]
    assert parsed.rows["cluster_access"][1]["user_agent"] == long_event(size)["userAgent"]
    assert parsed.envelopes == {"log"}


@pytest.mark.parametrize("lost", [0, -1])
def test_a_line_of_which_a_part_is_missing_is_told_of(lost: int) -> None:
    """And costs no line beside it. (Of a part from the middle nothing tells.)"""
    parts = docker(json.dumps(long_event(3 * LIMIT)))
    del parts[lost]
    other = docker(json.dumps(AUDIT_EVENT))
    parsed = parse_bytes(b"\n".join([*other, *parts, *docker("E0701 of another", "stderr"), *other]) + b"\n")
    assert parsed.kept == 2
    assert parsed.quarantined
    assert parsed.records == parsed.kept + parsed.noise + len(parsed.quarantined)


def test_long_lines_that_nobody_cut_are_read_alone() -> None:
    """As shippers write them, that leave line feeds out."""
    text = json.dumps(long_event(LIMIT))
    every = [{"log": text, "stream": "stdout", "time": "2026-07-01T09:00:00Z"}] * 3
    assert parse_bytes(lines(*every)).kept == 3


def test_parts_without_an_end_are_passed_over_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are: none is looked at again as the beginning of those behind it."""
    monkeypatch.setattr(records, "MAX_RECORD", 1 << 20)
    part = docker("x" * 2 * LIMIT)[0] + b"\n"
    parsed = parse_bytes(part * 600 + lines(AUDIT_EVENT))
    assert parsed.kept == 1
    assert len(parsed.quarantined) == -(-600 * len(part) // ((1 << 20) + len(part)))
    assert {why for _, _, why in parsed.quarantined[:-1]} == {"longer than 1 MiB"}


def varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content % (1 << 64))
    return varint(number << 3 | 2) + varint(len(content)) + content


def aggregate(*records: bytes) -> bytes:
    message = field(1, b"key") + b"".join(field(3, field(1, 0) + field(3, each)) for each in records)
    return kpl.MARK + message + hashlib.md5(message).digest()


def kinesis(data: bytes) -> dict[str, Any]:
    return {"Data": base64.b64encode(data).decode(), "SequenceNumber": "1"}


def test_records_that_producers_put_together_are_taken_apart() -> None:
    """Compressed or not."""
    event = json.dumps(AUDIT_EVENT).encode()
    parsed = parse_bytes(lines(kinesis(aggregate(event, gzip.compress(event), event))))
    assert (parsed.records, parsed.kept, parsed.envelopes) == (3, 3, {"kinesis"})


@pytest.mark.parametrize("place", [5, 20, -1])
def test_a_damaged_aggregate_is_told_of(place: int) -> None:
    data = bytearray(aggregate(json.dumps(AUDIT_EVENT).encode()))
    data[place] ^= 1
    ((_, _, why),) = parse_bytes(lines(kinesis(bytes(data)))).quarantined
    assert "MD5" in why


def sample(value: float, milliseconds: int) -> bytes:
    return varint(1 << 3 | 1) + struct.pack("<d", value) + field(2, milliseconds)


def series(labels: dict[str, str], *samples: tuple[float, int], more: bytes = b"") -> bytes:
    named = b"".join(
        field(1, field(1, key.encode()) + field(2, value.encode())) for key, value in labels.items()
    )
    return field(1, named + b"".join(field(2, sample(*each)) for each in samples) + more)


def answer(*every: bytes) -> bytes:
    return bytes(pa.Codec("snappy").compress(field(1, b"".join(every)), asbytes=True))


def remote(data: bytes, folder: Path, key: str = "metrics/argocd.snappy") -> Parsed:
    path = folder / "object"
    path.write_bytes(data)
    return parse(path, Context("metrics", key, cluster="prod"))


LABELS = {"__name__": "argocd_app_info", "name": "wéb", "sync_status": "OutOfSync"}


@pytest.mark.parametrize("key", ["a.snappy", "a.prompb", "a.snappy.gz"])
def test_an_answer_of_remote_read_gives_its_samples(tmp_path: Path, key: str) -> None:
    """One record a series; times before 1970 and values that are no numbers too."""
    at = datetime(2026, 7, 1, 9, tzinfo=UTC)
    stamp = int(at.timestamp() * 1000)
    data = answer(
        series(LABELS, (1.0, stamp), (0.25, stamp + 30_500)),
        series(LABELS | {"name": "db"}, (math.inf, stamp), (math.nan, -1)),
    )
    parsed = remote(gzip.compress(data) if key.endswith(".gz") else data, tmp_path, key)
    assert (parsed.records, parsed.kept, parsed.quarantined, parsed.formats) == (
        2,
        2,
        [],
        {"prometheus-query"},
    )
    rows = parsed.rows["metric_samples"]
    assert [(row["metric"], row["value"], row["line"]) for row in rows[:2]] == [
        ("argocd_app_info", 1.0, 1),
        ("argocd_app_info", 0.25, 1),
    ]
    assert rows[0]["at"] == at
    assert json.loads(rows[0]["labels"])["name"] == "wéb"
    assert len(rows) == 4


def test_what_is_no_such_answer_is_refused(tmp_path: Path) -> None:
    whole = answer(series(LABELS, (1.0, 1)))
    for data, why in (
        (b"{}", "Snappy"), (b"\xff" * 20, "no number"), (whole[:-3], "Snappy"), (answer(field(9, b"x")), "none of its own"),
        (b"\xff\x06\x00\x00sNaPpY" + whole, "framed Snappy is not read"),
        (varint(1 << 40) + whole, "Snappy"),
    ):  # fmt: skip
        parsed = remote(data, tmp_path)
        assert [why in each[2] for each in parsed.quarantined] == [True], data
    histogram = series(LABELS, (1.0, 1), more=field(4, b"x"))
    parsed = remote(answer(histogram, series(LABELS, (1.0, 1))), tmp_path)
    assert (parsed.kept, len(parsed.quarantined)) == (1, 1)


@FEW
@given(st.binary(max_size=80))
def test_any_bytes_are_fields_or_refused(data: bytes) -> None:
    try:
        for number, _ in fields(data):
            assert number > 0
    except NotProtobuf:
        pass


@FEW
@given(st.data())
def test_damage_anywhere_is_told_of_or_gives_samples(data: st.DataObject) -> None:
    """Never an exception, and counts tie."""
    whole = bytearray(field(1, series(LABELS, (1.0, 1_782_900_000_000)) * 2))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        parsed = remote(pa.Codec("snappy").compress(bytes(whole), asbytes=True), Path(folder))
    assert parsed.records == parsed.kept + parsed.noise + len(parsed.quarantined)
