"""rps' promise on real servers: samples in PostgreSQL, data by DVC to S3, runs in MLflow, three predictions retrain.

Through the built-in worker and through Airflow, here with small drawn hands and a network that learns them in seconds;
bench/servers.py does the same with photographs and MobileNet. MLflow's server and Airflow want environments of their
own, which `make test-servers` makes; without them these tests are skipped.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import pytest
from tests import promise
from tests.promise import Around

CLASSES = ("rock", "paper", "scissors")
SIDE = 64

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]


def venv(name: str) -> Path:
    """The environment that a server is started from, or a skip that says how to have it."""
    place = os.environ.get(f"SIGHTLOOP_TEST_{name.upper()}")
    if not place:
        pytest.skip(f"no environment for {name}: `make test-servers` makes one and names it in the environment")
    return Path(place)


def picture(label: str, number: int) -> bytes:
    """A hand as a child would draw it: a fist, or five fingers, or two, on green."""
    random = np.random.default_rng([CLASSES.index(label), number])
    pixels = np.full((SIDE, SIDE, 3), (40, 160, 40), np.uint8) + random.integers(0, 20, (SIDE, SIDE, 3), np.uint8)
    middle = random.integers(26, 38, 2)
    cv2.circle(pixels, middle.tolist(), 10, (150, 180, 230), -1)
    for turn in np.linspace(-1, 1, {"rock": 0, "paper": 5, "scissors": 2}[label]):
        angle = turn * (0.9 if label == "paper" else 0.4) - np.pi / 2 + random.normal(0, 0.1)
        tip = middle + 26 * np.array([np.cos(angle), np.sin(angle)])
        cv2.line(pixels, middle.tolist(), tip.astype(int).tolist(), (150, 180, 230), 5)
    return bytes(cv2.imencode(".png", pixels)[1])


def small(folder: Path) -> Path:
    """A folder with rps' own recipe, but for a small network that starts from nothing and learns in seconds."""
    text = resources.files("sightloop.recipes").joinpath("rps.toml").read_text(encoding="utf-8")
    for key, value in {"height": "64", "width": "64", "epochs": "6", "backbone": '"test_efficientnet"'}.items():
        text = re.sub(rf"(?m)^{key} = [^#\n]*", f"{key} = {value}", text)
    text = re.sub(r'(?m)^weights = "hub".*$', 'weights = "none"', text)
    text = re.sub(r"(?m)^background = .*$", "", text)
    text = re.sub(r"(?m)^floors = .*$", "floors = { accuracy = 0.3 }", text)
    folder.mkdir(parents=True)
    (folder / "rps.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Around]:
    """PostgreSQL, S3 and MLflow, each a process, and hands for rps."""
    place = venv("mlflow")
    folder = tmp_path_factory.mktemp("servers")
    for label in CLASSES:
        (folder / "pictures" / label).mkdir(parents=True)
        for number in range(60):
            (folder / "pictures" / label / f"{number}.png").write_bytes(picture(label, number))
    asked = [(folder / f"{label}.png", label) for label in CLASSES]
    for path, label in asked:
        path.write_bytes(picture(label, 1000))
    with promise.around(folder, place, folder / "pictures", asked, small(folder / "recipes")) as started:
        yield started


def test_the_worker_keeps_the_promise_on_postgresql_s3_and_mlflow(around: Around, tmp_path: Path) -> None:
    seen = promise.through_the_worker(around, tmp_path)
    assert seen["samples"]["in PostgreSQL"] == 3 * 60 + 2


def test_airflow_keeps_the_promise_step_by_step(around: Around, tmp_path: Path) -> None:
    seen = promise.through_airflow(around, tmp_path, venv("airflow"))
    assert set(seen["dag_run"]["task_seconds"]) > promise.TASKS
