"""One request of GitHub's API at a time, as GitHub asks of its users: conditional, retried, within the rate limits.

A limit is waited for as long as the settings allow; beyond that nothing more is asked, and the error says when to go
on. Times are the server's own, from its answers: this machine's clock may differ.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NoReturn
from urllib.parse import urljoin, urlsplit

import msgspec
from github import BadAttributeException, GithubException
from github.Requester import Requester
from requests.utils import parse_header_links

from audit.errors import EvidenceMissing
from audit.settings import GitHub
from audit.sources.github.access import TIMEOUT
from audit.sources.github.connection import Moved, TooLarge, connection
from audit.sources.github.endpoints import Endpoint
from audit.sources.github.failures import AGAIN, RENEW, Refused, broken, printable, refused
from audit.sources.interface import missing

log = logging.getLogger(__name__)

_LATER = "collect again later: what was stored is kept and costs nothing again"
_FIRST_PAUSE = 0.2  # seconds before a request is repeated; doubles each time
_SECONDARY = 60  # seconds to wait where GitHub says that it was asked too fast, and not for how long
_IN_A_ROW = 5  # endpoints that fail on the server's side before nothing more is asked
_REDIRECTIONS = 3
_LONGEST_ETAG = 200


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        body: the bytes that GitHub sent, unpacked; None when they are those of the ETag that was sent along.
        etag: without quotes, `W/` in front of a weak one; empty where there is none.
        at: the server's time (UTC); None where it does not say.
        next: path and query of the next page; None where no link says so.
    """

    body: bytes | None
    etag: str
    at: datetime | None
    next: str | None


class _Message(msgspec.Struct):
    message: str = ""


class _Again(Exception):
    """The request may succeed when it is repeated."""

    def __init__(self, failure: Refused | EvidenceMissing) -> None:
        super().__init__(str(failure))
        self.failure = failure


