"""The report as one HTML file: every list of the results as a table; it loads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import escape

from audit.report.forms import workbook

_STYLE = """
body{font:1rem/1.45 system-ui,sans-serif;margin:0 auto;max-width:110rem;padding:1rem;color:#1a1a1a;background:#fff}
.skip{position:absolute;left:-100rem}.skip:focus{position:static}
a{color:#0b4f8a}:focus-visible{outline:3px solid #b35900;outline-offset:2px}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem}caption{text-align:left;padding:.3rem 0}
th,td{border:1px solid #8a8a8a;padding:.2rem .4rem;text-align:left;vertical-align:top;overflow-wrap:anywhere;min-width:4rem;white-space:pre-line}
thead th{background:#eee}td.n{text-align:right;font-variant-numeric:tabular-nums}
nav li{display:inline-block;margin-right:1rem}nav ul{padding:0}
@media print{nav,.skip{display:none}thead{display:table-header-group}tr{break-inside:avoid}.wide{overflow:visible}}
"""
_NAMES = ("id", "exception_id", "number", "name", "metric", "repo", "source_name", "source")
"""Columns that name a row: the first that it has is its heading."""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def make(results: Mapping[str, Any]) -> bytes:
    """The page's bytes (UTF-8): the same for the same results. Times are in the organisation's time zone."""
    title = _safe(f"{results['organisation']}: GitOps audit {results['quarter']}")
    links = "".join(
        f'<li><a href="#{name.lower()}">{name}</a></li>' for name in ["Summary", *workbook.SHEETS]
    )
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width">',
            f"<style>{_STYLE}</style></head><body>",
            '<a class="skip" href="#main">Skip to the report</a>',
            f"<header><h1>{title}</h1><p>{_safe(results['classification'])}</p></header>",
            f'<nav aria-label="Sections"><ul>{links}</ul></nav><main id="main" tabindex="-1">',
            *_summary(results),
            *(line for name in workbook.SHEETS for line in _section(results, name)),
            "</main></body></html>\n",
        ]
    ).encode()


def _summary(results: Mapping[str, Any]) -> Iterator[str]:
    yield '<section id="summary" aria-labelledby="h-summary"><h2 id="h-summary">Summary</h2>'
    yield f"<p>{_safe(results['status'])}, edition {results['edition']}. Times are in {_safe(results['time_zone'])}.</p>"
    yield from (f"<p>{_safe(text)}</p>" for text in results["summary"]["sentences"])
    counts = (f"<li>{_safe(c['conclusion'])}: {c['count']}</li>" for c in results["summary"]["counts"])
    yield f"<ul>{''.join(counts)}</ul></section>"


def _section(results: Mapping[str, Any], name: str) -> Iterator[str]:
    """One list: a table whose headings name their column or, the first cell of a row, their row."""
    key, said = workbook.SHEETS[name]
    rows = [_ordered(row) for row in workbook.rows(results, key)]
    own = name.lower()
    yield f'<section id="{own}" aria-labelledby="h-{own}"><h2 id="h-{own}">{name}</h2>'
    if not rows:
        yield f"<p>{said}: none.</p></section>"
        return
    heads = "".join(f'<th scope="col">{_safe(column.replace("_", " "))}</th>' for column in rows[0])
    yield f'<div class="wide" tabindex="0" role="region" aria-labelledby="h-{own}"><table><caption>{said}: {len(rows):,}</caption>'
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
