"""The report's summary as Markdown, for a pull request or a chat: whatever evidence says stays text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from audit.report import result, since
from audit.report.words import figure

_MARKS = re.compile(
    r"""([\\`*\[\]<>|~@]              # code, emphasis, links, tags, cells, mentions: wherever they stand
      |(?<![^\W_])_|_(?![^\W_])        # emphasis; within a word it is none
      |&(?=\#?\w+;)                    # a character by its name or number
      |:(?=//|[\w+-]+:)|(?<=mailto):|(?<=xmpp):   # addresses, emoji by name
      |^[\#+=-]|(?<=^\d{1})[.)](?!\S)|(?<=^\d{2})[.)](?!\S)|(?<=^\d{3})[.)](?!\S)|(?<=^\d{4})[.)](?!\S)|(?<=^\d{5})[.)](?!\S)|(?<=^\d{6})[.)](?!\S)|(?<=^\d{7})[.)](?!\S)|(?<=^\d{8})[.)](?!\S)|(?<=^\d{9})[.)](?!\S))""",
    re.VERBOSE | re.IGNORECASE,
)
"""What Markdown, or GitHub's, takes for a mark. The last line: headings, lists and rules, which only begin a text."""
_SYMBOLS = {"effective": "✓", "exceptions": "×", "not tested": "?", "not applicable": "–"}
_LONGEST = 300
_JOINED = re.compile(r"(?<=[@#])|(?<=www)(?=\.)", re.IGNORECASE)
"""After these, names, numbers and addresses become mentions, references and links also where no mark says so, and whatever
backslash is before them: an invisible character that joins words (U+2060) keeps them apart."""


def make(results: Mapping[str, Any]) -> bytes:
    """UTF-8: what the summary page says, the control matrix, and where the rest is."""
    summary = results["summary"]
    status = results["status"] + (f", edition {results['edition']}" if results["edition"] else "")
    lines = [
        f"# {said(results['organisation'])}: GitOps audit {results['quarter']} ({status})",
        "",
        f"Classification: {said(results['classification'])}",
        "",
        *(line for text in summary["sentences"] for line in (said(text), "")),
        "**"
        + " · ".join(f"{_SYMBOLS[c['conclusion']]} {c['count']} {c['conclusion']}" for c in summary["counts"])
        + "**",
        "",
    ]
    if summary["findings"]:
        lines += [
            "## What to act on first",
            "",
            "| control | severity | failed | waived | what, and what to do | owner | due |",
            "|---|---|--:|--:|---|---|---|",
        ]
        lines += [
            f"| {c['id']} | {c['severity']} | {c['exception_count']} | {c['waived_count']} | {said(c['title'])}. → {said(c['remedy'])} "
            f"| {said(c['owner']) or 'nobody named'} | {c['due'] or '–'} |"
            for c in summary["findings"]
        ]
        lines.append("")
    lines += _worse(results)
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
        f"| {control['id']} | {said(control['title'])} | {tested} | {control['exception_count']:,} "
        f"| {control['waived_count']:,} | {_SYMBOLS[control['conclusion']]} {control['conclusion']} |"
    )


def _worse(results: Mapping[str, Any]) -> list[str]:
    """What got worse since the quarter before, a line each."""
    report = result.of_plain(results)
    lines = [f"## What got worse since {report.previous_quarter}", ""]
    for one in since.worse(report.controls, report.figures):
        if one.figure is None:
            before, now = (
                f"{conclusion}{'' if count is None else f' ({count:,} open)'}"
                for conclusion, count in zip(one.conclusions, one.open, strict=True)
            )
            lines.append(f"- {one.control} {said(one.title)}: {before} → {now}")
        else:
            values = (one.figure.previous, one.figure.value)
            before, now = ("–" if each is None else figure(each, one.figure.unit) for each in values)
            lines.append(f"- {said(one.title)}: {before} → {now}")
    if len(lines) == 2:
        known = any(control.previous for control in report.controls)
        lines.append(
            "Nothing that was tested in both quarters."
            if known
            else "Not known: the quarter before was not judged."
        )
    return [*lines, ""]


def said(text: str) -> str:
    """`escape`, for readers that make links and mentions of bare text."""
    return _JOINED.sub("\u2060", escape(text))


def escape(text: str, *, longest: int | None = _LONGEST) -> str:
    """One line of plain text, cut after so many characters: nothing in it is a mark, a link, a mention or a line of its own."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    whole = longest is None or len(line) <= longest
    return _MARKS.sub(r"\\\1", line if whole else f"{line[:longest]}…")
