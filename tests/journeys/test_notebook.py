"""The tour runs from its first cell to its last, and shows what it says that it shows."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode


def printed(notebook: NotebookNode) -> str:
    """All that the cells printed."""
    return "".join(output.text for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output)


@pytest.mark.journey
def test_the_tour_goes_once_round_the_loop(tmp_path: Path) -> None:
    path = Path(__file__).parents[2] / "notebooks" / "tour.ipynb"
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call] # it carries no types for it
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output.data for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    assert len([one for one in shown if "<svg" in one.get("text/html", "")]) == 3
    text = printed(notebook)
    assert text.count("it serves now") >= 1
    assert "'agrees': True" in text or "'agrees': False" in text
    assert "version 2 of digits" in text
