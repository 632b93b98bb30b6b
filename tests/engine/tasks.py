"""What tests have workers do: importable by them."""

from __future__ import annotations

import os
import time
from pathlib import Path

from audit.errors import EvidenceMissing


def square(number: int) -> int:
    return number * number


def refuse(number: int) -> int:
    if number == 3:
        raise EvidenceMissing("three is missing", remedy="count again")
    return number


def slow(task: tuple[Path, int]) -> int:
    """Says which process is at work before it takes a while."""
    folder, number = task
    (folder / f"{number}-{os.getpid()}").touch()
    time.sleep(0.15)
    return number


def deadly(number: int) -> int:
    if number == 3:
        os._exit(1)
    return number
