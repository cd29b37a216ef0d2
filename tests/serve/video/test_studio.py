"""Videos under way: cancelled, left to the next worker, and ended by a crash that takes nothing with it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from tests import clips, packages
from tests.deploying import Home
from tests.house import until

from sightloop.serve.video import filming
from sightloop.serve.video.studio import Studio, folder_of
from sightloop.store import videos
from sightloop.values.video import Handling, Stage, Video

FRAMES = 1500


@pytest.fixture
def home(make_home: Callable[..., Home]) -> Home:
    """A home in which the detector of squares is deployed."""
    home = make_home()
    home.deploy(packages.squares())
    return home


@pytest.fixture
def video(home: Home, tmp_path: Path) -> Video:
    """A video of a minute that waits for a worker."""
    clip = clips.write(tmp_path / "clip.mp4", FRAMES, preset="ultrafast")
    with home.database.write() as connection:
        video = videos.open(connection, "squares", "clip.mp4", 1, Handling())
        folder_of(home.settings, video.id).mkdir(parents=True)
        clip.rename(folder_of(home.settings, video.id) / filming.SOURCE)
        return videos.receive(connection, video.id, 1)


def seen(home: Home, video: Video) -> Video:
    with home.database.read() as connection:
        return videos.get(connection, video.id)


def begun(home: Home, video: Video) -> None:
    """Wait until some of it is done."""
    until(lambda: seen(home, video).done > 0, 60, 0.02)


def test_a_video_under_way_is_cancelled(home: Home, video: Video) -> None:
    with Studio(home.settings, home.database, home.blobs):
        begun(home, video)
        assert (seen(home, video).eta or 0) > 0
        with home.database.write() as connection:
            videos.request_cancel(connection, video.id)
        ended = until(lambda: (now := seen(home, video)).stage.ended and now, 30)
    assert ended.stage is Stage.CANCELLED
    assert [path.name for path in folder_of(home.settings, video.id).iterdir()] == [filming.SOURCE]


def test_a_worker_that_ends_leaves_the_video_to_the_next(home: Home, video: Video) -> None:
    with Studio(home.settings, home.database, home.blobs):
        begun(home, video)
    assert seen(home, video).stage is Stage.RUNNING
    with Studio(home.settings, home.database, home.blobs):
        ended = until(lambda: (now := seen(home, video)).stage.ended and now, 120)
    assert (ended.stage, ended.result["frames"], ended.result["things"]) == (Stage.SUCCEEDED, FRAMES, 2)


def test_a_crash_ends_one_video_and_not_the_worker(home: Home, video: Video) -> None:
    studio = Studio(home.settings, home.database, home.blobs)
    working = threading.Thread(target=studio.work)
    working.start()
    begun(home, video)
    for child in psutil.Process().children():
        if "sightloop.compute.child" in child.cmdline():
            os.kill(child.pid, signal.SIGSEGV)
    working.join(30)
    ended = seen(home, video)
    assert (ended.stage, (ended.error or "").partition(";")[0]) == (Stage.FAILED, "the work died with exit code -11")
    assert not studio.work()  # nothing waits any more
