"""Where videos are worked off, one after the other: each in a child process, and gone on with after a crash."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from sightloop import plugins
from sightloop.errors import Cancelled, NotReady, SightloopError
from sightloop.serve.video import filming
from sightloop.settings import Settings
from sightloop.store import deployments, leases, packages, versions, videos
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database, may_pass
from sightloop.store.patience import patiently
from sightloop.values.package import CARD
from sightloop.values.video import Stage, Video

_WORK = "sightloop.serve.video.filming:make"


def folder_of(settings: Settings, id: str) -> Path:
    """The folder of a video's files; server and worker share the home."""
    return settings.home.resolve() / "videos" / id


class Left(Exception):
    """The worker is to end, or another one has the video now: nothing more is done to it here."""


class Studio:
    """Works off the videos of one home in a thread while it is entered, under the lease of the process `worker`.

    `video` is the one under way; whoever made the studio renews its lease meanwhile.
    """

    def __init__(self, settings: Settings, database: Database, blobs: Blobs, worker: str) -> None:
        self._settings, self._database, self._blobs, self._worker = settings, database, blobs, worker
        self.video: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work_all, name="studio", daemon=True)

    def __enter__(self) -> Self:
        """Begin; a video that a killed worker left goes on first."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End; a video under way is left to be gone on with."""
        self.stop()
        self._thread.join()

    def stop(self) -> None:
        """End soon."""
        self._stop.set()

    def work(self) -> bool:
        """Work off the next video; whether there was one."""
        video = self._take()
        if video is None:
            return False
        self.video = video.id
        try:
            self._end(video, *self._outcome(video))
        except Left as left:
            _log().info("video left", video=video.id, reason=str(left))
        finally:
            self.video = None
        return True

    def _work_all(self) -> None:
        while not self._stop.is_set():
            try:
                if self.work():
                    continue
            except Exception:  # a fault of the database, perhaps; the next look may go better
                _log().exception("videos cannot be worked off")
            self._stop.wait(self._settings.poll_seconds)

    def _take(self) -> Video | None:
        """The next video, which nobody else may work on now."""
        with self._database.read() as connection:
            waiting = videos.waiting(connection, self._worker)
        for video in waiting:
            # Workers on other machines may share the database; a video is worked off where its files are.
            if folder_of(self._settings, video.id).is_dir():
                with self._database.write() as connection:
                    if leases.VIDEOS.take(connection, video.id, self._worker):
                        return videos.get(connection, video.id)
        return None

    def _outcome(self, video: Video) -> tuple[Stage, dict[str, Any] | None, str | None]:
        """How the video ended, what came out, and what is wrong with it. Raises Left."""
        try:
            result = self._make(video)
        except SightloopError as error:
            return Stage.CANCELLED if isinstance(error, Cancelled) else Stage.FAILED, None, str(error)
        broken = result.pop("broken", None)
        return Stage.FAILED if broken else Stage.SUCCEEDED, result, broken

    def _make(self, video: Video) -> dict[str, Any]:
        if video.cancelling:
            raise Cancelled("the video was cancelled")
        folder = folder_of(self._settings, video.id)
        self._lay(video, folder)
        payload = filming.order(folder, video.handling, self._settings)
        made: dict[str, Any] = plugins.load("compute", "local").run(
            _WORK,
            payload,
            environment=self._settings.environment,
            listener=self._listener(video.id),
            cancelled=self._ending(video.id),
        )
        return made

    def _lay(self, video: Video, folder: Path) -> None:
        """Lay the video's model beside it: the whole video has one, even if another is promoted."""
        with self._holding(video.id) as connection:
            number = video.version
            if number is None:
                present = deployments.current(connection, video.project)
                if present is None:
                    raise NotReady(
                        f"{video.project} has no model yet", hint=f"Train one: sightloop train {video.project}"
                    )
                number = present.champion.version
                videos.change(connection, video.id, version=number)
            digest = versions.get(connection, video.project, number).package
        if not (folder / filming.PACKAGE / CARD).is_file():
            packages.load(self._blobs, digest).write(folder / filming.PACKAGE)

    def _listener(self, id: str) -> Callable[[dict[str, Any]], None]:
        def listen(event: dict[str, Any]) -> None:
            try:
                with self._holding(id) as connection:
                    videos.change(connection, id, **event)
            except SQLAlchemyError as error:
                if not may_pass(error):  # if it may, what is told next will do
                    raise

        return listen

    def _ending(self, id: str) -> Callable[[], bool]:
        def ending() -> bool:
            self._heed()
            try:
                with self._database.read() as connection:
                    video = videos.get(connection, id)
            except SQLAlchemyError as error:
                if may_pass(error):  # while it is away nobody can ask for anything
                    return False
                raise
            if video.worker != self._worker:
                raise _lost(video)
            return video.cancelling

        return ending

    @contextmanager
    def _holding(self, id: str) -> Iterator[Connection]:
        """A transaction in which this worker has the video for certain. Raises Left."""
        with self._database.write() as connection:
            if not leases.VIDEOS.hold(connection, id, self._worker):
                raise _lost(videos.get(connection, id))
            yield connection

    def _heed(self) -> None:
        if self._stop.is_set():
            raise Left("the worker ends")

    def _end(self, video: Video, stage: Stage, result: dict[str, Any] | None, error: str | None) -> None:
        def note() -> None:
            with self._holding(video.id) as connection:
                videos.finish(connection, video.id, stage, result, error)

        patiently(note, self._heed)
        folder = folder_of(self._settings, video.id)
        shutil.rmtree(folder / filming.PIECES, ignore_errors=True)
        shutil.rmtree(folder / filming.PACKAGE, ignore_errors=True)
        _log().info("video", video=video.id, stage=str(stage), error=error)


def _lost(video: Video) -> Left:
    return Left(f"{video.worker or 'nobody'} has it now: {video.stage}")


def _log() -> Any:
    return structlog.get_logger("sightloop.studio")
