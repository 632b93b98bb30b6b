"""What GitHub's formats share: who, and in which repository."""

from __future__ import annotations

import hashlib
import re

import msgspec

from audit.normalise.interface import Context, Unreadable

_BITS = 8
_REPOSITORY = re.compile(r"/repos/([^/?#]+/[^/?#]+)")


class Account(msgspec.Struct):
    """A user or app, of which the login is enough."""

    login: str


def login(account: Account | None) -> str | None:
    """The login; None for an account that is gone."""
    return None if account is None else account.login


def repository(url: str | None, context: Context) -> str:
    """owner/name that an API URL names, else that of the source.

    Raises:
        Unreadable: neither names one.
    """
    found = _REPOSITORY.search(url) if url is not None else None
    if found is not None:
        return found[1]
    if context.repository is None:
        raise Unreadable("neither the record nor its source names a repository")
    return context.repository


def made_id(*said: str) -> int:
    """A number below zero made of what something says, for what has no number of the forge's; the same in every copy."""
    told = hashlib.sha256("\0".join(said).encode(errors="surrogatepass")).digest()[:_BITS]
    return -1 - (int.from_bytes(told) >> 1)


_TAGS = "refs/tags/**"


def refs(include: list[str], exclude: list[str], target: object) -> str:
    """The refs that a ruleset binds, separated by commas, those that it leaves out led by `!`; tags under their whole names, for `~ALL` is of
    branches alone.

    Args:
        target: what it says that it is for: branch, tag or push, in any case.
    """
    if str(target).lower() == "tag":
        include = [_TAGS if ref.startswith("~") else ref for ref in include]
    return ",".join([*include, *(f"!{ref}" for ref in exclude)])
