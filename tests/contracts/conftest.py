"""Projects trained for the contracts, and hands to show them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests import drawn
from tests.house import House

from sightloop.data import recipes

SHIPPED = recipes.load(None)
GESTURES = SHIPPED["gestures"].classes


def hand(gesture: str, seed: int) -> NDArray[np.float32]:
    """A made-up hand (21, 3) in pixels: a shape for each gesture; size, place and tremor for each seed."""
    shape = np.random.default_rng(GESTURES.index(gesture)).normal(size=(21, 3))
    mood = np.random.default_rng(seed)
    points = (shape + mood.normal(scale=0.05, size=(21, 3))) * mood.uniform(40, 120)
    return (points + mood.uniform(100, 500, size=3) * [1, 1, 0]).astype(np.float32)


@pytest.fixture(scope="session")
def gestures_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which gestures was trained by the command line, on made-up hands."""
    folder = tmp_path_factory.mktemp("gestures")
    names = [f"{axis}{point}" for point in range(1, 22) for axis in "xyz"]
    with (folder / "hands.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*names, "label"])
        for gesture in GESTURES:
            rows.writerows([*hand(gesture, seed).ravel().tolist(), gesture] for seed in range(40))
    house = House(folder / "home", default_project="gestures")
    house.command("data", "import", "gestures", str(folder / "hands.csv"))
    house.command("train", "gestures")
    return folder / "home"


@pytest.fixture(scope="module")
def gestures(gestures_home: Path) -> Iterator[House]:
    """A server of the gestures project."""
    house = House(gestures_home, default_project="gestures")
    house.start("serve")
    house.ready()
    yield house
    house.stop()


@pytest.fixture
def digits(open_house: Callable[..., House]) -> House:
    """A server and a worker of the digits project."""
    return open_house("serve", "worker")


@pytest.fixture(scope="session")
def rps_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which rps was trained by the command line on drawn hands; its recipe lies beside it."""
    folder = tmp_path_factory.mktemp("rps")
    drawn.write(folder / "pictures", drawn.hand, SHIPPED["rps"].classes, 25)
    house = House(folder / "home", recipes=drawn.recipe(folder / "recipes", "rps"))
    house.command("data", "import", "rps", str(folder / "pictures"))
    house.command("train", "rps")
    return folder / "home"


@pytest.fixture(scope="module")
def rps(rps_home: Path) -> Iterator[House]:
    """A server and a worker of the rps project."""
    house = House(rps_home, default_project="rps", recipes=rps_home.parent / "recipes")
    house.start("serve")
    house.ready()
    house.start("worker")
    yield house
    house.stop()
