"""Every notebook runs from top to bottom on an organisation's quarter, and is stored without outputs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from jupyter_client import KernelManager
from nbclient import NotebookClient

from tests.integration.conftest import Acted

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.fixture(scope="module")
def kernel(acted: Acted) -> Iterator[KernelManager]:
    """One for all notebooks, each of which finds it empty: what they import takes longer than what they do."""
    acted.quarter("2026Q3")
    manager = KernelManager()
    named = {"AUDIT_SETTINGS": str(acted.folder / "audit.toml"), "AUDIT_QUARTER": "2026Q3"}
    manager.start_kernel(cwd=str(FOLDER), env=os.environ | named)
    yield manager
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, kernel: KernelManager) -> None:
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.cells.insert(0, nbformat.v4.new_code_cell("%reset -f"))
    NotebookClient(notebook, timeout=300, km=kernel).execute()
    assert all(cell.execution_count for cell in code)
    drawn = [output for cell in code for output in cell.outputs if "image/png" in output.get("data", {})]
    assert drawn or "matplotlib" not in "".join(cell.source for cell in code)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells
    assert [
        cell for cell in cells if cell.cell_type == "code" and (cell.outputs or cell.execution_count)
    ] == []
