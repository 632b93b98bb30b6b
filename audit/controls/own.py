"""Controls of the organisation's own, beside the product's: from a folder of files, and from installed packages.

Each file of the folder has a `CONTROL`, as each of the product's has. A package names its controls as entry points of
the group `gitops_audit.controls`. They are code that is run: who may change them decides what is judged.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Iterable, Mapping
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from audit.controls.interface import Control
from audit.controls.registry import CONTROLS
from audit.errors import UsageError
from audit.settings import Settings

GROUP = "gitops_audit.controls"

_ID = re.compile(r"[A-Z][A-Z0-9]{1,9}-[0-9]{2,3}")
_SECTIONS = ("Why", "Evidence", "Limits", "Remediation")
_REMEDY = "give the file a CONTROL = Control(…), as notebook 06 and 'audit controls CHG-01' show"


def controls(settings: Settings) -> tuple[Control, ...]:
    """The product's controls, then the organisation's own: of its folder by file name, then of packages by name.

    Raises:
        UsageError: one can't be loaded, is not whole, or has the id of another; names the file and the line.
    """
    found = list(CONTROLS)
    places = {control.id: "the product" for control in CONTROLS}
    for place, control in (*_of_folder(settings), *_of_packages()):
        _require_whole(control, place)
        if control.id in places:
            raise UsageError(
                f"{place}: {control.id} is a control of {places[control.id]} already",
                remedy="give it another id",
            )
        places[control.id] = place
        found.append(control)
    return tuple(found)


def digest(settings: Settings) -> str:
    """sha256 of what decides what is judged: the files of the folder, and the modules that packages name; empty without both."""
    files, points = _files(settings), _points()
    if files is None and not points:
        return ""
    named = [(path.name, path) for path in files or []]
    named += [(f"{point.name} = {point.value}", path) for point in points if (path := _source(point))]
    made = hashlib.sha256()
    for name, path in named:
        made.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return made.hexdigest()


def _points() -> list[EntryPoint]:
    """Those of installed packages, by name."""
    return sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value))


def _source(point: EntryPoint) -> Path | None:
    """The file of the module that an entry point names; None where there is none, of which loading it tells."""
    try:
        spec = importlib.util.find_spec(point.module)
    except Exception:  # whatever a package raises as it is looked for: loading it tells
        return None
    return Path(spec.origin) if spec is not None and spec.origin and Path(spec.origin).is_file() else None


def _files(settings: Settings) -> list[Path] | None:
    """The files of the folder that the settings name; None when they name none."""
    if settings.own_controls.folder is None:
        return None
    folder = settings.resolve(settings.own_controls.folder)
    if not folder.is_dir():
        raise UsageError(
            f"{folder}: there is no such folder of controls",
            remedy="correct own_controls.folder in audit.toml",
        )
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))


class _AsWritten(SourceFileLoader):
    """Runs a file as it is written, and leaves nothing beside it: what was compiled earlier is not what `digest` speaks of."""

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """Not told, without which nothing compiled is read or written."""
        raise OSError(path)


def _of_folder(settings: Settings) -> Iterable[tuple[str, Control]]:
    for path in _files(settings) or []:
        name = f"{GROUP.replace('.', '_')}_{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path, loader=_AsWritten(name, str(path)))
        if spec is None or spec.loader is None:
            raise UsageError(f"{path}: can't be loaded", remedy=_REMEDY)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # whatever someone's own code raises is told with its place
            sys.modules.pop(name, None)
            raise UsageError(
                f"{_place(path, error)}: {type(error).__name__}: {error}", remedy=_REMEDY
            ) from None
        yield str(path), _control(getattr(module, "CONTROL", None), str(path))


def _of_packages() -> Iterable[tuple[str, Control]]:
    for point in _points():
        place = f"entry point '{point.name}' ({point.value})"
        try:
            found = point.load()
        except Exception as error:  # as above
            raise UsageError(f"{place}: {type(error).__name__}: {error}", remedy=_REMEDY) from None
        yield place, _control(found, place)


def _place(path: Path, error: Exception) -> str:
    """The file, and the line of it that an error comes from."""
    if isinstance(error, SyntaxError) and error.lineno:
        return f"{path}, line {error.lineno}"
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    return f"{path}, line {lines[-1]}" if lines else str(path)


def _control(found: object, place: str) -> Control:
    if not isinstance(found, Control):
        raise UsageError(f"{place}: it has no CONTROL", remedy=_REMEDY)
    return found


def _require_whole(control: Control, place: str) -> None:
    if not _ID.fullmatch(control.id):
        raise UsageError(f"{place}: '{control.id}' is no id of a control", remedy="write it as in OWN-01")
    for section in _SECTIONS:
        try:
            control.section(section)
        except (KeyError, TypeError, ValueError):
            raise UsageError(
                f"{place}: the page of {control.id} has no section '## {section}'",
                remedy="its file's docstring has the statement, then "
                + ", ".join(f"## {s}" for s in _SECTIONS),
            ) from None
