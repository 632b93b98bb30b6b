"""The report's summary as Markdown, for a pull request or a chat: whatever evidence says stays text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+!|~&@:-])")
_SYMBOLS = {"effective": "✓", "exceptions": "×", "not tested": "?", "not applicable": "–"}
_LONGEST = 300


def make(results: Mapping[str, Any]) -> bytes:
    """UTF-8: what the summary page says, the control matrix, and where the rest is."""
    summary = results["summary"]
    status = results["status"] + (f", edition {results['edition']}" if results["edition"] else "")
    lines = [
        f"# {escape(results['organisation'])}: GitOps audit {results['quarter']} ({status})",
        "",
        *(line for text in summary["sentences"] for line in (escape(text), "")),
        "**"
        + " · ".join(f"{_SYMBOLS[c['conclusion']]} {c['count']} {c['conclusion']}" for c in summary["counts"])
        + "**",
        "",
    ]
    if summary["findings"]:
        lines += [
            "## What to act on first",
            "",
            "| control | severity | failed | waived | what, and what to do |",
            "|---|---|--:|--:|---|",
        ]
        lines += [
            f"| {c['id']} | {c['severity']} | {c['exception_count']} | {c['waived_count']} | {escape(c['title'])}. → {escape(c['remedy'])} |"
            for c in summary["findings"]
        ]
        lines.append("")
    lines += [
        "## Controls",
        "",
        "| control | statement | tested | failed | waived | conclusion |",
        "|---|---|--:|--:|--:|---|",
    ]
    lines += [_control(control) for control in results["controls"]]
    lines += [
        "",
        f"Evidence: {results['manifests']} manifests, the last one `{results['last_manifest'] or 'none'}`.",
        "",
    ]
    return "\n".join(lines).encode("utf-8", "backslashreplace")


def _control(control: Mapping[str, Any]) -> str:
    tested = "not known" if control["population"] is None else f"{control['population']:,}"
    return (
        f"| {control['id']} | {escape(control['title'])} | {tested} | {control['exception_count']:,} "
        f"| {control['waived_count']:,} | {_SYMBOLS[control['conclusion']]} {control['conclusion']} |"
    )


def escape(text: str, *, longest: int | None = _LONGEST) -> str:
    """One line of plain text, cut after so many characters: nothing in it is a mark, a link, a mention or a line of its own."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    whole = longest is None or len(line) <= longest
    return _MARKS.sub(r"\\\1", line if whole else f"{line[:longest]}…")
