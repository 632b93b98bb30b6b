"""Lists of GitHub's, page by page to the last one, each page an object; what has not changed is not sent again.

Three things that a plain walk along the links misses: a page that was full and is unchanged has no link to the page
that was begun since, so that one is asked for all the same; a list that loses an item while it is read moves the first
of the next page to the one before, so every list of several pages is read again until it holds still, but for what was
added at an end of it; and an answer may hold fewer items than its own total says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from audit.sources.github.client import Client, Reply
from audit.sources.github.endpoints import PER_PAGE, Endpoint
from audit.sources.github.failures import Refused, broken
from audit.sources.interface import Before, Brought, Unread

Known = Callable[[str], Before | None]
"""What the store has of a key."""

_PASSES = 3
_PAGES = 10_000


def _never(_: Page) -> bool:
    return False


class _Named(msgspec.Struct):
    """What tells the items of a list apart."""

    id: int | str | None = None


@dataclass(frozen=True)
class Page:
    """A page, or the one object that an endpoint gives.

    Attributes:
        items: bytes of each item.
        total: how many items the whole list has, where the page says so.
    """

    brought: Brought
    items: tuple[bytes, ...]
    total: int | None = None


@dataclass
class Reader:
    """Reads what endpoints give, below keys."""

    client: Client
    known: Known

    def one(self, endpoint: Endpoint, key: str, **names: Any) -> Iterator[Brought | Unread]:
        """As `single`; the reason where it can't be read."""
        try:
            yield self.single(endpoint, key, **names).brought
        except Refused as error:
            yield Unread(key, error.reason, error.remedy)

    def every(self, endpoint: Endpoint, folder: str, **names: Any) -> Iterator[Brought | Unread]:
        """As `pages`; at its end the reason where it can't be read to there."""
        try:
            for page in self.pages(endpoint, folder, **names):
                yield page.brought
        except Refused as error:
            yield Unread(f"{folder}/", error.reason, error.remedy)

    def single(self, endpoint: Endpoint, key: str, **names: Any) -> Page:
        """The one object that an endpoint gives.

        Raises:
            Refused, EvidenceMissing: see `Client.get`.
        """
        page, _ = self._page(endpoint, key, endpoint.asked(**names), self.known(key))
        return page

    def pages(
        self, endpoint: Endpoint, folder: str, *, enough: Callable[[Page], bool] = _never, **names: Any
    ) -> Iterator[Page]:
        """The pages of a list, under `folder/page-0001.json` and so on; again those that moved while it was read.

        Args:
            enough: whether a page is the last one that is wanted.

        Raises:
            Refused: it could not be read to its end, or never held still. What was given until then stands.
            EvidenceMissing: see `Client.get`.
        """
        read: list[tuple[str, Page]] = []
        first = endpoint.asked(**names)
        for asked, page in self._pass(endpoint, folder, first, [], enough):
            read.append((asked, page))
            yield page
        for _ in range(_PASSES):
            if len(read) == 1 and _complete([page for _, page in read]):
                return
            again: list[tuple[str, Page]] = []
            for asked, page in self._pass(endpoint, folder, first, read, enough):
                again.append((asked, page))
                old = read[len(again) - 1][1] if len(again) <= len(read) else None
                if old is None or _ids(old) != _ids(page):
                    yield page
            held = _within([page for _, page in read], [page for _, page in again])
            read = again
            if held and _complete([page for _, page in read]):
                return
        pages = [page for _, page in read]
        if not _complete(pages):
            count = sum(len(page.items) for page in pages)
            raise broken(endpoint, f"{count} items came of the {pages[-1].total} that it says it has")
        raise broken(endpoint, "the list kept changing while it was read")

    def _pass(
        self,
        endpoint: Endpoint,
        folder: str,
        asked: str,
        read: list[tuple[str, Page]],
        enough: Callable[[Page], bool],
    ) -> Iterator[tuple[str, Page]]:
        """Every page once, in order, each with what was asked for it.

        Args:
            read: the same from the pass before, whose bytes need not be sent again.
        """
        url: str | None = asked
        for number in range(1, _PAGES + 1):
            assert url is not None
            key = f"{folder}/page-{number:04}.json"
            earlier = read[number - 1][1] if number <= len(read) else None
            page, reply = self._page(endpoint, key, url, self.known(key), earlier)
            following = reply.next
            if following is None and reply.body is None and len(page.items) >= PER_PAGE:
                following = _following(url) if not endpoint.cursor else None
                if following is None:  # only a link leads on, and what is unchanged comes without it
                    page, reply = self._page(endpoint, key, url, None)
                    following = reply.next
            yield url, page
            if following is None or enough(page):
                return
            url = following
        raise broken(endpoint, f"it has more than {_PAGES:,} pages")

    def _page(
        self, endpoint: Endpoint, key: str, asked: str, before: Before | None, earlier: Page | None = None
    ) -> tuple[Page, Reply]:
        """A page, and the answer that it came with.

        Args:
            before: what the store has of it.
            earlier: the same page from the pass before, which is newer than what the store has.
        """
        etag = earlier.brought.etag if earlier is not None else before.etag if before is not None else ""
        reply = self.client.get(endpoint, asked, etag=etag)
        if reply.body is not None:
            return _parsed(endpoint, Brought(key, reply.body, reply.etag, reply.at), reply.body), reply
        if earlier is not None:
            return earlier, reply
        if before is None:
            raise broken(endpoint, "it says 'not changed' of what was never read")
        return _parsed(endpoint, Brought(key, None, before.etag, reply.at), before.read()), reply


