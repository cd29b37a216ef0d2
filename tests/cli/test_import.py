"""A model that Keras trained elsewhere becomes a version that is judged like any other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.house import House

SAVED = """
import sys
from sightloop.trainers.keras.graph import load_keras
keras = load_keras()
layers = keras.layers
keras.utils.set_random_seed(1)
model = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(16), layers.Dense(10)])
model.save(sys.argv[1])
"""


@pytest.mark.journey
def test_a_saved_model_is_checked_and_refused_where_it_is_worse(
    open_house: Callable[..., House], tmp_path: Path
) -> None:
    file = tmp_path / "untrained.keras"
    subprocess.run([sys.executable, "-c", SAVED, str(file)], check=True, capture_output=True)
    house = open_house()
    done = house.command("models", "import", "digits", str(file), "--channels", "grey", "--high", "1")
    assert "refused, the champion stays" in done.stdout
    assert "accuracy" in done.stdout

    nowhere = house.command("models", "import", "digits", "no.h5", "--channels", "grey", "--high", "1", check=False)
    assert nowhere.returncode != 0
    assert "there is no file" in nowhere.stderr
