"""A camera, a file or an address as a source of frames: a thread reads it and keeps only the newest."""

from __future__ import annotations

import os
import threading
import time
from typing import NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadInput

LONGEST_PAUSE = 1.5
"""The longest pause between two attempts to open a source again, in seconds."""
_FIRST_PAUSE = 0.1
_OPEN_MS, _READ_MS = 5000, 2000
_USUAL_RATE = 25.0


class Shot(NamedTuple):
    """A frame: its number from 1, its pixels (height, width, 3) uint8 in BGR, and when it was read (monotonic)."""

    number: int
    pixels: NDArray[np.uint8]
    at: float


class Camera:
    """Reads `source` while it is entered: a device's number, the path of a video, or an address (http, rtsp).

    A file is read at its own pace, and ends. Anything else is opened again when it is cut off, within LONGEST_PAUSE.
    """

    def __init__(self, source: str) -> None:
        self.cuts = 0
        self.ended = False
        self._source = source
        self._live = source.isdecimal() or "://" in source
        self._newest: Shot | None = None
        self._news = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._read, name="camera", daemon=True)

    def __enter__(self) -> Self:
        """Begin to read. Raises BadInput for a file that is no video."""
        if not self._live:
            capture = self._opened()
            if not capture.isOpened():
                raise BadInput(f"{self._source} cannot be read as a video", hint="A camera is a number or an address.")
            capture.release()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Read no longer."""
        self._stopping.set()
        self._thread.join(_READ_MS / 1000)

    @property
    def count(self) -> int:
        """How many frames were read."""
        return 0 if self._newest is None else self._newest.number

    def newest(self, after: int, seconds: float) -> Shot | None:
        """The newest frame if it is a later one than `after`; None where none came in so many seconds."""
        with self._news:
            self._news.wait_for(
                lambda: self.ended or (self._newest is not None and self._newest.number > after), seconds
            )
            return self._newest if self._newest is not None and self._newest.number > after else None

    def _opened(self) -> cv2.VideoCapture:
        # FFmpeg would tell standard error of every attempt.
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        if self._source.isdecimal():
            return cv2.VideoCapture(int(self._source))
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _OPEN_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _READ_MS]
        return cv2.VideoCapture(self._source, cv2.CAP_FFMPEG, limits)

    def _read(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            before = self._newest
            self._read_on(self._opened())
            if not self._live:
                break
            self.cuts += 1
            pause = _FIRST_PAUSE if self._newest is not before else min(2 * pause, LONGEST_PAUSE)
            self._stopping.wait(pause)
        self.ended = True
        with self._news:
            self._news.notify_all()

    def _read_on(self, capture: cv2.VideoCapture) -> None:
        """Take frames until there are no more."""
        rate = capture.get(cv2.CAP_PROP_FPS)
        between = 0.0 if self._live else 1 / (rate if 1 <= rate <= 1000 else _USUAL_RATE)
        due = time.monotonic()
        while not self._stopping.is_set():
            read, pixels = capture.read()
            if not read:
                break
            due = max(due + between, time.monotonic() - 1)
            self._stopping.wait(max(0.0, due - time.monotonic()))
            self._put(np.asarray(pixels, np.uint8))
        capture.release()

    def _put(self, pixels: NDArray[np.uint8]) -> None:
        with self._news:
            number = 1 if self._newest is None else self._newest.number + 1
            self._newest = Shot(number, pixels, time.monotonic())
            self._news.notify_all()
