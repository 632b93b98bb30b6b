"""Answers of Prometheus' remote-read API, as they came: a block of Snappy around a protobuf message of samples.

Each series is a record: the answer to `query_range` that says the same. Such an object has nothing that it begins with: its name must
end in `.snappy` or `.prompb`. Streamed chunks, which a client gets only if it asks for them, are not read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from audit.normalise.decompress import Broken
from audit.normalise.protobuf import NotProtobuf, double, fields, number, signed
from audit.normalise.records import MAX_RECORD, Record

ENDINGS = (".snappy", ".prompb")
MAX_SIZE = 512 << 20
_MOST = 64  # times that Snappy can make of its bytes, and more than it ever does
_RESULT = _SERIES = _LABEL = _NAME = _VALUE = 1  # numbers of the fields
_SAMPLE = _TEXT = _TIME = 2
_HISTOGRAM = 4


class Series:
    """The records of such an object, as `Splitter` gives those of JSON."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks

    def reject(self) -> None:
        """Never asked for: every record is whole."""

    def __iter__(self) -> Iterator[Record]:
        count = 0
        try:
            for series in _series(_content(self._blocks)):
                count += 1
                yield _record(count, series)
        except Broken as error:
            yield Record(count + 1, 0, b"", str(error), True)
        except NotProtobuf as error:
            yield Record(count + 1, 0, b"", f"not an answer of remote read: {error}", True)


def _content(blocks: Iterator[bytes]) -> bytes:
    """The message, uncompressed.

    Raises:
        Broken: it is too large, or damaged.
        NotProtobuf: it is no block of Snappy.
    """
    data = b""
    for block in blocks:
        data += block
        if len(data) > MAX_SIZE:
            raise Broken(f"an answer of more than {MAX_SIZE >> 20} MiB is not read")
    size, _ = number(data, 0)
    if size > min(MAX_SIZE, len(data) * _MOST):
        raise NotProtobuf("no block of Snappy (streamed chunks are not read)")
    try:
        return bytes(pa.Codec("snappy").decompress(data, decompressed_size=size, asbytes=True))
    except (OSError, pa.ArrowInvalid):
        raise NotProtobuf("no block of Snappy (streamed chunks are not read)") from None


def _series(message: bytes) -> Iterator[bytes]:
    for field, result in fields(message):
        if field != _RESULT or isinstance(result, int):
            raise NotProtobuf(f"field {field} is none of its own")
        for inner, series in fields(result):
            if inner != _SERIES or isinstance(series, int):
                raise NotProtobuf(f"field {inner} of a result is none of its own")
            yield series


def _record(count: int, series: bytes) -> Record:
    """A series as JSON; why not, where it can't be read."""
    metric: dict[str, str] = {}
    values: list[tuple[float, str]] = []
    try:
        for field, value in fields(series):
            if field == _HISTOGRAM:
                raise NotProtobuf("native histograms are not read")
            if field == _LABEL and isinstance(value, bytes):
                parts = {inner: part for inner, part in fields(value) if isinstance(part, bytes)}
                metric[parts.get(_NAME, b"").decode()] = parts.get(_TEXT, b"").decode()
            elif field == _SAMPLE and isinstance(value, bytes):
                values.append(_sample(value))
    except (NotProtobuf, UnicodeDecodeError) as error:
        return Record(count, 0, b"", f"not a series: {error}", True)
    result: list[dict[str, Any]] = [{"metric": metric, "values": values}]
    data = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()
    if len(data) > MAX_RECORD:
        return Record(count, 0, b"", f"a series of more than {MAX_RECORD >> 20} MiB", True)
    return Record(count, 0, data, None, True)


def _sample(message: bytes) -> tuple[float, str]:
    """Seconds since 1970, and the value as Prometheus writes it."""
    value, milliseconds = 0.0, 0
    for field, part in fields(message):
        if field == _VALUE and isinstance(part, bytes):
            value = double(part)
        elif field == _TIME and isinstance(part, int):
            milliseconds = signed(part)
    text = (
        repr(value)
        if math.isfinite(value)
        else "NaN"
        if math.isnan(value)
        else "+Inf"
        if value > 0
        else "-Inf"
    )
    return milliseconds / 1000, text
