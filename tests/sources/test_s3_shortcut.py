"""Past botocore comes what comes through it: the same bytes, versions, locks and failures; what is unusual is left to it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from audit.settings import S3
from audit.sources.interface import Changed, Content, Interrupted, Listed, Unreadable
from audit.sources.origins import s3_client
from audit.sources.s3 import Bucket
from audit.sources.wire import Unusual, Wires

pytestmark = pytest.mark.usefixtures("as_auditor")


def _bucket(endpoint_url: str, location: str) -> tuple[Bucket, list[str]]:
    """A bucket, and the addresses that botocore itself asks for objects."""
    client = s3_client(S3.model_validate({"endpoint_url": endpoint_url, "attempts": 1}))
    through_botocore: list[str] = []
    client.meta.events.register(
        "before-send.s3.GetObject", lambda request, **_: through_botocore.append(request.url)
    )
    return Bucket("logs", location, client, attempts=1), through_botocore


def _bytes(content: Content) -> bytes:
    return b"".join(content.chunks)


KEYS = (
    "plain",
    "nl\nx",
    "tab\t",
    "ünïcode",
    " space +%41&=?#",
    "-rf",
    "a..b",
    "~",
    "a=b;c,d:e@f!$'()*",
    "k" * 200,
)


def _body(key: str) -> bytes:
    return key.encode() * (1_200_000 // len(key.encode()))


@pytest.mark.parametrize("bucket", ["audit", "plain"])
def test_only_the_first_object_goes_through_botocore(s3_server: Any, bucket: str) -> None:
    """With any key, of a version or without; again and again."""
    for key in KEYS:
        s3_server.admin().put_object(Bucket=bucket, Key=f"shortcut/{key}", Body=_body(key))
    origin, asked = _bucket(s3_server.endpoint_url, f"s3://{bucket}/shortcut")
    objects = origin.listing().objects
    for _ in range(2):
        contents = [origin.read(listed) for listed in objects]  # all open at once
        assert {_bytes(content) for content in contents} == {_body(key) for key in KEYS}
    assert len(asked) == 1
    assert [content.version_id for content in contents] == [listed.version_id for listed in objects]
    assert all(content.checksum.startswith("CRC") and content.verified for content in contents)


def test_locks_are_told_as_botocore_tells_them(s3_server: Any) -> None:
    for key in "ab":
        s3_server.admin().put_object(
            Bucket="locked", Key=f"shortcut/{key}", Body=b"1", ObjectLockMode="GOVERNANCE",
            ObjectLockRetainUntilDate=datetime(2040, 1, 1, tzinfo=UTC), ObjectLockLegalHoldStatus="ON",
        )  # fmt: skip
    origin, asked = _bucket(s3_server.endpoint_url, "s3://locked/shortcut")
    told = [origin.read(listed).retention for listed in origin.listing().objects]
    assert told == ["GOVERNANCE until 2040-01-01T00:00:00Z, legal hold"] * 2
    assert len(asked) == 1


def test_an_object_that_was_replaced_is_asked_for_again_by_botocore_which_says_so(s3_server: Any) -> None:
    for key in "ab":
        s3_server.admin().put_object(Bucket="plain", Key=f"shortcut-moving/{key}", Body=b"listed")
    origin, asked = _bucket(s3_server.endpoint_url, "s3://plain/shortcut-moving")
    first, second = origin.listing().objects
    assert _bytes(origin.read(first)) == b"listed"
    s3_server.admin().put_object(Bucket="plain", Key="shortcut-moving/b", Body=b"later!")
    with pytest.raises(Changed):
        origin.read(second)
    assert len(asked) == 2


BODY = b"x" * 70_000
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n" + BODY
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n11170\r\n" + BODY + b"\r\n0\r\n\r\n"
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
CUT = PLAIN[:-30_000]


@contextlib.contextmanager
def _answering(*answers: bytes) -> Iterator[tuple[str, list[socket.socket]]]:
    """A server that gives one answer after the other, the last one again and again; and the connections that were made.
    It hangs up where an answer is cut."""
    connections: list[socket.socket] = []
    left = list(answers)

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            connections.append(self.request)

        def do_GET(self) -> None:
            answer = left.pop(0) if len(left) > 1 else left[0]
            self.wfile.write(answer)
            self.close_connection = answer == CUT

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", connections
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "unusual", [CHUNKED, REFUSED, b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy"]
)
def test_what_is_not_plain_is_left_to_botocore(unusual: bytes) -> None:
    """It asks again, and gets a plain answer here."""
    with _answering(PLAIN, unusual, PLAIN) as (url, _):
        origin, asked = _bucket(url, "s3://audit/logs")
        for _ in range(2):
            assert _bytes(origin.read(Listed("a", len(BODY)))) == BODY
    assert len(asked) == 2


def test_what_botocore_is_refused_too_is_told(s3_server: Any) -> None:
    with _answering(PLAIN, REFUSED) as (url, _):
        origin, _ = _bucket(url, "s3://audit/logs")
        assert _bytes(origin.read(Listed("a", len(BODY)))) == BODY
        with pytest.raises(Unreadable, match="access to the object is denied"):
            origin.read(Listed("a", len(BODY)))


def test_bytes_that_break_off_are_told_and_the_connection_is_given_up() -> None:
    with _answering(PLAIN, PLAIN, CUT, PLAIN) as (url, connections):
        origin, asked = _bucket(url, "s3://audit/logs")
        for _ in range(2):
            assert _bytes(origin.read(Listed("a", len(BODY)))) == BODY
        with pytest.raises(Interrupted, match="broke off after 40000 of 70000 bytes"):
            _bytes(origin.read(Listed("a", len(BODY))))
        assert _bytes(origin.read(Listed("a", len(BODY)))) == BODY
    assert len(asked) == 1
    assert len(connections) == 3  # botocore's, the one that was used twice, and one after it


def test_nothing_goes_past_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with _answering(PLAIN) as (url, connections):
        monkeypatch.setenv("HTTP_PROXY", url)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.delenv("no_proxy", raising=False)
        origin, asked = _bucket("http://s3.invalid", "s3://audit/logs")
        for _ in range(2):
            assert _bytes(origin.read(Listed("a", len(BODY)))) == BODY
    assert len(asked) == 2
    assert len(connections) == 1


@pytest.mark.parametrize(
    "head",
    [
        b"", b"HTTP/1.1 200 OK", b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n folded\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000 + b"\r\nContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)  # fmt: skip
def test_answers_that_are_not_plain(head: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        threading.Thread(target=_send, args=(theirs, head)).start()
        with pytest.raises(Unusual):
            Wires(lambda: ours).ask(b"GET / HTTP/1.1\r\n\r\n")
        assert ours.fileno() == -1  # closed


def _send(sock: socket.socket, head: bytes) -> None:
    with contextlib.suppress(OSError):  # it may have been closed as soon as it was seen what it is
        sock.sendall(head)
        sock.shutdown(socket.SHUT_WR)
