"""What management answers to exceptions: a reviewed file (YAML) beside the settings, which a person writes.

- control: CHG-03                 # or exception: CHG-03-0123456789
  owner: platform
  response: The ruleset refuses approvals by authors since 2026-10-02.
  due: 2026-11-15                 # may be left out: then the settings' days for its severity count
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from audit.errors import UsageError
from audit.normalise import plainyaml
from audit.report.pieces import Response
from audit.settings import Settings

_KEYS = ("control", "exception", "owner", "response", "due")
_LARGEST = 4_000_000  # bytes
_REMEDY = "write a list of entries with 'control' or 'exception', 'owner', 'response' and, if need be, 'due' (YYYY-MM-DD)"


def read(settings: Settings) -> list[Response]:
    """Every answer in the file that the settings name, in its order; none without a file.

    Raises:
        UsageError: it can't be read, or an entry is not one; names file, line and remedy.
    """
    name = settings.report.responses
    if name is None:
        return []
    path = settings.resolve(name)
    try:
        content = path.read_bytes()
        if len(content) > _LARGEST:
            raise _wrong(path, 1, f"it is larger than {_LARGEST:,} bytes")
        items = list(plainyaml.items(content))
    except OSError as error:
        raise UsageError(
            f"report.responses: {path}: can't be read: {error.strerror}",
            remedy="mend report.responses in the settings",
        ) from None
    except plainyaml.NotPlain as error:
        raise UsageError(f"{path}: {error}", remedy=_REMEDY) from None
    found: list[Response] = []
    for item in items:
        one = _entry(path, name, item)
        if any(one.target == other.target for other in found):
            raise _wrong(path, item.line, f"'{one.target[:40]}' stands twice")
        found.append(one)
    return found


def _entry(path: Path, name: str, item: plainyaml.Item) -> Response:
    said: Any = msgspec.json.decode(item.data)
    if not isinstance(said, dict):
        raise _wrong(path, item.line, "this is no entry")
    unknown = [key for key in said if key not in _KEYS]
    if unknown:
        raise _wrong(path, item.line, f"unknown key '{unknown[0][:40]}'")
    texts = {key: _text(said.get(key)) for key in _KEYS}
    if bool(texts["control"]) == bool(texts["exception"]):
        raise _wrong(path, item.line, "name one of 'control' and 'exception'")
    missing = [key for key in ("owner", "response") if not texts[key]]
    if missing:
        raise _wrong(path, item.line, f"'{missing[0]}' is missing")
    if texts["due"]:
        try:
            texts["due"] = date.fromisoformat(texts["due"]).isoformat()
        except ValueError:
            raise _wrong(path, item.line, f"'due' is '{texts['due'][:40]}', no date") from None
    return Response(
        texts["control"] or texts["exception"],
        texts["owner"],
        texts["response"],
        texts["due"],
        f"{name}:{item.line}",
    )


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, dict | list) else " ".join(str(value).split())


def _wrong(path: Path, line: int, what: str) -> UsageError:
    return UsageError(f"{path}:{line}: {what}", remedy=_REMEDY)


def require_known(given: Iterable[Response], known: Iterable[str]) -> None:
    """Makes sure that each answer is to something that the report has.

    Raises:
        UsageError: one is to neither a control nor an exception of the quarter; names its place.
    """
    names = set(known)
    for one in given:
        if one.target not in names:
            raise UsageError(
                f"{one.place}: '{one.target[:60]}' is neither a control nor an exception of this quarter",
                remedy="take away what is answered no more, or mend the name",
            )
