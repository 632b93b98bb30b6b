"""Settings, rosters, answers and tables of people that documents show are read by what reads them; packages can be had."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from audit.cli import main
from audit.normalise import roster
from audit.report import answers
from audit.settings import Settings, load
from tests.documented import is_not_run, of

NAMED = '[organisation]\nname = "NETBPF"\n'


def settings(folder: Path, text: str) -> Settings:
    (folder / "audit.toml").write_text(NAMED + text, encoding="utf-8")
    return load(folder / "audit.toml")


@pytest.mark.parametrize(
    "text",
    [
        *of("docs/how-to/who-must-act.md", "toml"),
        *of("docs/how-to/own-controls.md", "toml"),
        *of("docs/how-to/sign-the-report.md", "toml"),
        *of("docs/how-to/collect-github.md", "toml"),
    ],
)
def test_settings_that_a_document_shows_are_settings(text: str, tmp_path: Path) -> None:
    read = settings(tmp_path, text)
    assert read != settings(tmp_path, "")


def test_the_answers_of_the_guide_are_answers(tmp_path: Path) -> None:
    (text,) = of("docs/how-to/who-must-act.md", "yaml")
    (tmp_path / "responses.yaml").write_text(text, encoding="utf-8")
    read = answers.read(settings(tmp_path, '[report]\nresponses = "responses.yaml"\n'))
    assert [(one.target, one.owner) for one in read] == [
        ("CHG-03", "platform team"),
        ("CLU-01-0123456789", "checkout team"),
    ]


def test_the_rosters_of_the_guide_are_rosters(tmp_path: Path) -> None:
    whole, spans, other = of("docs/how-to/roster.md", "yaml")
    (sheet,) = of("docs/how-to/roster.md", "")

    def read(name: str, text: str) -> dict[str, object]:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return dict(roster.read(tmp_path / name))

    def indented(text: str, by: int) -> str:
        return "".join(" " * by + line + "\n" for line in text.splitlines())

    found = roster_of(read("whole.yaml", whole + indented(other, 2)))
    assert found == {"ada": 9}  # the second entry, its id among its names, is the same person
    held = read("spans.yaml", "people:\n  - id: ada\n    name: Ada Lindqvist\n" + indented(spans, 4))
    assert roster_of(held) == {"ada": 2}
    assert roster_of(read("sheet.csv", sheet)) == {"ada": 2}


def roster_of(read: dict[str, object]) -> dict[str, int]:
    """Person → how many names systems have for them."""
    identities = read["identities"]
    return dict(identities["person"].value_counts().sort_index())  # type: ignore[index]


@pytest.mark.parametrize(
    "text", [one for one in of("docs/how-to/bring-evidence.md", "text") if not is_not_run(one.split("\n")[0])]
)
def test_tables_of_people_that_the_guide_shows_are_evidence(
    text: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "table.csv").write_text(text, encoding="utf-8")
    assert main(["parse", str(tmp_path / "table.csv")]) == 0
    said = capfd.readouterr()
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert {row["table"] for row in rows} <= {"trainings", "break_glass_records"}
    assert len(rows) == len(text.splitlines()) - 1
    assert "0 quarantined" in said.err


@pytest.mark.parametrize(
    "line", ["pip install 'gitops-audit[dask]'", "pip install duckdb", "pip install 'pyhanko[pkcs11]'"]
)
def test_what_is_to_be_installed_is_there_under_that_name(line: str) -> None:
    """pip says itself that the lock has brought it, extras included, and looks nowhere else."""
    _, *words = shlex.split(line)
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words, "--dry-run", "--no-index", "--disable-pip-version-check"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Would install" not in done.stdout
    assert "WARNING" not in done.stderr  # it warns of an extra that there is not
