"""Answers of Prometheus' API to `query_range` (a matrix) and `query` (a vector or a scalar), to `metric_samples`; answers of remote read that
were written as JSON, and lines that VictoriaMetrics exports.

An answer is one record with many samples; one without any is noise. NaN and the infinities are told as such, not as
values. Thanos, Mimir and VictoriaMetrics answer alike; where a part of them did not, the answer says so, and its samples are partial.
"""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from typing import Literal

import msgspec

from audit.normalise.interface import Context, Outcome, Row, Unreadable
from audit.normalise.jsonformat import JsonFormat, is_there, names
from audit.normalise.times import parse

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|Inf|NaN)")

_Sample = tuple[float, str]


class _Series(msgspec.Struct):
    metric: dict[str, str]
    values: list[_Sample] | None = None
    value: _Sample | None = None
    histograms: msgspec.Raw = msgspec.Raw()
    histogram: msgspec.Raw = msgspec.Raw()


class _Data(msgspec.Struct):
    resultType: Literal["matrix", "vector", "scalar", "string"]
    result: msgspec.Raw


class _Label(msgspec.Struct):
    name: str = ""
    value: str = ""


class _Point(msgspec.Struct):
    """A sample of remote read; JSON of protobuf leaves zeros out, and writes large numbers and what is no number as text."""

    value: float | str = 0.0
    timestamp: int | str = 0


class _Remote(msgspec.Struct):
    labels: list[_Label] | None = None
    samples: list[_Point] | None = None
    histograms: msgspec.Raw = msgspec.Raw()


class _Read(msgspec.Struct):
    timeseries: list[_Remote] | None = None


class Answer(msgspec.Struct):
    """What the API answers; or (`results`) remote read; or (`timestamps`, in milliseconds) a series as VictoriaMetrics exports it."""

    status: Literal["success", "error"] | None = None
    data: _Data | None = None
    errorType: str | None = None
    error: str | None = None
    warnings: list[str] | None = None
    isPartial: bool = False

    results: list[_Read] | None = None

    metric: dict[str, str] | None = None
    values: list[float | str | None] | None = None
    timestamps: list[int] | None = None


_series = msgspec.json.Decoder(list[_Series])
_scalar = msgspec.json.Decoder(_Sample)


def _rows(answer: Answer, context: Context) -> Outcome:
    if answer.results is not None or answer.timestamps is not None:
        rows = _exported(answer, context.cluster)
        return Outcome(
            [("metric_samples", row) for row in rows], max((row["at"] for row in rows), default=None)
        )
    if answer.status == "error":
        raise Unreadable(f"the query failed: {answer.errorType}: {answer.error}")
    if answer.data is None:
        raise Unreadable("data is missing")
    kind = answer.data.resultType
    if kind == "string":
        raise Unreadable("a string is no time series")
    try:
        found = (
            [_Series({}, value=_scalar.decode(answer.data.result))]
            if kind == "scalar"
            else _series.decode(answer.data.result)
        )
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(f"result: {error}") from None
    except RecursionError:
        raise Unreadable("nested too deep") from None
    partial = bool(answer.warnings) or answer.isPartial
    rows = [row for series in found for row in _samples(series, context.cluster, partial=partial)]
    return Outcome([("metric_samples", row) for row in rows], max((row["at"] for row in rows), default=None))


def _exported(answer: Answer, cluster: str | None) -> list[Row]:
    """The samples of an answer of remote read, or of an exported series, in which `null` is what has no value.

    Raises:
        Unreadable: there are histograms, values that are no numbers, or more or fewer times than values.
    """
    named: list[tuple[dict[str, str], list[tuple[int | str, float | str]]]] = []
    if answer.timestamps is not None:
        values = ["NaN" if value is None else value for value in answer.values or ()]
        if answer.metric is None or len(values) != len(answer.timestamps):
            raise Unreadable("a series without as many times as values")
        named.append((answer.metric, list(zip(answer.timestamps, values, strict=True))))
    for series in (series for read in answer.results or () for series in read.timeseries or ()):
        if is_there(series.histograms):
            raise Unreadable("native histograms are not read")
        metric = {label.name: label.value for label in series.labels or ()}
        named.append((metric, [(point.timestamp, point.value) for point in series.samples or ()]))
    return [
        sample(
            cluster,
            metric.get("__name__", ""),
            {name: value for name, value in metric.items() if name != "__name__"},
            _milliseconds(time),
            value_of(value.replace("Infinity", "Inf")) if isinstance(value, str) else value,
        )
        for metric, points in named
        for time, value in points
    ]


def _milliseconds(time: int | str) -> datetime:
    """A time as a number of milliseconds since 1970, which may be written as text.

    Raises:
        Unreadable: it is none.
    """
    try:
        return parse(int(time) / 1000)
    except (ValueError, OverflowError):
        raise Unreadable(f"not a time in milliseconds: {str(time)[:40]!r}") from None


def _samples(series: _Series, cluster: str | None, *, partial: bool) -> list[Row]:
    """The samples of one series.

    Raises:
        Unreadable: it has none, or histograms, or a value that is no number.
    """
    if is_there(series.histograms) or is_there(series.histogram):
        raise Unreadable("native histograms are not read")
    samples = series.values if series.values is not None else [series.value] if series.value else None
    if samples is None:
        raise Unreadable("a series without values")
    labels = {name: value for name, value in series.metric.items() if name != "__name__"}
    metric = series.metric.get("__name__", "")
    return [
        sample(cluster, metric, labels, parse(time), value_of(text), partial=partial)
        for time, text in samples
    ]


def sample(
    cluster: str | None,
    metric: str,
    labels: dict[str, str],
    at: datetime,
    value: float,
    *,
    partial: bool = False,
) -> Row:
    """A row of `metric_samples`."""
    return {
        "cluster": cluster,
        "metric": metric,
        "labels": json.dumps(labels, sort_keys=True, ensure_ascii=False),
        "at": at,
        "value": value if math.isfinite(value) else None,
        "special": _special(value),
        "partial": partial,
    }


def value_of(text: str) -> float:
    """A value as Prometheus writes it.

    Raises:
        Unreadable: it is none.
    """
    if not _NUMBER.fullmatch(text):
        raise Unreadable(f"not a value: {text[:40]!r}")
    return float(text)


def _special(value: float) -> str | None:
    """The name of what is no finite number."""
    if math.isfinite(value):
        return None
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _looks(record: bytes) -> bool:
    if b'"timeseries"' in record and b'"samples"' in record:
        return names(record) == {"results"}
    if b'"timestamps"' in record and b'"metric"' in record:
        return names(record) == {"metric", "values", "timestamps"}
    if b'"resultType"' not in record and b'"errorType"' not in record:
        return False
    found = names(record)
    return {"status", "data"} <= found or {"status", "errorType", "error"} <= found


FORMAT = JsonFormat("prometheus-query", 3, ("metric_samples",), Answer, _rows, _looks)
