"""Pages look as they did when somebody last looked at them: pictures in `golden/`, made anew by `make golden`.

Compared as pixels, with room for what another version of the text layout moves by a hair, and none for a clipped
cell, a lost colour or a chart that is gone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import report_tables as made
from PIL import Image
from verified import CONTROLS

from audit.report import model, pdf, themes

GOLDEN = Path(__file__).parent / "golden"
SECTIONS = ("cover", "summary", "trends", "matrix", "controls", "reconciliation", "changes", "sign-off")
HOSTILE = "<b>Überschrift</b> =1+1 \u202eevil\u202c 🚀 " + "w" * 400
DOTS = 50  # an inch
APART = 48  # of 255: a pixel that differs by more is another one
SHARE = 0.002  # of a page's pixels that may be other ones


def _rendered(folder: Path) -> list[Path]:
    """Pictures of the pages of a small report with hostile text in it, in order."""
    (folder / "theme").mkdir()
    names = ", ".join(f'"{name}"' for name in SECTIONS)
    (folder / "theme" / "theme.toml").write_text(f"sections = [{names}]\n", encoding="utf-8")
    tables = made.quarter(6, 4)
    for name in ("conclusions", "exceptions"):
        tables[name] = tables[name][tables[name]["control"].isin(CONTROLS)].reset_index(drop=True)
    tables["landings"] = tables["landings"].assign(subject=HOSTILE)
    report = model.build(
        tables, made.settings(), made.PERIOD, as_of=made.AS_OF, version="0.1.0",
        catalogue=[entry for entry in made.CATALOGUE if entry.id in CONTROLS], theme=themes.read(folder / "theme"),
    )  # fmt: skip
    pdf.render(report, folder / "report.pdf")
    subprocess.run(
        ["pdftoppm", "-r", str(DOTS), "-gray", "-png", "report.pdf", "page"],
        cwd=folder,
        check=True,
        timeout=120,
    )
    return sorted(folder.glob("page-*.png"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    found = _rendered(tmp_path_factory.mktemp("golden"))
    if os.environ.get("GOLDEN") == "renew":
        shutil.rmtree(GOLDEN, ignore_errors=True)
        GOLDEN.mkdir()
        for path in found:
            Image.open(path).quantize(16).save(GOLDEN / path.name, optimize=True)
    return found


def apart(one: Path, other: Path) -> float:
    """The share of pixels that differ between two pictures of a page; 1 where their sizes do."""
    first, second = (np.asarray(Image.open(path).convert("L"), dtype=np.int16) for path in (one, other))
    return float((np.abs(first - second) > APART).mean()) if first.shape == second.shape else 1.0


def test_every_page_looks_as_it_did(pictures: list[Path]) -> None:
    assert [path.name for path in pictures] == sorted(path.name for path in GOLDEN.glob("*.png"))
    different = {path.name: apart(path, GOLDEN / path.name) for path in pictures}
    assert max(different.values()) <= SHARE, f"look at the pages, then 'make golden': {different}"


def test_a_line_that_is_lost_is_seen(pictures: list[Path], tmp_path: Path) -> None:
    """The room that is left is too small for a row of a table to go unnoticed."""
    page = Image.open(pictures[1]).convert("L")
    width, height = page.size
    ink = np.asarray(page).min(axis=1) < 128
    first = int(np.flatnonzero(ink)[len(np.flatnonzero(ink)) // 2])
    page.paste(255, (0, first, width, min(height, first + 2 * DOTS // 3)))
    page.save(tmp_path / "lost.png")
    assert apart(pictures[1], tmp_path / "lost.png") > SHARE
