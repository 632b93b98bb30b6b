"""What S3 vouches for by a checksum is held against the bytes that come, whichever algorithm it is."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import threading
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.settings import S3
from audit.sources.checksums import ALGORITHMS, Expected, can_be_verified, running, told
from audit.sources.interface import Interrupted, Listed
from audit.sources.origins import s3_client
from audit.sources.s3 import Bucket

BODY = b"123456789"
KNOWN = {
    "CRC64NVME": 0xAE8B14860A799888.to_bytes(8, "big"),
    "CRC32C": 0xE3069283.to_bytes(4, "big"),
    "CRC32": zlib.crc32(BODY).to_bytes(4, "big"),
    "SHA1": hashlib.sha1(BODY, usedforsecurity=False).digest(),
    "SHA256": hashlib.sha256(BODY).digest(),
}
"""Checksums of BODY: those of the CRCs' published check values."""


def written(algorithm: str, digest: bytes | None = None) -> str:
    """As S3 writes it."""
    return base64.b64encode(KNOWN[algorithm] if digest is None else digest).decode()


@contextlib.contextmanager
def serving(body: bytes, headers: dict[str, str]) -> Iterator[tuple[Bucket, list[dict[str, str]]]]:
    """A bucket whose server answers every GET with a body and headers, and what it was asked with."""
    asked: list[dict[str, str]] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            for name, value in {"Content-Length": str(len(body)), "ETag": '"e"', **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        values = {"endpoint_url": f"http://127.0.0.1:{server.server_port}", "attempts": 1}
        yield Bucket("logs", "s3://audit/logs", s3_client(S3.model_validate(values)), attempts=1), asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_published_check_values(algorithm: str) -> None:
    """Of the nine digits, in one piece and in several."""
    for pieces in ([BODY], [b"1234", b"", b"56789"]):
        one = running(algorithm)
        for piece in pieces:
            one.update(piece)
        assert one.digest() == KNOWN[algorithm]


@given(st.lists(st.binary(max_size=50), max_size=5), st.sampled_from(ALGORITHMS))
def test_bytes_may_come_in_any_pieces(pieces: list[bytes], algorithm: str) -> None:
    whole, parts = running(algorithm), running(algorithm)
    whole.update(b"".join(pieces))
    for piece in pieces:
        parts.update(piece)
    assert parts.digest() == whole.digest()
    expected = Expected(f"{algorithm}:{base64.b64encode(whole.digest()).decode()}")
    for piece in pieces:
        expected.update(piece)
    assert expected.holds()
    expected.update(b"x")
    assert not expected.holds()


@pytest.mark.usefixtures("as_auditor")
@pytest.mark.parametrize("algorithm", ALGORITHMS)
class TestOfOneServer:
    def test_bytes_of_the_checksum_are_taken_and_it_is_told(self, algorithm: str) -> None:
        with serving(BODY, {f"x-amz-checksum-{algorithm.lower()}": written(algorithm)}) as (bucket, asked):
            content = bucket.read(Listed("a", len(BODY), etag="e"))
            assert b"".join(content.chunks) == BODY
        assert (content.checksum, content.verified) == (f"{algorithm}:{written(algorithm)}", True)
        assert asked[0]["x-amz-checksum-mode"] == "ENABLED"

    def test_bytes_of_another_are_not_taken(self, algorithm: str) -> None:
        """They have the size that was listed, and one bit that was not."""
        with serving(b"123456788", {f"x-amz-checksum-{algorithm.lower()}": written(algorithm)}) as (
            bucket,
            _,
        ):
            content = bucket.read(Listed("a", len(BODY), etag="e"))
            with pytest.raises(Interrupted, match="another checksum than the server says"):
                b"".join(content.chunks)


@pytest.mark.usefixtures("as_auditor")
@pytest.mark.parametrize(
    "headers",
    [
        {"x-amz-checksum-crc32": written("CRC32", b"else") + "-3"},
        {"x-amz-checksum-crc32": written("CRC32", b"else"), "x-amz-checksum-type": "COMPOSITE"},
    ],
)
def test_a_checksum_of_parts_is_told_and_not_called_verified(headers: dict[str, str]) -> None:
    with serving(BODY, headers) as (bucket, _):
        content = bucket.read(Listed("a", len(BODY), etag="e"))
        assert b"".join(content.chunks) == BODY
    assert content.checksum.startswith("CRC32:")
    assert not content.verified
    assert not can_be_verified(content.checksum)


def test_the_strongest_of_several_counts() -> None:
    answer: dict[str, Any] = {"ChecksumCRC32": "a", "ChecksumSHA256": "b"}
    assert told(answer) == "SHA256:b"
    assert told({}) == ""
    assert not can_be_verified("")


@pytest.mark.usefixtures("as_auditor")
@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"])
def test_a_real_server_vouches_for_what_was_uploaded(s3_server: Any, algorithm: str) -> None:
    """The uploader chose the algorithm; whatever the server tells of it holds."""
    value = written(algorithm)
    client = s3_server.admin()
    arguments: dict[str, Any] = {f"Checksum{algorithm}": value}
    client.put_object(Bucket="audit", Key=f"vouched/{algorithm}", Body=BODY, **arguments)
    values = {"endpoint_url": s3_server.endpoint_url, "attempts": 1}
    bucket = Bucket("logs", "s3://audit/vouched", s3_client(S3.model_validate(values)), attempts=1)
    (listed,) = [each for each in bucket.listing().objects if each.key == algorithm]
    content = bucket.read(listed)
    assert b"".join(content.chunks) == BODY
    assert (content.checksum, content.verified) == (f"{algorithm}:{value}", True)
