"""Videos under way: cancelled, left to the next worker, and ended by a crash that takes nothing with it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import structlog
from sqlalchemy import update
from tests import clips, packages
from tests.deploying import Home
from tests.house import until

from sightloop.serve.video import filming
from sightloop.serve.video.studio import Studio, folder_of
from sightloop.store import database, tables, videos
from sightloop.store.database import Database
from sightloop.values.video import Stage, Video

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
    return home.send("squares", clips.write(tmp_path / "clip.mp4", FRAMES, preset="ultrafast"))


def seen(home: Home, video: Video) -> Video:
    with home.database.read() as connection:
        return videos.get(connection, video.id)


def silence(home: Home) -> None:
    """Let it be long ago that the video's worker was heard of, as when its machine stood still."""
    with home.database.write() as connection:
        connection.execute(update(tables.videos).values(heard="2026-01-01T00:00:00.000000+00:00"))


def children() -> list[psutil.Process]:
    """The processes in which videos are made."""
    return [one for one in psutil.Process().children() if "sightloop.compute.child" in one.cmdline()]


def begun(home: Home, video: Video) -> None:
    """Wait until some of it is done."""
    until(lambda: seen(home, video).done > 0, 60, 0.02)


def test_a_video_under_way_is_cancelled(home: Home, video: Video) -> None:
    with Studio(home.settings, home.database, home.blobs, "ann"):
        begun(home, video)
        assert (seen(home, video).eta or 0) > 0
        with home.database.write() as connection:
            videos.request_cancel(connection, video.id)
        ended = until(lambda: (now := seen(home, video)).stage.ended and now, 30)
    assert ended.stage is Stage.CANCELLED
    assert [path.name for path in folder_of(home.settings, video.id).iterdir()] == [filming.SOURCE]


def test_a_worker_that_ends_leaves_the_video_to_the_next(home: Home, video: Video) -> None:
    with Studio(home.settings, home.database, home.blobs, "ann"):
        begun(home, video)
    assert seen(home, video).stage is Stage.RUNNING
    with Studio(home.settings, home.database, home.blobs, "ann"):
        ended = until(lambda: (now := seen(home, video)).stage.ended and now, 120)
    assert (ended.stage, ended.result["frames"], ended.result["things"]) == (Stage.SUCCEEDED, FRAMES, 2)


def test_of_two_workers_one_makes_the_video(
    make_home: Callable[..., Home], make_database: Callable[[], str], tmp_path: Path
) -> None:
    home = make_home(database_url=make_database())
    home.deploy(packages.squares())
    video = home.send("squares", clips.write(tmp_path / "clip.mp4", FRAMES, preset="ultrafast"))
    other = Database(home.settings.database)
    studios = [Studio(home.settings, one, home.blobs, name) for one, name in ((home.database, "ann"), (other, "bob"))]
    with studios[0], studios[1]:
        begun(home, video)
        assert sorted((studio.video for studio in studios), key=str) == [video.id, None]
        assert len(children()) == 1
        (had,) = (studio for studio in studios if studio.video)
        (free,) = (studio for studio in studios if not studio.video)
        with structlog.testing.capture_logs() as logs:
            silence(home)
            until(lambda: free.video and not had.video, 30, 0.02)
            had.stop()
        ended = until(lambda: (now := seen(home, video)).stage.ended and now, 120)
    assert [line["event"] for line in logs] == ["video left"]
    assert (ended.stage, ended.result["frames"], ended.result["things"]) == (Stage.SUCCEEDED, FRAMES, 2)
    other.close()


def test_a_video_is_made_once_while_the_database_is_away(
    home: Home, video: Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    own = Database(home.settings.database)
    film = folder_of(home.settings, video.id) / filming.FILM
    with structlog.testing.capture_logs() as logs, Studio(home.settings, own, home.blobs, "ann"):
        begun(home, video)
        (child,) = children()
        with home.database.write():  # locked from the middle to beyond the end
            until(film.is_file, 120)
            until(lambda: not child.is_running(), 30, 0.02)
            time.sleep(0.5)  # in which the end is to be written down
        ended = until(lambda: (now := seen(home, video)).stage.ended and now, 30)
    assert (ended.stage, ended.result["frames"]) == (Stage.SUCCEEDED, FRAMES)
    assert [line["event"] for line in logs] == ["video"]
    own.close()


def test_what_is_made_is_kept_until_its_end_is_written_down(
    home: Home, video: Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    own = Database(home.settings.database)
    folder = folder_of(home.settings, video.id)
    with Studio(home.settings, own, home.blobs, "ann") as studio:
        begun(home, video)
        (child,) = children()
        with home.database.write():
            until((folder / filming.FILM).is_file, 120)
            until(lambda: not child.is_running(), 30, 0.02)
            studio.stop()
            until(lambda: studio.video is None, 30, 0.02)
    made = {path.name: path.stat().st_mtime_ns for path in (folder / filming.PIECES).glob("*.json")}
    assert len(made) == FRAMES / filming.PIECE_FRAMES
    assert seen(home, video).stage is Stage.RUNNING
    with Studio(home.settings, home.database, home.blobs, "ann"):
        until(children)
        kept = {path.name: path.stat().st_mtime_ns for path in (folder / filming.PIECES).glob("*.json")}
        ended = until(lambda: (now := seen(home, video)).stage.ended and now, 60)
    assert kept == made
    assert (ended.stage, ended.result["frames"], ended.result["things"]) == (Stage.SUCCEEDED, FRAMES, 2)
    assert not (folder / filming.PIECES).exists()
    own.close()


def test_a_crash_ends_one_video_and_not_the_worker(home: Home, video: Video) -> None:
    studio = Studio(home.settings, home.database, home.blobs, "ann")
    working = threading.Thread(target=studio.work)
    working.start()
    begun(home, video)
    for child in children():
        child.send_signal(signal.SIGSEGV)
    working.join(30)
    ended = seen(home, video)
    assert (ended.stage, (ended.error or "").partition(";")[0]) == (Stage.FAILED, "the work died with exit code -11")
    assert not studio.work()  # nothing waits any more
