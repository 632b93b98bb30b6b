"""Names of exceptions."""

from __future__ import annotations

import hashlib


def exception_id(control: str, subject: str) -> str:
    """The same failure has the same id in every run: `CHG-01-0123456789`."""
    return f"{control}-{hashlib.sha256(f'{control}{subject}'.encode()).hexdigest()[:10]}"
