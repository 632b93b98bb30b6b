"""How a request of PyGithub's reaches GitHub, and the bytes of the answer: PyGithub itself gives only text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from github.Requester import HTTPRequestsConnectionClass, HTTPSRequestsConnectionClass
from requests import Response

LARGEST = 64 << 20
"""Bytes of an answer, unpacked, beyond which it is not read: a page of GitHub's has a few millions at most."""

_CHUNK = 1 << 16
_MOVED = (301, 307, 308)
_NOT_READY = 202  # PyGithub would ask for ever


class TooLarge(Exception):
    """The answer has more bytes than any of GitHub's."""


@dataclass
class Answer:
    """An answer, as PyGithub asks connections for it. Text is of Latin-1: a character for each byte."""

    status: int
    headers: dict[str, str]
    body: bytes

    def getheaders(self) -> list[tuple[str, str]]:
        """Every header."""
        return list(self.headers.items())

    def read(self) -> str:
        """The body, a character for each byte."""
        return self.body.decode("latin-1")


class Moved(Exception):
    """It is answered elsewhere; PyGithub would go there and forget the query, and with it the page."""

    def __init__(self, to: str) -> None:
        super().__init__(to)
        self.to = to


class _Whole:
    """Reads answers whole, as bytes, and never more of them than `LARGEST`."""

    session: Any
    verify: Any

    def getresponse(self) -> Any:
        """The answer to what `request` was given.

        Raises:
            Moved: it is a redirection.
            TooLarge: it is larger than any answer of GitHub's.
            OSError: it broke off, or nothing was reached (every exception of requests is one).
        """
        asked: Any = self
        with self.session.get(
            f"{asked.protocol}://{asked.host}:{asked.port}{asked.url}",
            headers=asked.headers,
            timeout=asked.timeout,
            verify=self.verify,
            allow_redirects=False,
            stream=True,
        ) as response:
            if response.status_code in _MOVED and "location" in response.headers:
                raise Moved(response.headers["location"])
            if response.status_code == _NOT_READY:
                raise OSError("the answer is not ready yet")
            return Answer(response.status_code, dict(response.headers), _body(response))


class Http(_Whole, HTTPRequestsConnectionClass):
    """Without TLS: to this machine only."""


class Https(_Whole, HTTPSRequestsConnectionClass):
    """With TLS."""


def connection(api_url: str, timeout: int) -> Http | Https:
    """A connection to the server of an API."""
    parts = urlsplit(api_url)
    kind = Https if parts.scheme == "https" else Http
    return kind(parts.hostname or "", parts.port, timeout=timeout)


def _body(response: Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > LARGEST:
            raise TooLarge
    return bytes(body)
