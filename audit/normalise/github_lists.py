"""Lists as GraphQL and GitHub's command line give them, and what they say of what they leave out, to `export_lists`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.normalise.interface import Row, Unreadable

FULL = 100
"""Most items that GitHub gives of a list at once; its command line asks for so many, and does not say that there are more."""

_NODES = ("nodes", "edges")
_COUNTS = ("filteredCount", "totalCount", "issueCount")


@dataclass(frozen=True)
class Listed:
    """A list, as far as it is there.

    Attributes:
        items: what it holds; None for an item that is not shown.
        total: how many it holds on the forge, where it says so.
        later: whether more come behind what is here; None where it does not say.
        earlier: whether more came before.
        cursor: where it ends, as the forge writes it; pages of one list differ in it.
    """

    items: list[Any]
    total: int | None = None
    later: bool | None = None
    earlier: bool | None = None
    cursor: str | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it shows to be whole, by itself. An empty list is: nobody can ask for less than one item."""
        if self.later or self.earlier or (self.total is not None and len(self.items) < self.total):
            return False
        return self.later is not None or self.total is not None or not self.items


def listed(value: Any) -> Listed:
    """A connection of GraphQL (`nodes` or `edges`), or the plain list that the command line makes of one.

    Raises:
        Unreadable: it is neither.
    """
    if isinstance(value, list):
        return Listed(value, later=len(value) >= FULL)
    if not isinstance(value, dict) or not any(isinstance(value.get(name), list) for name in _NODES):
        raise Unreadable("a list has neither nodes nor edges")
    items = value.get("nodes")
    if not isinstance(items, list):
        items = [edge.get("node") if isinstance(edge, dict) else None for edge in value["edges"]]
    page = value.get("pageInfo")
    page = page if isinstance(page, dict) else {}
    end = page.get("endCursor")
    return Listed(
        items,
        _total(value),
        _flag(page.get("hasNextPage")),
        _flag(page.get("hasPreviousPage")),
        end if isinstance(end, str) else None,
    )


def is_list(value: Any) -> bool:
    """Whether a value is a connection of GraphQL."""
    return isinstance(value, dict) and any(isinstance(value.get(name), list) for name in _NODES)


def row(
    found: Listed,
    *,
    format: str,
    repo: str | None,
    name: str,
    number: int | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
) -> Row:
    """A row of `export_lists`.

    Args:
        name: the list's place in what holds it.
        number: the pull request that it is of, if any.
        start, end: between which times what it leaves out lies, where that is known.
    """
    return {
        "repo": repo,
        "list": name,
        "number": number,
        "format": format,
        "held": len(found.items),
        "total": found.total,
        "later": found.later,
        "earlier": found.earlier,
        "cursor": found.cursor,
        "start": start,
        "end": end,
    }


def _total(value: dict[str, Any]) -> int | None:
    for name in _COUNTS:
        found = value.get(name)
        if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**63:
            return found
    return None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None
