"""Lines that begin with a time: of container runtimes (CRI), exports of CloudWatch Logs, files of Fluentd, Go's log,
logcli, Logstash; of syslog, where JSON stands in them; and of `kubectl logs --prefix`, which begin with the pod."""

from __future__ import annotations

import re

from audit.normalise import logfmt
from audit.normalise.envelopes.shape import Contents, Top, as_object
from audit.normalise.interface import Unreadable
from audit.normalise.records import GO_STAMP, NAMED, STAMP
from audit.normalise.values import is_value

_CRI = re.compile(STAMP.pattern + rb"(?:stdout|stderr) ([FP])(?::\S*)? ?(.*)", re.DOTALL)
_TAGGED = re.compile(STAMP.pattern.removesuffix(rb"[ \t]") + rb"\t[^\t]*\t(.*)", re.DOTALL)
_EXPORTED = re.compile(STAMP.pattern + rb"(.*)", re.DOTALL)
_LABELLED = re.compile(
    STAMP.pattern + rb"\{(?:[A-Za-z_]\w*=\"(?:[^\"\\]|\\.)*\"(?:, ?|(?=\})))*\} ?(.*)", re.DOTALL
)
_TAG = rb"[^\s:\[{]+(?:\[\d+\])?:? (?:@cee: ?)?"
_HOSTED = re.compile(
    STAMP.pattern + rb"(?:%\{host\}|\{[^{}\n]*\}|[A-Za-z0-9][\w.-]*) (?:" + _TAG + rb")?(\{.*)", re.DOTALL
)
_SYSLOG = re.compile(
    rb"(?:<\d{1,3}>1 (?:\S+ ){5}(?:-|\[[^\n]*?\]) (?:\xef\xbb\xbf)?(?:@cee: ?)?"
    rb"|(?:<\d{1,3}>)?[A-Z][a-z]{2} [ 0-3]\d \d\d:\d\d:\d\d(?:\.\d+)? \S+ " + _TAG + rb")(\{.*)",
    re.DOTALL,
)
_POD = re.compile(rb"\[pod/[^\]/\s]{1,253}/[^\]\s]{1,253}\] (.*)", re.DOTALL)
_NAMED = re.compile(rb"(?:" + NAMED.pattern + rb")([{\[].*)", re.DOTALL)
_STAMPS = 4  # a line of a program may begin with its own time behind that of the runtime
_GO = re.compile(GO_STAMP.pattern + rb"(.*)", re.DOTALL)


def stamped(value: bytes) -> bool:
    """Whether `value` begins with a time and a space."""
    return STAMP.match(value) is not None or GO_STAMP.match(value) is not None


def opened(value: bytes) -> tuple[str, Contents] | None:
    """What stands behind the time, the parts of a CRI line put together; None where no line begins with a time."""
    parts = [_CRI.fullmatch(line) for line in value.split(b"\n")]
    matched = [part for part in parts if part is not None]
    if len(matched) == len(parts):
        if matched[-1][1] != b"F":
            return "cri", Contents(failed=["a part of a line whose end does not follow"])
        return "cri", Contents([b"".join(part[2] for part in matched)])
    for name, shape in (
        ("loki", _LABELLED),
        ("syslog", _SYSLOG),
        ("logstash-line", _HOSTED),
        ("kubectl", _POD),
    ):
        found = shape.fullmatch(value)
        if found is not None and (shape in (_LABELLED, _POD) or is_value(found[1])):
            return name, Contents([found[1]])
    for name, shape in (("fluentd", _TAGGED), ("cloudwatch-export", _EXPORTED), ("go-log", _GO)):
        found = shape.fullmatch(value)
        if found is not None:
            return name, Contents([found[1]])
    return None


def named(value: bytes) -> tuple[str, Contents] | None:
    """The JSON that stands behind the name of a node, pod or tag, in a line of a file; None where none does."""
    found = _NAMED.fullmatch(value)
    if found is None:
        return None
    held = is_value(found[1])
    why = "not JSON: what stands behind the name that the line begins with"
    return "named-line", Contents([found[1]]) if held else Contents(failed=[why])


def members(line: bytes) -> Top | None:
    """What a line says, be it JSON or logfmt, behind a time or not; None when it is neither."""
    for _ in range(_STAMPS):
        line = line.strip()
        if line[:1] == b"{":
            return as_object(line)
        if logfmt.begins(line):
            try:
                return as_object(logfmt.to_json(line))
            except Unreadable:
                return None
        found = opened(line)
        if found is None or len(found[1].items) != 1:
            return None
        (line,) = found[1].items
    return None
