"""Addresses as evidence writes them, without what lets one in."""

from __future__ import annotations

import re

_USER = re.compile(r"^(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<user>[^/?#]*)@(?P<rest>.*)$", re.DOTALL)
_LOGINS = frozenset({"ssh", "git+ssh"})


def without_credentials(url: str | None) -> str | None:
    """`url` without user and password; of an SSH address the user stays, for there it is no secret."""
    found = _USER.match(url or "")
    if found is None:
        return url
    user = found["user"].partition(":")[0]
    kept = f"{user}@" if found["scheme"].lower() in _LOGINS and user else ""
    return f"{found['scheme']}://{kept}{found['rest']}"


def names(urls: list[str | None]) -> str:
    """Those that are there, without credentials, each once, sorted, separated by spaces."""
    return " ".join(sorted({without_credentials(url) or "" for url in urls} - {""}))


_IN_TEXT = re.compile(r"(?<=://)[^/\s@'\"]+@")


def masked(text: str) -> str:
    """A text in which no address lets anyone in: what stands before the `@` of an address is left out."""
    return _IN_TEXT.sub("", text)