class Client:
    """GitHub's API for one source. Not for several threads."""

    def __init__(self, requester: Requester, settings: GitHub, *, name: str, location: str) -> None:
        """Args: name and location of the source, for errors."""
        self._requester = requester
        self._connection = connection(settings.api_url, TIMEOUT)
        self._settings = settings
        self._name, self._location = name, location
        self._root = urlsplit(settings.api_url)
        self._not_before = 0.0  # of the monotonic clock
        self._until: datetime | None = None  # the same, as the server tells time
        self._failed = 0  # endpoints in a row
        self.moved: list[str] = []
        """Where requests were sent elsewhere, once each."""

    def get(self, endpoint: Endpoint, asked: str, *, etag: str = "") -> Reply:
        """The answer to a GET.

        Args:
            asked: path and query, below the API's root or as a link of GitHub's gives it.
            etag: ETag of the bytes that the store has: what has not changed is not sent again.

        Raises:
            Refused: this endpoint can't be read.
            EvidenceMissing: nothing of the source can be read any more.
        """
        for attempt in range(1, self._settings.attempts + 1):
            self._wait_for_limit()
            try:
                reply = self._once(endpoint, asked, etag)
            except _Again as error:
                if attempt == self._settings.attempts:
                    self._give_up(error.failure)
                time.sleep(_FIRST_PAUSE * 2 ** (attempt - 1))
            else:
                self._failed = 0
                return reply
        raise AssertionError("attempts is at least 1")

    def _give_up(self, failure: Refused | EvidenceMissing) -> NoReturn:
        if isinstance(failure, Refused) and failure.status >= 500:
            self._failed += 1
            if self._failed >= _IN_A_ROW:
                raise self._missing(f"{failure.reason}, and {_IN_A_ROW - 1} others before it", AGAIN)
        raise failure

    def _once(self, endpoint: Endpoint, asked: str, etag: str) -> Reply:
        status, headers, body = self._send(endpoint, asked, etag)
        at = _time(headers)
        self._note_limit(headers, at)
        if status == 304:
            return Reply(None, etag, at, self._next(endpoint, headers))
        if status == 401:
            said = printable(_message(body))
            raise self._missing(
                f"GET {endpoint.path} answered 401 ({said}): the token is wrong, has expired or was revoked",
                RENEW.format(variable=self._settings.token_variable),
            )
        if status in (403, 429) and self._limited(status, headers, body, at):
            raise _Again(
                self._missing(
                    f"GET {endpoint.path} answered {status} again and again: GitHub's rate limit", _LATER
                )
            )
        if status >= 500:
            raise _Again(refused(endpoint, status, headers, _message(body)))
        if status != 200:
            raise refused(endpoint, status, headers, _message(body))
        if not _is_json(body):
            raise _Again(broken(endpoint, "the body is no JSON, or broke off"))
        return Reply(body, _etag(headers), at, self._next(endpoint, headers))

    def _send(self, endpoint: Endpoint, asked: str, etag: str) -> tuple[int, dict[str, str], bytes]:
        """Sends a request, to where it was moved if it was; status, headers (names in lower case) and body."""
        headers = {"Accept": "application/vnd.github+json"}
        if etag:
            headers["If-None-Match"] = f'W/"{etag[2:]}"' if etag.startswith("W/") else f'"{etag}"'
        for _ in range(_REDIRECTIONS):
            try:
                status, given, text = self._requester.requestJson(
                    "GET", asked, headers=dict(headers), cnx=self._connection
                )
                return status, {name: str(value) for name, value in given.items()}, text.encode("latin-1")
            except Moved as error:
                asked = self._own(endpoint, error.to)
                self._tell_moved(endpoint)
            except TooLarge:
                raise broken(endpoint, "the answer is larger than any of GitHub's") from None
            except (GithubException, BadAttributeException) as error:
                raise self._no_access(error) from None
            except OSError as error:
                raise _Again(self._unreached(error)) from None
            except (ValueError, OverflowError):
                raise _Again(broken(endpoint, "its headers are not GitHub's")) from None
        raise broken(endpoint, "it is answered elsewhere, again and again")

    def _own(self, endpoint: Endpoint, url: str) -> str:
        """Path and query of a URL of this API; another server is not given what we authorise with."""
        try:
            parts = urlsplit(urljoin(self._settings.api_url + "/", url))
            own = (parts.scheme, parts.hostname, parts.port) == (
                self._root.scheme,
                self._root.hostname,
                self._root.port,
            )
        except ValueError:
            own = False
        if not own:
            raise broken(endpoint, "the answer leads to another server")
        return parts.geturl()

    def _tell_moved(self, endpoint: Endpoint) -> None:
        told = f"GET {endpoint.path} is answered elsewhere: the repository was renamed or moved"
        if told not in self.moved:
            self.moved.append(told)

    def _next(self, endpoint: Endpoint, headers: Mapping[str, str]) -> str | None:
        for link in parse_header_links(headers.get("link", "")):
            if link.get("rel") == "next":
                return self._own(endpoint, link.get("url", ""))
        return None

    def _limited(self, status: int, headers: Mapping[str, str], body: bytes, at: datetime | None) -> bool:
        """Whether a 403 or 429 is of a rate limit; notes until when."""
        message = _message(body).lower()
        after = _number(headers.get("retry-after"))
        if after is not None:
            self._hold(after, at)
        elif headers.get("x-ratelimit-remaining") == "0" and status in (403, 429):
            self._note_limit(headers, at)
        elif "rate limit" in message or "abuse detection" in message or status == 429:
            self._hold(_SECONDARY, at)
        else:
            return False
        return True

    def _note_limit(self, headers: Mapping[str, str], at: datetime | None) -> None:
        """Holds the next request back until the reset where this one was the last that the limit allows."""
        reset = _number(headers.get("x-ratelimit-reset"))
        if headers.get("x-ratelimit-remaining") == "0" and reset is not None:
            now = (at or datetime.now(UTC)).timestamp()
            self._hold(max(0, reset - int(now)) + 1, at)

    def _hold(self, seconds: int, at: datetime | None) -> None:
        self._not_before = time.monotonic() + seconds
        self._until = (at or datetime.now(UTC)) + timedelta(seconds=min(seconds, 10**7))

    def _wait_for_limit(self) -> None:
        """Waits until the rate limit allows another request.

        Raises:
            EvidenceMissing: that would be longer than the settings allow.
        """
        seconds = self._not_before - time.monotonic()
        if seconds <= 0 or self._until is None:
            return
        until = f"{self._until:%Y-%m-%dT%H:%M:%SZ}"
        if seconds > self._settings.max_wait_seconds:
            raise self._missing(
                f"GitHub's rate limit is used up until {until}, {seconds:,.0f} seconds from now",
                f"collect again after {until}: what was stored is kept and costs nothing again; or raise "
                "github.max_wait_seconds",
            )
        log.warning("%s: GitHub's rate limit: waiting %.0f seconds, until %s", self._name, seconds, until)
        time.sleep(seconds)

    def _no_access(self, error: GithubException | BadAttributeException) -> EvidenceMissing:
        """The App could not have a token for its installation."""
        how = f"it answered {error.status}" if isinstance(error, GithubException) else "its answer holds none"
        return self._missing(
            f"GitHub gave the App no token: {how}",
            "check app_id, installation_id and private_key_file under [github], and that the App is installed there",
        )

    def _unreached(self, error: OSError) -> EvidenceMissing:
        return self._missing(
            f"GitHub can't be reached at {self._settings.api_url}: {type(error).__name__}",
            "check github.api_url, the network and its proxy settings (HTTPS_PROXY, REQUESTS_CA_BUNDLE)",
        )

    def _missing(self, problem: str, remedy: str) -> EvidenceMissing:
        return missing(self._name, self._location, problem, remedy=remedy)


def _message(body: bytes) -> str:
    """What an error's body says; empty when it is no JSON."""
    try:
        return msgspec.json.decode(body, type=_Message).message
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= 12 else None


def _etag(headers: Mapping[str, str]) -> str:
    etag = headers.get("etag", "")
    weak = "W/" if etag.startswith("W/") else ""
    inner = etag.removeprefix("W/").strip('"')
    fits = 0 < len(inner) <= _LONGEST_ETAG and inner.isascii() and inner.isprintable() and '"' not in inner
    return weak + inner if fits else ""


def _time(headers: Mapping[str, str]) -> datetime | None:
    try:
        return parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
