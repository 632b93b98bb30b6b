"""The documents as a web site: `make site` makes all of them, strictly, and nothing in it comes from elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PARTS = ["Tutorial", "How to", "Reference", "Explanation", "Project"]


def made(docs: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """What `make site` ends with, without asking whether the virtual environment is as it should be."""
    command = [
        "make",
        "--silent",
        "--old-file=.venv/.installed",
        "site",
        f"BIN={Path(sys.executable).parent}",
    ]
    return subprocess.run(
        [*command, f"DOCS={docs}", f"SITE={site}"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "made"
    done = made(DOCS, folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_document_has_its_page_and_its_place_in_the_navigation(site: Path) -> None:
    front = (site / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'class="caption"[^>]*><span class="caption-text">([^<]+)<', front) == PARTS
    for path in DOCS.rglob("*.md"):
        page = path.relative_to(DOCS).with_suffix(".html")
        assert (site / page).is_file(), page
        assert page.name == "index.html" or f'href="{page}"' in front, page


def test_nothing_that_a_page_shows_or_runs_comes_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        assert not re.search(r'\bsrc="(?:https?:)?//', page), path
        assert not re.search(r'<link[^>]+href="(?:https?:)?//', page), path
    for path in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", path.read_text(encoding="utf-8")), (
            path
        )


def test_no_page_says_when_or_where_it_was_made(site: Path) -> None:
    for path in [*site.rglob("*.html"), site / "searchindex.js", site / ".buildinfo"]:
        page = path.read_text(encoding="utf-8")
        assert "Last updated" not in page
        assert str(ROOT) not in page


def test_the_diagram_stands_in_the_page_as_text_and_has_the_layers_in_the_order_of_the_imports(
    site: Path,
) -> None:
    page = (site / "architecture.html").read_text(encoding="utf-8")
    drawn = re.search(r"<svg[^>]*class=\"diagram\".+?</svg>", page, re.DOTALL)
    assert drawn
    words = [name for text in re.findall(r'class="name"[^>]*>([^<]+)<', drawn[0]) for name in re.findall(r"audit\.(\w+)", text)]  # fmt: skip
    flow = [name for name in words if name not in ("tables", "cli", "pipeline")]
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = contract["tool"]["importlinter"]["contracts"][0]["layers"]
    depth = {name: -number for number, line in enumerate(layers) for name in re.findall(r"\w+", line)}
    path = [name for name in flow if name not in ("git", "mine", "normalise", "build")]
    assert path == ["sources", "evidence", "joins", "metrics", "controls", "report"]
    assert [depth[name] for name in path] == sorted(depth[name] for name in path)
    assert {*words} >= {"git", "mine", "normalise", "build", "tables", "pipeline"}


def test_a_link_that_leads_nowhere_fails(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("conf.py", "site.css"):
        shutil.copyfile(DOCS / name, docs / name)
    (docs / "index.md").write_text("# One\n\n[two](#two) and [three](three.md)\n", encoding="utf-8")
    done = made(docs, tmp_path / "site")
    assert done.returncode != 0
    assert "'two'" in done.stderr
    assert "three.md" in done.stderr
