"""The wheel carries templates and fonts, and renders where nothing else of the source tree is."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]

RENDER = """
import sys
sys.path.append({here!r})
from pathlib import Path
import report_tables as made
from audit.report import model, pdf, templates
assert templates.folder().parts[-3:] == ("audit", "report", "templates"), templates.folder()
report = model.build(made.quarter(3, 2), made.settings(), made.PERIOD, as_of=made.AS_OF, version="0.1.0", catalogue=made.CATALOGUE)
pdf.render(report, Path("report.pdf"))
"""


def test_a_wheel_renders_away_from_the_source_tree(tmp_path: Path) -> None:
    built = tmp_path / "dist"
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    installed = tmp_path / "site"
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        wheel.extractall(installed)
    assert (installed / "audit/report/templates/fonts/OFL.txt").exists()
    code = RENDER.format(here=str(Path(__file__).parent))
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-1.7")
