"""A folder that is there whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audit.errors import UsageError


def refuse(folder: Path) -> None:
    """Refuses a folder that holds something already.

    Raises:
        UsageError: it does.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: is there already", remedy="name a folder that does not exist yet")


@contextmanager
def put_in_place(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder` to write into, which takes its place once all is in it.

    Raises:
        UsageError: the folder exists and is not empty, or can't be written.
    """
    refuse(folder)
    aside = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        yield aside
        if folder.exists():
            folder.rmdir()
        aside.replace(folder)
    except OSError as error:
        raise UsageError(
            f"{folder}: can't be written: {error.strerror}",
            remedy="name a folder that can be made, with space",
        ) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
