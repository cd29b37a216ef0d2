"""An import that is killed half way is begun again, and then nothing is missing and nothing there twice."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np
import pytest
from tests.house import House, until

COUNT = 6000


def picture(number: int) -> bytes:
    """A picture of 28 x 28 pixels, another one for each number."""
    pixels = np.zeros((28, 28), np.uint8)
    pixels[:2] = np.frombuffer(number.to_bytes(2, "big") * 28, np.uint8).reshape(2, 28)
    return bytes(cv2.imencode(".png", pixels)[1].tobytes())


def in_folder(path: Path) -> str:
    for number in range(COUNT):
        folder = path / "set" / str(number % 10)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.png").write_bytes(picture(number))
    return str(path / "set")


def in_zip(path: Path) -> str:
    with ZipFile(path / "set.zip", "w") as archive:
        for number in range(COUNT):
            archive.writestr(f"{number % 10}/{number}.png", picture(number))
    return str(path / "set.zip")


def count(home: Path, table: str) -> int:
    with closing(sqlite3.connect(home / "sightloop.db")) as database:
        try:
            found = database.execute(
                f"SELECT count(*), count(DISTINCT {'digest' if table == 'samples' else 'sample'}) FROM {table}"
            )
            rows, different = found.fetchone()
        except sqlite3.OperationalError:
            return 0  # its tables are not there yet
    assert rows == different
    return int(rows)


@pytest.mark.journey
@pytest.mark.parametrize("stored", [in_folder, in_zip])
def test_an_import_goes_on_after_a_kill(stored: Callable[[Path], str], tmp_path: Path) -> None:
    where = stored(tmp_path)
    house = House(tmp_path / "home")
    house.home.mkdir()
    begun = subprocess.Popen(
        [sys.executable, "-m", "sightloop.cli.main", "data", "import", "digits", where],
        env=house.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: count(house.home, "samples"), every=0.01)
    finally:
        begun.kill()
        begun.wait()
    stored_before = count(house.home, "samples")
    assert 0 < stored_before < COUNT

    done = house.command("data", "import", "digits", where)
    assert f"{COUNT - stored_before} added, {stored_before} known, 0 of them labelled anew, 0 rejected" in done.stderr
    assert count(house.home, "samples") == count(house.home, "annotations") == COUNT
    again = house.command("data", "import", "digits", where)
    assert f"0 added, {COUNT} known, 0 of them labelled anew" in again.stderr
