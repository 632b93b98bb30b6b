"""The same evidence, settings and version give the same bytes, in another folder, process, time zone and hash seed."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.integration.conftest import AS_OF_ARGUMENTS, Ran

STAGES = """
import sys
from audit.cli import main
settings, as_of = ["--settings", sys.argv[1]], sys.argv[2:]
quarter = ["--quarter", "2026Q3", *settings]
stages = ["collect", *settings, *as_of], ["mine", *settings, *as_of], ["build", *settings], ["check", *quarter], ["report", *quarter]
print([int(main(stage)) for stage in stages])
"""


def _left(folder: Path) -> dict[str, str]:
    """sha256 of everything that a quarter's run left, by name."""
    store = folder / "audit-store"
    files = [
        *sorted((store / "quarters" / "2026Q3").rglob("*")),
        *sorted((store / "tables").rglob("*.parquet")),
    ]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file()
    }


def test_the_stages_one_by_one_in_another_world_give_the_bytes_of_a_run(
    pristine: Path, ran: Ran, tmp_path: Path
) -> None:
    """Another folder, process, time zone and hash seed; and stages by themselves, which take up what others left."""
    folder = tmp_path / "a" / "deeper folder"
    shutil.copytree(pristine, folder)
    done = subprocess.run(
        [sys.executable, "-c", STAGES, str(folder / "audit.toml"), *AS_OF_ARGUMENTS],
        env=os.environ | {"PYTHONHASHSEED": "2", "TZ": "Pacific/Auckland"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[0, 0, 0, 1, 0]"
    there, here = _left(folder), _left(ran.folder)
    assert there == here
    assert {Path(name).name for name in here} >= {"report.pdf", "results.json", "landings.parquet"}
