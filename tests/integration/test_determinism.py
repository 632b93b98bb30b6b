"""The same evidence, settings and version give the same bytes, in another folder, process, time zone and hash seed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from audit.simulator.organisation import simulate


def _run(folder: Path, **environment: str) -> dict[str, str]:
    """sha256 of everything that a run leaves for a quarter, by name."""
    simulate(folder, seed=5, changes=60, log_events=3_000)
    command = [
        sys.executable,
        "-m",
        "audit.cli",
        "run",
        "--quarter",
        "2026Q3",
        "--as-of",
        "2026-10-05T06:00:00Z",
    ]
    done = subprocess.run(
        [*command, "--settings", str(folder / "audit.toml")],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    quarter = folder / "audit-store" / "quarters" / "2026Q3"
    files = [*sorted(quarter.rglob("*")), *sorted((folder / "audit-store" / "tables").rglob("*.parquet"))]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file()
    }


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    first = _run(tmp_path / "here", PYTHONHASHSEED="1", TZ="UTC")
    second = _run(tmp_path / "a" / "deeper folder", PYTHONHASHSEED="2", TZ="Pacific/Auckland")
    assert first == second
    assert {Path(name).name for name in first} >= {"report.pdf", "results.json", "landings.parquet"}
