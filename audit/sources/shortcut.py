"""Objects read from S3 past botocore's events and parsers, which cost more than all the rest of reading a small one.

The first object of a bucket is read as ever, and what botocore sent is looked at: which address its rules led to, for
which region it signed, which headers it set. The next ones are asked for in the same way: signed by botocore's signer
with the client's credentials, sent over connections that the client makes (so with its authorities and time limits).
Whatever is unusual (another status than 200, a request that fails, a proxy, another kind of signature) is left to botocore
itself, which tries again, follows redirects, and says what is wrong.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, quote, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.utils import parse_timestamp
from urllib3.exceptions import HTTPError

from audit.sources.checksums import ALGORITHMS
from audit.sources.wire import Unusual, Wires

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=[^,]*/\d{8}/(?P<region>[a-z0-9-]+)/s3/aws4_request,")
_OF_EACH = {
    "host",    "authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "if-match",
    "amz-sdk-invocation-id", "amz-sdk-request",
}  # fmt: skip
"""Headers that are made anew for each request, or are of one attempt of botocore's."""
_OF_ALL = {"user-agent", "x-amz-checksum-mode", "x-amz-request-payer", "accept-encoding"}
"""Headers that are the same for each."""
_TOLD = {
    "x-amz-version-id": "VersionId",
    "x-amz-object-lock-mode": "ObjectLockMode",
    "x-amz-object-lock-retain-until-date": "ObjectLockRetainUntilDate",
    "x-amz-object-lock-legal-hold": "ObjectLockLegalHoldStatus",
    "x-amz-checksum-type": "ChecksumType",
    **{f"x-amz-checksum-{each.lower()}": f"Checksum{each}" for each in ALGORITHMS},
}
"""What of an answer's headers is of interest, and what botocore calls it."""


@dataclass(frozen=True)
class _Way:
    """How botocore asked for an object that it got.

    Attributes:
        server: scheme, host and port.
        host: as the header names it.
        path: under which the bucket's keys begin.
        region: that it signed for.
        headers: that are the same for each object.
        wires: connections to it.
    """

    server: str
    host: str
    path: str
    region: str
    headers: Mapping[str, str]
    wires: Wires


class Shortcut:
    """To the objects of one bucket. Safe to use from several threads."""

    def __init__(self, client: S3Client) -> None:
        """Args: client, whose credentials and ways to connect serve."""
        self._client: Any = client
        self._way: _Way | None = None
        self._sent = threading.local()
        client.meta.events.register("before-send.s3.GetObject", self._look, unique_id=f"shortcut-{id(self)}")

    def _look(self, request: Any, **_: Any) -> None:
        """Is shown what botocore sends."""
        self._sent.request = request

    def learn(self, key: str) -> None:
        """This thread has read an object through botocore: the next may be read in the same way."""
        request = getattr(self._sent, "request", None)
        if self._way is None and request is not None:
            self._way = _way(request, key, lambda server: Wires(partial(_connect, self._client, server)))

    def get(self, key: str, asked: Mapping[str, Any]) -> dict[str, Any] | None:
        """The answer to `get_object` of a key, of the names that botocore gives them: `Body` and what is told of it.
        None where botocore has to be asked.

        Args:
            asked: what `get_object` would be called with.
        """
        way = self._way
        if way is None:
            return None
        try:
            answer = way.wires.ask(self._request(way, key, asked))
        except (BotoCoreError, OSError, Unusual, AttributeError):
            return None
        told: dict[str, Any] = {
            name: answer.headers[header] for header, name in _TOLD.items() if header in answer.headers
        }
        if "ObjectLockRetainUntilDate" in told:
            told["ObjectLockRetainUntilDate"] = parse_timestamp(told["ObjectLockRetainUntilDate"])
        return told | {"Body": answer.body}

    def _request(self, way: _Way, key: str, asked: Mapping[str, Any]) -> bytes:
        """A request, signed."""
        version = asked.get("VersionId")
        target = way.path + _quoted(key) + (f"?versionId={quote(version, safe='-_.~')}" if version else "")
        headers = {"Host": way.host, **way.headers}
        if "IfMatch" in asked:
            headers["If-Match"] = asked["IfMatch"]
        request = AWSRequest("GET", way.server + target, headers=headers)
        S3SigV4Auth(
            self._client._request_signer._credentials.get_frozen_credentials(), "s3", way.region
        ).add_auth(request)
        lines = [f"GET {target} HTTP/1.1"]
        lines += [f"{name}: {_text(value)}" for name, value in request.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _way(request: Any, key: str, wires: Callable[[str], Wires]) -> _Way | None:
    """How botocore asked for a key; None where it did so in a way that we do not know."""
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    scope = _SCOPE.match(headers.get("authorization", ""))
    parts = urlsplit(request.url)
    if scope is None or not parts.path.endswith(_quoted(key)) or headers.keys() - _OF_EACH - _OF_ALL:
        return None
    server = f"{parts.scheme}://{parts.netloc}"
    return _Way(
        server=server,
        host=headers.get("host") or _host(parts),
        path=parts.path.removesuffix(_quoted(key)),
        region=scope["region"],
        headers={name: headers[name] for name in sorted(headers.keys() & _OF_ALL)},
        wires=wires(server),
    )


def _host(parts: SplitResult) -> str:
    """As botocore signs it: without the port that is the scheme's own."""
    usual = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return host if parts.port in (None, usual) else f"{host}:{parts.port}"


def _connect(client: Any, server: str) -> socket.socket:
    """A connection as the client itself makes them: its authorities, client certificate, socket options and time limits.

    Raises:
        Unusual: it goes through a proxy, or fails, or this botocore is not as those that we know.
    """
    try:
        session = client._endpoint.http_session
        if session._proxy_config.proxy_url_for(server):
            raise Unusual("through a proxy")
        pool = session._manager.connection_from_url(server)
        session._setup_ssl_cert(pool, server, session._verify)
        connection = pool._new_conn()
        connection.connect()
    except (AttributeError, HTTPError) as error:
        raise Unusual(str(error)) from None
    sock: socket.socket = connection.sock
    sock.settimeout(client.meta.config.read_timeout)
    return sock


def _quoted(key: str) -> str:
    return quote(key, safe="/~")


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
