"""What documents show besides the product's own commands is run as it stands: a shell, SQL, the interface's own example."""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import duckdb
import pytest

import audit
import audit.api
from audit.cli import demo
from tests.documented import commands, is_audit, of
from tests.integration.conftest import Acted, Ran


def in_a_shell(folder: Path, *lines: str) -> str:
    """What bash prints of lines, one after the other; the first that fails ends it."""
    done = subprocess.run(
        ["bash", "-euc", "\n".join(lines)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_tutorial_makes_audit_a_word_of_the_shell_in_the_folder_of_the_demonstration(
    acted: Acted, tmp_path: Path
) -> None:
    lines = [line for text in of("docs/tutorial.md", "sh") for line in commands(text) if not is_audit(line)]
    assert lines == ["make report", "source .venv/bin/activate", "cd build/demo/organisation-1-240-40000"]
    given = inspect.signature(demo.demo).parameters
    made = "-".join(str(given[name].default) for name in ("seed", "changes", "log_events"))
    assert lines[2] == f"cd {given['output'].default}/organisation-{made}"
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "build/demo").mkdir(parents=True)
    (tmp_path / "build/demo" / f"organisation-{made}").symlink_to(acted.folder)
    there, word = in_a_shell(tmp_path, *lines[1:], "pwd -P", "command -v audit").splitlines()
    assert Path(there) == acted.folder.resolve()
    assert Path(word).resolve() == Path(sys.executable).with_name("audit").resolve()


def test_the_key_of_the_guide_is_one(acted: Acted, tmp_path: Path) -> None:
    (key,) = [line for line in commands(of("docs/how-to/analyse.md", "sh")[0]) if not is_audit(line)]
    assert key == "head -c 32 /dev/urandom > pseudonyms.key"
    in_a_shell(tmp_path, key)
    assert len((tmp_path / "pseudonyms.key").read_bytes()) == 32


def test_sql_of_the_guide_is_run_over_an_exported_table(
    acted: Acted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export has the very tables: another test compares them."""
    acted.quarter("2026Q3")
    quarter = audit.open(acted.folder).quarter("2026Q3")
    (tmp_path / "exported").mkdir()
    shutil.copyfile(quarter.parquet("exceptions"), tmp_path / "exported" / "exceptions.parquet")
    monkeypatch.chdir(tmp_path)
    for text in of("docs/how-to/analyse.md", "sql"):
        found = duckdb.sql(text).df()
        assert found["exceptions"].sum() == len(quarter.exceptions) > 0
        assert set(found["control"]) == set(quarter.exceptions["control"])


def test_pages_of_a_report_become_pictures(ran: Ran, tmp_path: Path) -> None:
    """All of them as told, but for the pages after the second."""
    shutil.copyfile(ran.store / "quarters" / "2026Q3" / "report.pdf", tmp_path / "report.pdf")
    in_a_shell(tmp_path, "pdftoppm -r 80 -png report.pdf page -l 2")
    assert len(list(tmp_path.glob("page-*.png"))) == 2


def test_the_example_of_the_interface_runs(acted: Acted, monkeypatch: pytest.MonkeyPatch) -> None:
    acted.quarter("2026Q3")
    monkeypatch.chdir(acted.folder)
    said = inspect.getdoc(audit.api) or ""
    code = textwrap.dedent(said[said.index("    import audit") : said.index("\nEverything is read")])
    known: dict[str, object] = {}
    exec(compile(code, "audit.api", "exec"), known)
    assert known["quarter"].label == "2026Q3"  # type: ignore[attr-defined]
