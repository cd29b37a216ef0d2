"""Where videos are worked off, one after the other: each in a child process, and gone on with after a crash."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import structlog

from sightloop import plugins
from sightloop.errors import Cancelled, NotReady, SightloopError
from sightloop.serve.video import filming
from sightloop.settings import Settings
from sightloop.store import deployments, packages, versions, videos
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database
from sightloop.values.package import CARD
from sightloop.values.video import Stage, Video

_WORK = "sightloop.serve.video.filming:make"


def folder_of(settings: Settings, id: str) -> Path:
    """The folder of a video's files; server and worker share the home."""
    return settings.home.resolve() / "videos" / id


class Studio:
    """Works off the videos of one home in a thread while it is entered."""

    def __init__(self, settings: Settings, database: Database, blobs: Blobs) -> None:
        self._settings, self._database, self._blobs = settings, database, blobs
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
        with self._database.read() as connection:
            waiting = videos.waiting(connection)
        # Workers on other machines may share the database; a video is worked off where its files are.
        video = next((one for one in waiting if folder_of(self._settings, one.id).is_dir()), None)
        if video is None:
            return False
        try:
            result = self._make(video)
        except SightloopError as error:
            if not self._stop.is_set():
                self._fail(video, error)
        else:
            broken = result.pop("broken", None)
            self._finish(video, Stage.FAILED if broken else Stage.SUCCEEDED, result, broken)
        return True

    def _work_all(self) -> None:
        while not self._stop.is_set():
            try:
                if self.work():
                    continue
            except Exception:  # a fault of the database, perhaps; the next look may go better
                structlog.get_logger("sightloop.studio").exception("videos cannot be worked off")
            self._stop.wait(self._settings.poll_seconds)

    def _make(self, video: Video) -> dict[str, Any]:
        if video.cancelling:
            raise Cancelled("the video was cancelled")
        folder = folder_of(self._settings, video.id)
        self._begin(video, folder)
        payload = filming.order(folder, video.handling, self._settings)
        made: dict[str, Any] = plugins.load("compute", "local").run(
            _WORK,
            payload,
            environment=self._settings.environment,
            listener=self._listener(video.id),
            cancelled=self._ending(video.id),
        )
        return made

    def _begin(self, video: Video, folder: Path) -> None:
        """Take the video, and lay its model beside it: the whole video has one, even if another is promoted."""
        with self._database.write() as connection:
            present = deployments.current(connection, video.project)
            if present is None and video.version is None:
                raise NotReady(f"{video.project} has no model yet", hint=f"Train one: sightloop train {video.project}")
            version = video.version if present is None else present.champion.version
            number = videos.begin(connection, video.id, version or 0).version or 0
            digest = versions.get(connection, video.project, number).package
        if not (folder / filming.PACKAGE / CARD).is_file():
            packages.load(self._blobs, digest).write(folder / filming.PACKAGE)

    def _listener(self, id: str) -> Callable[[dict[str, Any]], None]:
        def listen(event: dict[str, Any]) -> None:
            with self._database.write() as connection:
                videos.change(connection, id, **event)

        return listen

    def _ending(self, id: str) -> Callable[[], bool]:
        def ending() -> bool:
            if self._stop.is_set():
                return True
            with self._database.read() as connection:
                return videos.get(connection, id).cancelling

        return ending

    def _fail(self, video: Video, error: SightloopError) -> None:
        self._finish(video, Stage.CANCELLED if isinstance(error, Cancelled) else Stage.FAILED, None, str(error))

    def _finish(self, video: Video, stage: Stage, result: dict[str, Any] | None, error: str | None) -> None:
        with self._database.write() as connection:
            videos.finish(connection, video.id, stage, result, error)
        folder = folder_of(self._settings, video.id)
        shutil.rmtree(folder / filming.PIECES, ignore_errors=True)
        shutil.rmtree(folder / filming.PACKAGE, ignore_errors=True)
        structlog.get_logger("sightloop.studio").info("video", video=video.id, stage=str(stage), error=error)
