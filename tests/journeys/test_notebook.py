"""The tour runs from its first cell to its last, and shows what it says that it shows.

Its digits are learned by a small recipe in place of the one that ships, whose trainings take most of a minute.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from tests import tens


def printed(notebook: NotebookNode) -> str:
    """All that the cells printed."""
    return "".join(output.text for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output)


@pytest.mark.journey
def test_the_tour_goes_once_round_the_loop(tmp_path: Path, empty_mlflow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tens.RECIPE.replace('"tens"', '"digits"').replace('"logistic"', '"mlp"').replace("accuracy = 0.6", "")
    monkeypatch.setenv("SIGHTLOOP_RECIPES", str(tens.write(tmp_path / "recipes", recipe)))
    monkeypatch.setenv("SIGHTLOOP_MLFLOW_URL", f"sqlite:///{shutil.copy(empty_mlflow, tmp_path)}")
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where the tour makes its home
    path = Path(__file__).parents[2] / "notebooks" / "tour.ipynb"
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call] # it carries no types for it
    NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output.data for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    assert len([one for one in shown if "<svg" in one.get("text/html", "")]) == 3
    text = printed(notebook)
    assert "succeeded with version 1" in text
    assert "with version 2 on dataset version 2" in text
    assert "added=" in text
