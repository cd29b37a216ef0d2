"""A camera is watched, by a model in this process or by a server, through cuts of either."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests import cameras, clips, packages
from tests.cameras import stamped
from tests.deploying import Home
from tests.house import House, until

from sightloop.errors import BadInput, NotFound
from sightloop.serve.sight import Sight
from sightloop.serve.streams.camera import Camera
from sightloop.serve.streams.watching import Seen, with_model, with_server


def digit(_number: int) -> NDArray[np.uint8]:
    """A picture of a grey wall, large enough for a clock."""
    return np.full((400, 400, 3), 90, np.uint8)


@pytest.fixture
def camera() -> Iterator[cameras.Camera]:
    with cameras.Camera(digit) as camera:
        yield camera


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A short video of 10 frames."""
    return clips.write(tmp_path / "film.mp4", 10)


class Watcher:
    """Collects what is seen in a thread of its own."""

    def __init__(self, seen: Iterator[Seen]) -> None:
        self.count = 0
        self.last: Seen | None = None
        self._stop = False
        self._thread = threading.Thread(target=self._take, args=(seen,))
        self._thread.start()

    def _take(self, seen: Iterator[Seen]) -> None:
        for self.last in seen:
            self.count += 1
            if self._stop:
                return

    def goes_on(self) -> None:
        """Wait until a frame that was made from now on has been answered."""
        now = time.monotonic()
        until(lambda: self.last is not None and stamped(self.last.shot.pixels) > now, 30)

    def stop(self) -> None:
        """Take one more, and end."""
        self._stop = True
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.mark.journey
def test_a_stream_survives_cuts_of_the_camera_and_of_the_server(
    make_home: Callable[..., Home], camera: cameras.Camera
) -> None:
    home = make_home()
    home.deploy(packages.digits())
    house = House(home.settings.home, recipes=home.settings.recipes)
    told: list[str] = []
    try:
        house.start("serve")
        house.ready()
        with Camera(camera.url) as source:
            url = f"ws://127.0.0.1:{house.port}/v1/digits/stream"
            watcher = Watcher(with_server(source, url, told.append))
            watcher.goes_on()
            camera.cut()
            until(lambda: source.cuts, 20)
            camera.restore()
            watcher.goes_on()
            house.kill("serve")
            until(lambda: told, 20)
            house.start("serve")
            watcher.goes_on()
            watcher.stop()
    finally:
        house.stop()
    assert watcher.last is not None
    assert watcher.last.said["prediction"]["project"] == "digits"


def test_a_model_in_this_process_answers_the_newest_frame(camera: cameras.Camera) -> None:
    with Camera(camera.url) as source:
        watcher = Watcher(with_model(source, Sight(packages.digits())))
        watcher.goes_on()
        camera.cut()
        until(lambda: source.cuts, 20)
        camera.restore()
        watcher.goes_on()
        watcher.stop()
    assert watcher.last is not None
    assert watcher.last.said["prediction"]["label"] in packages.DIGITS.classes


def test_a_file_is_seen_to_its_last_frame(film: Path) -> None:
    with Camera(str(film)) as source:
        seen = list(with_model(source, Sight(packages.digits())))
    assert seen[-1].shot.number == 10
    assert [one.shot.number for one in seen] == sorted({one.shot.number for one in seen})


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    for name in ("text.mp4", "nothing.mp4"):
        with pytest.raises(BadInput, match="cannot be read as a video"), Camera(str(tmp_path / name)):
            pass


def test_a_project_that_the_server_lacks_ends_the_stream(make_home: Callable[..., Home], film: Path) -> None:
    home = make_home()
    house = House(home.settings.home, recipes=home.settings.recipes)
    try:
        house.start("serve")
        until(lambda: house._answers("/health"), 60)
        with Camera(str(film)) as source, pytest.raises(NotFound, match="nope"):
            list(with_server(source, f"ws://127.0.0.1:{house.port}/v1/nope/stream", lambda _: None))
    finally:
        house.stop()
