"""Connections over which objects are asked for, and their answers: of HTTP/1.1 only what a plain answer needs.

An answer is taken when it is a 200 with one Content-Length and no Transfer-Encoding; everything else is `Unusual`, and
its connection is closed: who asked has a complete client for it.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_HEAD = 1 << 16  # bytes that status and headers have together, at most
_FIRST = 1 << 14  # bytes asked for at first: hardly more than these, as what comes behind them is copied


class Unusual(Exception):
    """The answer is not a plain one, or none came."""


class Body:
    """The bytes of one answer. As `botocore.response.StreamingBody`, so far as it is used."""

    def __init__(self, sock: socket.socket, begun: memoryview, length: int, done: Callable[[], None]) -> None:
        """Args: sock, from which they come; begun, those that came with the headers; length, of all; done, called
        once all were read.
        """
        self._sock = sock
        self._begun = begun
        self._left = length
        self._done = done

    def readinto(self, buffer: memoryview) -> int:
        """Puts the next bytes into a buffer; returns how many: 0 at the end, or where they broke off.

        Raises:
            OSError: the connection failed.
        """
        if self._left == 0:
            return 0
        if self._begun:
            got = min(len(self._begun), len(buffer))
            buffer[:got] = self._begun[:got]
            self._begun = self._begun[got:]
        else:
            got = self._sock.recv_into(buffer, min(len(buffer), self._left))
        self._left -= got
        if self._left == 0:
            self._done()
        return got

    def close(self) -> None:
        """Gives the connection up, unless all was read: then it serves others."""
        if self._left:
            self._sock.close()


@dataclass(frozen=True)
class Answer:
    """A plain answer.

    Attributes:
        headers: by name, in small letters.
        body: its bytes.
    """

    headers: Mapping[str, str]
    body: Body


class Wires:
    """Connections to one server, each used again once its answer was read. Safe to use from several threads."""

    def __init__(self, connect: Callable[[], socket.socket]) -> None:
        """Args: connect, opens one."""
        self._connect = connect
        self._free: deque[socket.socket] = deque()

    def ask(self, request: bytes) -> Answer:
        """Sends a request and reads the answer's head.

        Raises:
            Unusual: see above.
            OSError: the connection failed, or timed out.
        """
        try:
            sock = self._free.pop()
        except IndexError:
            sock = self._connect()
        try:
            sock.sendall(request)
            head, begun = _head(sock)
            headers = _headers(head)
            length = _length(headers)
            if len(begun) > length:
                raise Unusual("more came than was told")
        except BaseException:
            sock.close()
            raise

        def done() -> None:
            if headers.get("connection", "").lower() == "close":
                sock.close()
            else:
                self._free.append(sock)

        if length == 0:
            done()
        return Answer(headers, Body(sock, begun, length, done))


def _head(sock: socket.socket) -> tuple[bytes, memoryview]:
    """Status and headers, and what came behind them."""
    buffer = bytearray(_HEAD)
    view, filled, wanted = memoryview(buffer), 0, _FIRST
    while filled < _HEAD:
        got = sock.recv_into(view[filled : filled + wanted])
        if got == 0:
            break
        end = buffer.find(b"\r\n\r\n", max(0, filled - 3), filled + got)
        filled += got
        if end >= 0:
            return bytes(view[:end]), view[end + 4 : filled]
    raise Unusual("no whole answer came")


def _headers(head: bytes) -> dict[str, str]:
    status, *lines = head.decode("latin-1").split("\r\n")
    if not status.startswith("HTTP/1.1 200"):
        raise Unusual(status)
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or name in headers or not name.strip() or name != name.strip():
            raise Unusual(line)
        headers[name] = value.strip()
    return headers


def _length(headers: Mapping[str, str]) -> int:
    length = headers.get("content-length", "")
    if "transfer-encoding" in headers or not (length.isascii() and length.isdecimal()):
        raise Unusual("its length is not told")
    return int(length)
