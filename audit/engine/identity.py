"""Which product this is, to the byte: what a worker of a cluster and a restatement are compared by."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import audit


@cache
def package_digest() -> str:
    """sha256 of this product's modules (hex), whatever its version is called."""
    package = Path(audit.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
