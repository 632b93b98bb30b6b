"""Writes the reference documents from the code, or checks that they agree with it.

`python -m scripts.generate_docs` writes docs/reference/; `--check` fails when a file there differs.
"""

from __future__ import annotations

import contextlib
import io
import sys
import textwrap
from pathlib import Path

from audit import tables as t
from audit.cli import COMMANDS, main
from audit.controls import registry
from audit.controls.clauses import CLAUSES, reason
from audit.controls.interface import Example
from audit.settings_template import commented
from scripts import python_reference

FOLDER = Path(__file__).parent.parent / "docs" / "reference"
_NOTE = "<!-- Written by `make docs` from the code: change the code, not this file. -->\n\n"


def data_dictionary() -> str:
    """Every table with its columns, from their declarations."""
    parts = ["# Data dictionary\n", _NOTE, "Times are UTC. A column is required unless it says optional.\n"]
    for name, table in t.TABLES.items():
        meta = t.meta(table)
        title, says = f"{table.to_schema().title}.", str(table.__doc__)
        parts.append(f"\n## {name}\n\n{says if says.startswith(title) else f'{title} {says}'}\n")
        time = f" · **Time**: `{meta['time']}`" if "time" in meta else ""
        parts.append(
            f"\n**Made by**: {meta['stage']} · **Source**: {meta['source']} · "
            f"**Key**: {', '.join(f'`{c}`' for c in t.key(table))}{time}\n\n"
            "| column | type | unit | meaning |\n|---|---|---|---|\n"
        )
        for column in t.describe(table).itertuples():
            optional = " *Optional.*" if column.optional else ""
            parts.append(
                f"| `{column.column}` | {column.dtype} | {column.unit} | {column.meaning}.{optional} |\n"
            )
    return "".join(parts)


def settings() -> str:
    """Every key of audit.toml, as `audit init` writes it."""
    return f"# Settings\n\n{_NOTE}What `audit init` writes:\n\n```toml\n{commented()}```\n"


def controls() -> str:
    """The control catalogue, from the control files."""
    parts = ["# Controls\n\n", _NOTE]
    for page in registry.catalogue():
        frameworks = "; ".join(f"{name}: {', '.join(refs)}" for name, refs in page.frameworks.items() if refs)
        parts.append(
            f"## {page.id}: {page.title}\n\n**Clause**: {page.clause} · **Severity**: {page.severity}\n\n"
            f"**Why.** {page.why}\n\n**Evidence.** {page.evidence}\n\n**Needs.** {'; '.join(page.needs)}\n\n"
            f"**Limits.** {page.limits}\n\n**Remediation.** {page.remediation}\n\n**Frameworks.** {frameworks}\n\n"
        )
        parts += [_example(example) for example in page.examples]
    return "".join(parts).rstrip() + "\n"


def _example(example: Example) -> str:
    """One example of a control: what is given, what it concludes, which exceptions it finds."""
    without = f" Without: {', '.join(example.without)}." if example.without else ""
    settings = f" Settings: {example.settings}." if example.settings else ""
    given = textwrap.dedent(example.given).strip()
    found = textwrap.dedent(example.exceptions).strip()
    result = f"{given}\n\n→ {example.conclusion}" + (f"\n\n{found}" if found else "")
    return f"*Example: {example.title}.*{without}{settings}\n\n```text\n{result}\n```\n\n"


def policy() -> str:
    """Every clause of the policy with the controls that test it and the evidence that they need."""
    pages = {page.id: page for page in registry.catalogue()}
    parts = [
        "# The policy, clause by clause\n\n",
        _NOTE,
        "| clause | controls | evidence |\n|---|---|---|\n",
    ]
    for clause in CLAUSES:
        tested = [pages[name] for name in clause.controls if name in pages]
        links = ", ".join(f"[{page.id}](controls.md#{_anchor(page)})" for page in tested)
        needs = "; ".join(dict.fromkeys(need for page in tested for need in page.needs))
        parts.append(f"| {clause.path} | {links or 'none'} | {needs or reason(clause)} |\n")
    return "".join(parts)


def _anchor(page: registry.Page) -> str:
    """The anchor that a heading of the catalogue gets."""
    text = f"{page.id}: {page.title}".lower()
    return "".join(c for c in text.replace(" ", "-") if c.isalnum() or c in "-_")


def commands() -> str:
    """`--help` of every command."""
    parts = ["# Commands\n\n", _NOTE]
    for name in ("", *COMMANDS):
        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            main([*([name] if name else []), "--help"])
        lines = "\n".join(line.rstrip() for line in text.getvalue().strip().splitlines())
        parts.append(f"## audit {name}".rstrip() + f"\n\n```text\n{lines}\n```\n\n")
    return "".join(parts).rstrip() + "\n"


def python() -> str:
    """What `audit.open` leads to, from signatures and docstrings."""
    return f"# Python\n\n{_NOTE}What `import audit` gives.\n\n{python_reference.text()}".rstrip() + "\n"


DOCUMENTS = {
    "tables.md": data_dictionary,
    "settings.md": settings,
    "controls.md": controls,
    "policy.md": policy,
    "commands.md": commands,
    "python.md": python,
}


def run(check: bool) -> int:
    """Writes or checks every document; returns the exit code."""
    stale = []
    for name, make in DOCUMENTS.items():
        path, text = FOLDER / name, make()
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            stale.append(name)
        elif not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"docs/reference: {', '.join(stale)} differ from the code: run 'make docs'")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(run("--check" in sys.argv))
