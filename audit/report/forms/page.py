"""The report as one HTML file: the sections of the PDF, from the same templates, then every list whole; it loads and runs nothing."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import escape

from audit.report import result, templates
from audit.report.forms import workbook

_STYLE = """
.skip{position:absolute;left:-100rem}.skip:focus{position:static}
:focus-visible{outline:3px solid #b35900;outline-offset:2px}
@media screen{
html{font-size:100%}body{margin:0 auto;max-width:78rem;padding:1rem;background:#fff}
main>section,.list-frame{overflow-x:auto;margin:0 0 3rem}
section.cover .band{height:auto;padding:3rem}
nav.lists li{display:inline-block;margin-right:1rem}nav.lists ul{padding:0}
}
.lists a{color:var(--link)}.lists table{table-layout:auto;width:auto}.lists caption{text-align:left;padding:.3rem 0}
.lists th,.lists td{border:1px solid #8a8a8a;padding:.2rem .4rem;text-align:left;vertical-align:top;min-width:4rem;white-space:pre-line}
.lists td.n{text-align:right}
@media print{header,.lists{display:none}}
"""
_NAMES = ("id", "exception_id", "number", "name", "metric", "repo", "source_name", "source")
"""Columns that name a row: the first that it has is its heading."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; font-src data:; base-uri 'none'; form-action 'none'"
_FONT = re.compile(r'url\("fonts/([\w-]+\.woff2)"\)')


def make(results: Mapping[str, Any]) -> bytes:
    """The page's bytes (UTF-8): the same for the same results. Times are in the organisation's time zone.

    Raises:
        IntegrityError: these are the results of another version.
        UsageError: a template of the theme can't be filled.
    """
    from audit.report.pdf import html  # noqa: PLC0415  # which has a form attached, and so imports this package

    head, _, body = html(result.of_plain(results)).partition("<body>")
    ours = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n<meta name="viewport" content="width=device-width">\n'
    ours += f"<style>\n{_sheet()}{_STYLE}</style>"
    links = "".join(f'<li><a href="#list-{name.lower()}">{name}</a></li>' for name in workbook.SHEETS)
    lists = "\n".join(line for name in workbook.SHEETS for line in _section(results, name))
    return "".join(
        [
            head.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n{ours}', 1),
            '<body>\n<header><a class="skip" href="#main">Skip to the report</a>\n',
            f'<nav class="lists" aria-label="Lists" lang="en"><ul>{links}</ul></nav></header>\n<main id="main" tabindex="-1">',
            body.partition("</body>")[0],
            f'<div class="lists" lang="en">\n{lists}\n</div></main>\n</body>\n</html>\n',
        ]
    ).encode()


@cache
def _sheet() -> str:
    """The style sheet of the pages, with the fonts in it."""
    text = (templates.folder() / "report.css").read_text(encoding="utf-8")
    return _FONT.sub(lambda found: f"url(data:font/woff2;base64,{_font(found[1])})", text)


def _font(name: str) -> str:
    return base64.b64encode((templates.folder() / "fonts" / name).read_bytes()).decode()


def _section(results: Mapping[str, Any], name: str) -> Iterator[str]:
    """One list: a table whose headings name their column or, the first cell of a row, their row."""
    key, said = workbook.SHEETS[name]
    rows = [_ordered(row) for row in workbook.rows(results, key)]
    own = name.lower()
    yield f'<section id="list-{own}" aria-labelledby="h-{own}"><h2 id="h-{own}">{name}</h2>'
    if not rows:
        yield f"<p>{said}: none.</p></section>"
        return
    heads = "".join(f'<th scope="col">{_safe(column.replace("_", " "))}</th>' for column in rows[0])
    yield f'<div class="list-frame" tabindex="0" role="region" aria-labelledby="h-{own}"><table><caption>{said}: {len(rows):,}</caption>'
    yield f"<thead><tr>{heads}</tr></thead><tbody>"
    zone = ZoneInfo(results["time_zone"])
    ids = {control["id"]: f"control-{number}" for number, control in enumerate(results["controls"], 1)}
    for row in rows:
        anchor = f' id="{ids[row["id"]]}"' if key == "controls" else ""
        yield f"<tr{anchor}>{''.join(_cells(row, zone, ids))}</tr>"
    yield "</tbody></table></div></section>"


def _ordered(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with what names it first."""
    first = next((name for name in _NAMES if name in row), next(iter(row)))
    return {first: row[first], **row}


def _cells(row: Mapping[str, Any], zone: ZoneInfo, ids: Mapping[str, str]) -> Iterator[str]:
    for place, (column, value) in enumerate(row.items()):
        text = _value(column, value, zone)
        if column == "control" and value in ids:
            text = f'<a href="#{ids[value]}">{text}</a>'
        elif column == "controls" and isinstance(value, list):
            text = ", ".join(f'<a href="#{ids[c]}">{_safe(c)}</a>' if c in ids else _safe(c) for c in value)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if place == 0:
            yield f'<th scope="row">{text}</th>'
        else:
            yield f'<td class="n">{text}</td>' if number else f"<td>{text}</td>"


def _value(column: str, value: Any, zone: ZoneInfo) -> str:
    if value is None:
        return "not determined"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return f"{value:,}"
    if isinstance(value, str):
        moment = workbook.timed(column, value, zone)
        return _safe(value) if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"
    return "\n".join(_safe(str(item)) for item in value)


def _safe(text: str) -> str:
    """A text as text: markup escaped, what can't be printed or would steer the text as its code point."""
    shown = "".join(c if c.isprintable() or c == "\n" else f"[U+{ord(c):04X}]" for c in text)
    return str(escape(shown))
