"""Watching a camera: its newest frame is answered, by a model in this process or by a server's live stream."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import cv2
import msgspec

from sightloop.errors import BadInput, MissingExtra, NotFound, NotReady, SightloopError
from sightloop.serve.sight import Sight
from sightloop.serve.streams.camera import LONGEST_PAUSE, Camera, Shot
from sightloop.serve.streams.pace import Pace

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

_FIRST_PAUSE = 0.1
_PATIENCE = 5.0
_LOOK_SECONDS = 0.5
_QUALITY = 90
_KEPT = 32
_FATAL = {4404: NotFound, 4501: MissingExtra}


class Seen(NamedTuple):
    """An answered frame, or the problem with it, as the live stream tells them; how old the frame is now, in ms."""

    shot: Shot
    said: dict[str, Any]

    @property
    def age_ms(self) -> float:
        """Milliseconds since the frame was read from its source."""
        return (time.monotonic() - self.shot.at) * 1000


def with_model(camera: Camera, sight: Sight) -> Iterator[Seen]:
    """The answers of a model in this process, until the source ends."""
    pace, last = Pace(), 0
    shot: Shot | None = None
    while True:
        pause = _LOOK_SECONDS if shot is None else pace.pause(time.monotonic() - shot.at)
        newer = camera.newest(last, pause) if pause else None
        if newer is not None:
            last, shot = newer.number, newer
            pace.arrived(newer.at)
            continue
        if shot is None:
            if camera.ended:
                return
            continue
        began = time.monotonic()
        yield Seen(shot, _answered(sight, shot))
        pace.answered(time.monotonic() - began)
        shot = None


def _answered(sight: Sight, shot: Shot) -> dict[str, Any]:
    try:
        answer = sight.answer(cv2.cvtColor(shot.pixels, cv2.COLOR_BGR2RGB))  # type: ignore[arg-type]
    except BadInput as error:
        return {"problem": {"title": error.title, "detail": str(error)}}
    return {"prediction": msgspec.to_builtins(answer)}


def with_server(camera: Camera, url: str, tell: Callable[[str], None]) -> Iterator[Seen]:
    """The answers of a server's live stream at `url` (ws://...), until the source ends; a cut is mended within 2 s.

    `tell` is told of cuts. Raises NotFound for a project that the server does not have, MissingExtra without the
    library for it.
    """
    try:
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "a live stream needs websockets", hint="Install `sightloop[stream]`, or use --local."
        ) from error

    pause = _FIRST_PAUSE
    while not camera.ended:
        try:
            with connect(url, compression=None, open_timeout=_PATIENCE, ping_interval=_PATIENCE) as socket:
                for seen in _Exchange(camera, socket).answers():
                    pause = _FIRST_PAUSE
                    yield seen
        except NotReady as error:
            tell(str(error))
        except (OSError, WebSocketException) as error:
            tell(f"no stream from {urlsplit(url).netloc}: {error or type(error).__name__}")
        else:
            return
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


class _Exchange:
    """One connection: a thread sends frames, never more than two ahead of the network; answers are paired with them."""

    def __init__(self, camera: Camera, socket: ClientConnection) -> None:
        self._camera, self._socket = camera, socket
        self._sent: dict[int, Shot] = {}
        self._count = 0
        self._done = threading.Event()

    def answers(self) -> Iterator[Seen]:
        """What the server says of the frames; ends with the source."""
        sender = threading.Thread(target=self._send, name="sender", daemon=True)
        sender.start()
        quiet, last = time.monotonic(), 0
        try:
            while not (self._done.is_set() and (last >= self._count or time.monotonic() - quiet > _PATIENCE)):
                with suppress(TimeoutError):
                    said = msgspec.json.decode(self._socket.recv(timeout=_LOOK_SECONDS))
                    quiet, last = time.monotonic(), said.get("frame", 0)
                    yield from self._paired(said)
        finally:
            self._done.set()
            self._socket.close()
            sender.join(_PATIENCE)

    def _paired(self, said: dict[str, Any]) -> Iterator[Seen]:
        if "frame" not in said:
            raise _raised(said["problem"])
        shot = self._sent.get(said["frame"])
        for number in [number for number in list(self._sent) if number <= said["frame"]]:
            del self._sent[number]
        if shot is not None:
            yield Seen(shot, said)

    def _send(self) -> None:
        from websockets.exceptions import ConnectionClosed

        last = 0
        on_the_wire: threading.Event | None = None
        with suppress(ConnectionClosed, OSError):
            while not self._done.is_set() and not (self._camera.ended and last == self._camera.count):
                shot = self._camera.newest(last, _LOOK_SECONDS)
                if shot is None:
                    continue
                last = shot.number
                self._note(shot)
                self._socket.send(cv2.imencode(".jpg", shot.pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes())
                # The pong tells that the frame has left the buffers on the way; beyond two the network is too slow.
                arrived = self._socket.ping()
                if on_the_wire is not None:
                    on_the_wire.wait(_PATIENCE)
                on_the_wire = arrived
        self._done.set()

    def _note(self, shot: Shot) -> None:
        self._count += 1
        self._sent[self._count] = shot
        self._sent.pop(self._count - _KEPT, None)


def _raised(problem: dict[str, Any]) -> SightloopError:
    kind = _FATAL.get(4000 + problem["status"], NotReady)
    return kind(problem["detail"], expected=problem.get("expected"), got=problem.get("got"), hint=problem.get("hint"))
