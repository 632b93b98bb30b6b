"""The command that looks whether a run can go well."""

from __future__ import annotations

import json
from dataclasses import asdict

from audit import doctor as examination
from audit.cli.options import DEFAULT_SETTINGS, AsJson, AsOf, SettingsPath, moment_of, out
from audit.errors import ExitCode
from audit.report.words import printable
from audit.terminal import tell

_SYMBOLS = {"ok": "✓", "warn": "!", "bad": "✗"}
_STYLES = {"ok": "green", "warn": "yellow", "bad": "red"}


def doctor(
    settings: SettingsPath = DEFAULT_SETTINGS, as_of: AsOf = None, as_json: AsJson = False
) -> ExitCode:
    """Look whether all is there that a run needs; say what to do where it is not.

    Changes nothing. Settings, roster, keys, git, libraries, Pango, fonts, disk, the store's chain, each source (reached, listed, one object
    read), each repository, and whether the last quarter is covered. Ends with 0 when nothing is bad, else with the code
    that a run would end with. Example: audit doctor --settings audit.toml
    """
    lines = []
    for line in examination.examine(settings, moment_of(as_of)):
        lines.append(line)
        if not as_json:
            for says in line.says.split("\n"):  # several errors of one file
                said = f"{_SYMBOLS[line.state]} {line.area}: {printable(says)}"
                tell(out, said, style=_STYLES[line.state])
            if line.remedy:
                tell(out, f"    Remedy: {printable(line.remedy)}")
    code = examination.exit_code(lines)
    if as_json:
        found = [asdict(line) for line in lines]
        print(json.dumps({"exit_code": int(code), "findings": found}, indent=1, sort_keys=True))
    return code
