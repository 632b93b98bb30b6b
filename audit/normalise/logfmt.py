"""Lines of logfmt (`key=value key="a value"`), as programs in Go write their logs, to the JSON objects that they mean."""

from __future__ import annotations

import json
import re

from audit.normalise.interface import Unreadable

_PAIR = re.compile(r'([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?:[ \t]+|$)')
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_OTHER = {"a": "\\u0007", "v": "\\u000b", "'": "'"}  # escapes of Go that JSON lacks
_START = re.compile(rb"(?:time|ts|level|t|msg)=")


def begins(line: bytes, position: int = 0) -> bool:
    """Whether a line that starts there can only be logfmt: it begins with what a log's lines begin with."""
    return _START.match(line, position) is not None


def to_json(line: bytes) -> bytes:
    """The line as a JSON object of texts.

    Raises:
        Unreadable: it is no logfmt, names a key twice or quotes a value as Go does not.
    """
    try:
        text = line.decode().strip()
    except UnicodeDecodeError:
        raise Unreadable("not UTF-8") from None
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        pair = _PAIR.match(text, position)
        if pair is None:
            raise Unreadable(f"not logfmt at character {position}")
        name, value = pair[1], pair[2]
        if name in found:
            raise Unreadable(f"logfmt with the key {name[:40]!r} twice")
        found[name] = _unquoted(value) if value.startswith('"') else value
        position = pair.end()
    return json.dumps(found).encode()


def _unquoted(value: str) -> str:
    try:
        return str(json.loads(_ESCAPE.sub(_escape, value), strict=False))
    except ValueError:
        raise Unreadable("a value that is not quoted as Go quotes it") from None


def _escape(found: re.Match[str]) -> str:
    said = found[1]
    if said.startswith("x") and len(said) == 3:
        return f"\\u00{said[1:]}"
    if said.startswith("U") and len(said) == 9 and int(said[1:], 16) <= 0x10FFFF:
        return json.dumps(chr(int(said[1:], 16)))[1:-1]
    return _OTHER.get(said, found[0])
