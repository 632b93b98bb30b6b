"""A theme: the organisation's own logo, colours, sections, wording and templates, read from a folder.

    theme.toml      sections, [own.NAME], [colours], [texts], [numbers], [dates]
    theme.css       styles after those of the report
    logo.svg        on the cover
    languages/      a catalogue for each language that this product has not, or more texts of one that it has
    templates/      templates that take the place of the report's, extend them block by block, or are sections of their own

What is read goes into the report's results as it is: whoever has a report can lay it out again from itself.
"""

from __future__ import annotations

import re
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audit.errors import UsageError
from audit.report.contents import PARTS
from audit.report.pieces import OwnSection, Theme
from audit.report.shapes import Report
from audit.report.wording import ENGLISH, Wording, has, shipped, worded

COLOURS = (
    "deep", "ink", "soft", "rule", "link", "head", "wrong", "warn", "good", "box", "band-soft", "band-quarter", "alarm",
    *(f"chart-{number}" for number in range(1, 8)),
)  # fmt: skip
"""Names of the colours that a theme may set."""

_LARGEST = 1_000_000  # bytes of a file, and of all templates together
_KEYS = {"sections", "own", "colours", "texts", "numbers", "dates"}
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_SVG = "{http://www.w3.org/2000/svg}"
_DRAWN = {
    "svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "title", "desc", "defs", "linearGradient",
    "radialGradient", "stop", "clipPath", "text", "tspan",
}  # fmt: skip
_REMEDY = "docs/how-to/theme-the-report.md shows a whole theme"


def read(folder: Path) -> Theme:
    """The theme in a folder.

    Raises:
        UsageError: it is none; names the file, what is wrong with it and what to do.
    """
    if not folder.is_dir():
        raise UsageError(
            f"report.theme: {folder}: there is no such folder", remedy="mend report.theme in the settings"
        )
    path = folder / "theme.toml"
    said = _toml(path) if path.exists() else {}
    unknown = [key for key in said if key not in _KEYS]
    if unknown:
        raise _wrong(path, f"unknown key '{unknown[0][:40]}'", f"write one of {', '.join(sorted(_KEYS))}")
    templates = {
        one.name: _text(one) for one in sorted((folder / "templates").glob("*.html")) if one.is_file()
    }
    if sum(len(text) for text in templates.values()) > _LARGEST:
        raise _wrong(folder / "templates", "larger than a million bytes", "keep them small")
    own = _own(path, said.get("own", {}), templates)
    css = _text(folder / "theme.css") if (folder / "theme.css").exists() else ""
    if "</" in css:
        raise _wrong(folder / "theme.css", "'</' ends a style sheet", "write CSS alone")
    catalogues = {
        one.stem: _checked(one, _toml(one)) for one in sorted((folder / "languages").glob("*.toml"))
    }
    texts = _checked(path, {key: said[key] for key in ("texts", "numbers", "dates") if key in said})
    return Theme(
        sections=_sections(path, said.get("sections"), own),
        own=own,
        colours=_colours(path, said.get("colours", {})),
        css=css,
        logo=_logo(folder / "logo.svg") if (folder / "logo.svg").exists() else "",
        templates=templates,
        catalogues=catalogues,
        texts=texts,
    )


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise _wrong(path, f"not TOML: {error}", "mend the line that the message names") from None


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if len(content) > _LARGEST:
            raise _wrong(path, f"larger than {_LARGEST:,} bytes", "keep it small")
        return content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(path, f"can't be read: {error}", "write it as text in UTF-8") from None


def _checked(path: Path, said: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A catalogue, which must be one."""
    worded(said, "en", ENGLISH, where=str(path))
    return said


def _own(path: Path, said: Any, templates: Mapping[str, str]) -> list[OwnSection]:
    found = []
    for name, values in said.items() if isinstance(said, dict) else ():
        if not _NAME.fullmatch(name) or name in PARTS:
            raise _wrong(path, f"own.{name[:40]}: no name for a section", "use small letters, digits and -")
        if not isinstance(values, dict) or list(values) != ["title"] or not isinstance(values["title"], str):
            raise _wrong(path, f"own.{name}: has no title", f'write [own.{name}] and title = "…"')
        if f"{name}.html" not in templates:
            raise _wrong(
                path,
                f"own.{name}: templates/{name}.html is missing",
                f'write it, with <section class="page" id="{name}"> in it',
            )
        found.append(OwnSection(name, values["title"]))
    return found


def _sections(path: Path, said: Any, own: list[OwnSection]) -> list[str]:
    if said is None:
        return [*PARTS][:-1] + [one.name for one in own] + [[*PARTS][-1]]
    known = [*PARTS, *(one.name for one in own)]
    for name in said if isinstance(said, list) else [said]:
        if name not in known:
            raise _wrong(
                path, f"sections: there is no '{str(name)[:40]}'", f"name some of {', '.join(known)}"
            )
        if said.count(name) > 1:
            raise _wrong(path, f"sections: '{name}' stands twice", "name each once")
    return list(said)


def _colours(path: Path, said: Any) -> dict[str, str]:
    for name, value in said.items() if isinstance(said, dict) else ():
        if name not in COLOURS:
            raise _wrong(path, f"colours: there is no '{name[:40]}'", f"name some of {', '.join(COLOURS)}")
        if not isinstance(value, str) or not _COLOUR.fullmatch(value):
            raise _wrong(path, f"colours.{name}: '{str(value)[:40]}' is no colour", "write it as #12304f")
    return dict(said)


def _logo(path: Path) -> str:
    """A drawing that reaches nothing: shapes and text alone.

    Raises:
        UsageError: it is no such SVG.
    """
    text = _text(path)
    if "<!" in re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL):
        raise _wrong(path, "has a document type", "save it as plain SVG")
    try:
        # No document type, so no entities; bounded in size.
        root = ET.fromstring(text)  # noqa: S314
    except ET.ParseError as error:
        raise _wrong(path, f"no SVG: {error}", "save it as plain SVG") from None
    for element in root.iter():
        name = str(element.tag).removeprefix(_SVG)
        if not str(element.tag).startswith(_SVG) or name not in _DRAWN:
            raise _wrong(path, f"has <{name[:40]}>", f"draw it of {', '.join(sorted(_DRAWN))}")
        for key, value in element.attrib.items():
            local = key.rpartition("}")[2].lower()
            if local.startswith("on") or (
                local != "xmlns" and re.search(r"url\((?!#)|:\s*//|javascript:", value)
            ):
                raise _wrong(path, f"<{name}> reaches out by '{local[:40]}'", "draw it without links")
    ET.register_namespace("", _SVG[1:-1])
    return ET.tostring(root, encoding="unicode")


def wording(language: str, theme: Theme | None) -> Wording:
    """The wording of a language, with what a theme words otherwise.

    Raises:
        UsageError: neither this product nor the theme has it.
    """
    more = theme.catalogues.get(language) if theme else None
    base = ENGLISH if more is not None and not has(language) else shipped(language)
    for said, where in ((more, f"languages/{language}.toml"), (theme.texts if theme else None, "theme.toml")):
        if said is not None:
            base = worded(said, language, base, where=where)
    return base


def of_report(report: Report) -> Wording:
    """The wording of a report's pages."""
    return wording(report.language, report.theme)


def _wrong(path: Path, what: str, remedy: str) -> UsageError:
    return UsageError(f"{path}: {what}", remedy=f"{remedy}; {_REMEDY}")
