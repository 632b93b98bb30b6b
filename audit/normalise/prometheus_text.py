"""Samples as text, a line each, to `metric_samples`: what `promtool tsdb dump` prints, and OpenMetrics with times.

Comments, which tell of metrics and not of samples, are noise. A sample without a time proves nothing, and is refused.
"""

from __future__ import annotations

import re

from audit.normalise.interface import Context, Outcome, Unreadable
from audit.normalise.prometheus_query import sample, value_of
from audit.normalise.samples import SAMPLE
from audit.normalise.times import parse

_NAME = "__name__"
_COMMENT = re.compile(rb"#(?:[ \t]|$)")
_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*|"(?:[^"\\]|\\.)*")="((?:[^"\\]|\\.)*)"(?:,[ \t]*|(?=\}))')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"(?:,[ \t]*|(?=\}))')
_METRIC = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_REST = re.compile(r"[ \t]+(?P<value>\S+)(?:[ \t]+(?P<time>-?[0-9.]+))?(?:[ \t]+#.*)?[ \t]*")
_ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}


class _Text:
    """The format; its records are lines."""

    name = "prometheus-text"
    version = 2
    tables: tuple[str, ...] = ("metric_samples",)

    def recognises(self, record: bytes) -> bool:
        """Whether it begins as a sample or a comment does."""
        return SAMPLE.match(record) is not None

    def read(self, record: bytes, context: Context) -> Outcome:
        """The sample of a line.

        Raises:
            Unreadable: it is none, has no time, or is a native histogram.
        """
        if _COMMENT.match(record):
            return Outcome([], None)
        try:
            text = record.decode()
        except UnicodeDecodeError:
            raise Unreadable("not UTF-8") from None
        found = _METRIC.match(text)
        metric, position = (found[0], found.end()) if found is not None else ("", 0)
        labels, position = _labels(text, position) if text[position : position + 1] == "{" else ({}, position)
        rest = _REST.fullmatch(text, position)
        if rest is None:
            raise Unreadable("not a sample: a value and a time are missing after its labels")
        if rest["time"] is None:
            raise Unreadable("a sample without a time: ask for it by query_range, or take a dump")
        at = parse(rest["time"])
        metric = labels.pop(_NAME, metric)
        row = sample(context.cluster, metric, labels, at, value_of(rest["value"]))
        return Outcome([("metric_samples", row)], at)


def _labels(text: str, position: int) -> tuple[dict[str, str], int]:
    """The labels that stand in braces from `position`, and where they end."""
    labels: dict[str, str] = {}
    position += 1
    while text[position : position + 1] != "}":
        named = _QUOTED.match(text, position) if not labels else None
        if (
            named is not None
        ):  # the metric's own name, first and in quotes, where it has letters that others have not
            labels[_NAME] = _unescaped(named[1])
            position = named.end()
            continue
        label = _LABEL.match(text, position)
        if label is None:
            raise Unreadable(f"not a label at character {position}")
        name = label[1].strip('"')
        if name in labels:
            raise Unreadable(f"the label {name[:40]!r} twice")
        labels[name] = _unescaped(label[2])
        position = label.end()
    return labels, position + 1


def _unescaped(text: str) -> str:
    return re.sub(r"\\.", lambda found: _ESCAPES.get(found[0], found[0]), text)


FORMAT = _Text()
