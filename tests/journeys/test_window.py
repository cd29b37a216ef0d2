"""`sightloop stream` in a window on a real screen, though a virtual one: what was found stands in the picture.

OpenCV comes without windows, and one that has them would lie over it; `make test-servers` puts one beside. Without it,
or without Xvfb, this is skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests import clips, packages
from tests.deploying import Home, write_recipes
from tests.house import House, until

from sightloop.settings import Settings

pytestmark = pytest.mark.journey

WINDOWS = os.environ.get("SIGHTLOOP_TEST_WINDOWS")  # before the settings of a test clear the environment
HIGH, WIDE = 600, 800
RED, TEXT = (230, 20, 20), (80, 220, 80)


class Screen:
    """A screen of 800 x 600 without a monitor."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._picture = folder / "Xvfb_screen0"
        reading, writing = os.pipe()
        words = ["-screen", "0", f"{WIDE}x{HIGH}x24", "-fbdir", str(folder), "-nolisten", "tcp"]
        self._process = subprocess.Popen(["Xvfb", "-displayfd", str(writing), *words], pass_fds=[writing])
        os.close(writing)
        with os.fdopen(reading) as told:
            self.name = f":{told.readline().strip()}"

    def pixels(self) -> NDArray[np.uint8]:
        """What it shows, (600, 800, 3) in RGB; the file is an X window dump."""
        data = self._picture.read_bytes()
        first = int.from_bytes(data[:4], "big") + 12 * int.from_bytes(data[76:80], "big")
        rows = np.frombuffer(data[first : first + 4 * WIDE * HIGH], np.uint8).reshape(HIGH, WIDE, 4)
        return rows[:, :, 2::-1]

    def shows(self, colour: tuple[int, int, int]) -> int:
        """How many of its pixels are nearly of this colour."""
        return int((np.abs(self.pixels().astype(int) - colour).max(axis=2) < 24).sum())

    def stop(self) -> None:
        """Switch it off."""
        self._process.terminate()
        self._process.wait(10)


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    if shutil.which("Xvfb") is None:
        pytest.skip("no virtual screen is installed (apt-get install xvfb)")
    made = Screen(tmp_path / "screen")
    yield made
    made.stop()


def test_a_window_shows_the_boxes(make_settings: Callable[..., Settings], tmp_path: Path, screen: Screen) -> None:
    if not WINDOWS:
        pytest.skip("no OpenCV with windows: `make test-servers` has one and names it in the environment")
    home = Home(make_settings(home=tmp_path / "house" / "home", recipes=write_recipes(tmp_path / "recipes")))
    home.deploy(packages.squares())
    home.database.close()
    house = House(home.settings.home, recipes=home.settings.recipes)
    film = clips.write(
        tmp_path / "film.mp4", 2000, lambda _: packages.painted(("red", 1, 2), height=240, width=360), crf="20"
    )
    environment = house.environment | {"DISPLAY": screen.name, "PYTHONPATH": WINDOWS}
    words = ["stream", "squares", "--source", str(film), "--local"]
    with subprocess.Popen([sys.executable, "-m", "sightloop.cli.main", *words], env=environment) as process:
        try:
            until(lambda: screen.shows(RED) > 1000 and screen.shows(TEXT) > 100, 60)
            assert process.poll() is None
        finally:
            process.terminate()
