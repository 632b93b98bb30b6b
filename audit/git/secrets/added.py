"""What a commit added to a file, as text for the scanner.

A line is added when its text was nowhere in the file before: lines that were only moved add nothing. Some lines
around it are kept, so that what spans several lines (a private key between lines that stay) is seen whole, and
everything else is left out; line numbers stay those of the file after the commit. A renamed file is compared with
what it was under its old name.

What the scanner can't know is made plain to it here: the ciphertext of SOPS and of SealedSecrets is no secret, and a
private key is the same however far it is indented.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

import yaml

from audit.git.contents import Unreadable
from audit.git.secrets import nodes

CONTEXT = 3
"""Lines kept on each side of an added line."""

PIECE = 90_000
"""Bytes of the largest piece given to the scanner at once: it looks at 100 kB at a time and may cut a secret there."""

OVERLAP = 8_000
"""Bytes at the end of a piece that the next one repeats, so that a secret is whole in one of them."""

_SOPS = re.compile(
    rb"ENC\[AES256_GCM,data:[A-Za-z0-9+/=]*,iv:[A-Za-z0-9+/=]+,tag:[A-Za-z0-9+/=]+,type:[a-z]+\]"
)
_SEALED = re.compile(rb"SealedSecret")
_SEALED_VALUE = re.compile(rb"[A-Za-z0-9+/]{100,}={0,2}")
_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[^\n]*\n(?:[ \t]+[^\n]*\n){1,500}?[ \t]+-----END")
_INDENT = re.compile(rb"\n[ \t]+")
_NOTHING = b"null"  # what no rule takes for a secret
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Text(NamedTuple):
    """A piece of a file for the scanner.

    Attributes:
        first: number of its first line in the file.
        added: numbers of the lines that the commit added; None for all of the file's.
    """

    data: bytes
    first: int
    added: frozenset[int] | None


def texts(new: bytes, old: bytes | None) -> Iterator[Text]:
    """What is new in a file, in pieces; nothing when no line is.

    Args:
        new: the file after the commit.
        old: the file before it, under its name then; None when it was not there.
    """
    lines = sealed(_unlocked(plain(new))).split(b"\n")
    added: frozenset[int] | None = None
    if old is not None:
        known = set(_unlocked(plain(old)).split(b"\n"))
        added = frozenset(number for number, line in enumerate(lines, 1) if line not in known)
        if not added:
            return
        lines = _kept(lines, added)
    for first, data in pieces(_straight(b"\n".join(lines))):
        yield Text(data, first, added)


def plain(raw: bytes) -> bytes:
    """UTF-16 as UTF-8, when it says so by its first bytes; anything else as it is, binary files too."""
    return raw.decode("utf-16", "replace").encode() if raw.startswith(_UTF16) else raw


def sealed(raw: bytes) -> bytes:
    """A file without the ciphertext of the SealedSecrets in it; as it is when it can't be read as YAML."""
    if not nodes.mentions(raw, _SEALED, b"SealedSecret"):
        return raw
    try:
        found = list(nodes.objects(nodes.compose(raw)))
    except Unreadable:
        return raw
    lines = raw.split(b"\n")
    for each in found:
        if each.kind == "SealedSecret":
            for item in nodes.items(nodes.at(each.node, "spec", "encryptedData")):
                _mask(lines, item.value)
    return b"\n".join(lines)


def _mask(lines: list[bytes], value: yaml.Node) -> None:
    for number in range(value.start_mark.line, min(value.end_mark.line + 1, len(lines))):
        lines[number] = _SEALED_VALUE.sub(_NOTHING, lines[number])


def _kept(lines: list[bytes], added: frozenset[int]) -> list[bytes]:
    """Added lines and those around them; the others empty, and a gap begins with a sign that nothing spans."""
    wanted = {near for number in added for near in range(number - CONTEXT, number + CONTEXT + 1)}
    kept, gap = [], False
    for number, line in enumerate(lines, 1):
        if number in wanted:
            kept.append(line)
        else:
            kept.append(b"" if gap else b"#")
        gap = number not in wanted
    return kept


def _unlocked(raw: bytes) -> bytes:
    """A file without the ciphertext of SOPS in it."""
    return _SOPS.sub(_NOTHING, raw) if b"ENC[AES256_GCM" in raw else raw


def _straight(data: bytes) -> bytes:
    """Text with private keys against the margin."""
    return _KEY.sub(_unindented, data) if b"PRIVATE KEY" in data else data


def _unindented(match: re.Match[bytes]) -> bytes:
    return _INDENT.sub(b"\n", match[0])


def pieces(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Overlapping parts with the number of their first line, cut at line ends where lines are short enough."""
    start, first = 0, 1
    while True:
        stop = start + PIECE
        if stop < len(data):
            end = data.rfind(b"\n", start + PIECE - OVERLAP, stop)
            stop = end + 1 if end >= 0 else stop
        yield first, data[start:stop]
        if stop >= len(data):
            return
        back = data.find(b"\n", stop - OVERLAP, stop - 1)
        again = back + 1 if back >= 0 else stop - OVERLAP
        first += data.count(b"\n", start, again)
        start = again
