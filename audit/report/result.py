"""The report's model for machines: `results.json`, written and read back."""

from __future__ import annotations

import ctypes
import hashlib
import json
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from audit.engine.identity import package_digest
from audit.errors import IntegrityError
from audit.report import attached, templates
from audit.report.shapes import Report

_NATIVE = {
    "pango": ("libpango-1.0.so.0", "pango_version_string"),
    "harfbuzz": ("libharfbuzz.so.0", "hb_version_string"),
}


def write(report: Report, path: Path) -> None:
    """`results.json`: everything the report says, sorted keys, written aside and renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.part")
    aside.write_bytes(to_json(report))
    aside.replace(path)


def to_json(report: Report, made: dict[str, str] | None = None) -> bytes:
    """The same report, by the same versions, always gives the same bytes (UTF-8, lone surrogates escaped).

    Beside the model stand `attachments`, with the sha256 of each population, and `made_with`, the versions of what
    decides how a page is laid out.

    Args:
        made: those versions, where they are others than this program's own.
    """
    whole = asdict(report) | {
        "attachments": attached.listed(attached.populations(report)),
        "made_with": made_with() if made is None else made,
    }
    text = json.dumps(whole, sort_keys=True, indent=1, ensure_ascii=True, allow_nan=False)
    return f"{text}\n".encode()


def from_json(content: bytes) -> tuple[Report, dict[str, Any]]:
    """The report in the bytes of a `results.json`, and all that stands in it.

    Raises:
        IntegrityError: it is not one.
    """
    try:
        plain = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _not_results(error) from None
    return of_plain(plain), plain


def of_plain(plain: Any) -> Report:
    """The report in what a `results.json` says.

    Raises:
        IntegrityError: it is not one.
    """
    try:
        return msgspec.convert(plain, Report)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise _not_results(error) from None


def _not_results(error: Exception) -> IntegrityError:
    return IntegrityError(
        f"{attached.RESULTS}: not the results of a report: {error}",
        remedy="ask for the report again, from where it was made",
    )


@cache
def made_with() -> dict[str, str]:
    """The versions of everything that decides the bytes of a page; empty for a library that is not there."""
    packages = ("weasyprint", "pydyf", "pikepdf", "fonttools", "gitops-audit", "pyarrow")
    own = {name: version(name) for name in packages}
    return own | {name: _native(*where) for name, where in _NATIVE.items()} | {"code": code()}


@cache
def code() -> str:
    """sha256 of this product's modules and templates: what made a report, whatever its version is called."""
    digest = hashlib.sha256(package_digest().encode())
    folder = templates.folder()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _native(library: str, function: str) -> str:
    try:
        call = getattr(ctypes.CDLL(library), function)
    except (OSError, AttributeError):
        return ""
    call.restype = ctypes.c_char_p
    return bytes(call()).decode("ascii", "replace")