def _parsed(endpoint: Endpoint, brought: Brought, body: bytes) -> Page:
    """A body as a page.

    Raises:
        Refused: it has another shape.
    """
    try:
        if endpoint.single:
            msgspec.json.decode(body, type=dict[str, msgspec.Raw])
            return Page(brought, (body,))
        if not endpoint.items or body.lstrip()[:1] == b"[":
            listed = msgspec.json.decode(body, type=list[msgspec.Raw])
            return Page(brought, tuple(bytes(item) for item in listed))
        whole = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        listed = msgspec.json.decode(whole[endpoint.items], type=list[msgspec.Raw])
        total = msgspec.json.decode(whole["total_count"], type=int)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
        raise broken(endpoint, "the body has not the shape that GitHub documents") from None
    return Page(brought, tuple(bytes(item) for item in listed), total)


def _complete(pages: list[Page]) -> bool:
    """Whether as many items came as the last page says that there are; true where it does not say."""
    total = pages[-1].total
    return total is None or sum(len(page.items) for page in pages) >= total


def _within(before: list[Page], after: list[Page]) -> bool:
    """Whether all that a pass found stands in the next one as it stood, side by side: a list that only grew at an end lost nothing,
    and where an item went away while the first one read, another stands where it did not.
    """
    one, other = (
        list(dict.fromkeys(ident for page in pages for ident in _ids(page))) for pages in (before, after)
    )
    start = other.index(one[0]) if one and one[0] in other else 0
    return other[start : start + len(one)] == one


def _ids(page: Page) -> list[str]:
    """What tells the items of a page apart, in their order."""
    return [_id(item) for item in page.items]


def _id(item: bytes) -> str:
    try:
        found = msgspec.json.decode(item, type=_Named).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    return str(found) if found is not None else hashlib.sha256(item).hexdigest()


def _following(asked: str) -> str | None:
    """What to ask for the page after this one; None where its number can't be told."""
    parts = urlsplit(asked)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    page = query.get("page", "1")
    if not (page.isascii() and page.isdigit() and len(page) < 8):
        return None
    query["page"] = str(int(page) + 1)
    return parts._replace(query=urlencode(query)).geturl()
