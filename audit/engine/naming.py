"""What both engines share: how progress is told, and which item an error belongs to."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with items done and items in all."""


class Naming:
    """Adds to whatever is raised inside a note that names the item."""

    def __init__(self, item: object) -> None:
        self._item = item

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is not None:
            error.add_note(f"while working on {self._item!r}")
