"""Live streams: a WebSocket that takes frames and answers the newest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import structlog
from fastapi import APIRouter, WebSocket
from fastapi.concurrency import run_in_threadpool
from msgspec import Struct
from starlette.websockets import WebSocketDisconnect

from sightloop.api import predict, sent
from sightloop.api.predict import Detected, Predicted
from sightloop.api.problems import Problem, problem
from sightloop.api.service import Service
from sightloop.errors import BadInput, Busy, SightloopError, TooLarge
from sightloop.serve.predictor import Kind, draw
from sightloop.serve.sight import USUAL_LEAST
from sightloop.serve.streams.stream import Frame, Stream
from sightloop.serve.video.tracker import Tracker
from sightloop.values.prediction import Answer, Detections

QUIET_SECONDS = 60.0
"""How long a client may send nothing before it counts as gone."""
RESTART = 1012
"""The close code of a server that is asked to stop; any other is 4000 and the status of the problem."""
_LOOK_SECONDS = 0.25
_LOOKS_A_SECOND = 10.0
"""What the tracker takes the rate of answers for: it only says for how long a thing may be out of sight."""

Shown = Predicted | Detected

router = APIRouter()

_log = structlog.get_logger()


class Live(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a stream says of a frame: its number from 1, its age when this was sent, the frames dropped so far.

    Then either the prediction, or the problem with this frame; with `track` also the id of each of the prediction's
    boxes, 0 while a thing is not followed yet. A problem without a frame ends the stream.
    """

    frame: int = 0
    age_ms: float = 0.0
    dropped: int = 0
    prediction: Shown | None = None
    ids: list[int] = []
    problem: Problem | None = None


@router.websocket("/v1/{project}/stream")
async def stream(socket: WebSocket, project: str, record: bool = False, track: bool = False) -> None:
    """Answer frames (binary: image files; text: JSON as for predict), always the newest, until either side ends."""
    service: Service = socket.app.state.service
    await socket.accept()
    session = _Session(service, socket, project, record, track)
    try:
        await session.run()
    except SightloopError as error:
        await session.refuse(error)
    except WebSocketDisconnect:
        pass  # the client went, in the middle of what was sent to it
    _log.info("stream", project=project, **session.told())


class _Session:
    """One client's stream."""

    def __init__(self, service: Service, socket: WebSocket, project: str, record: bool, track: bool) -> None:
        self._service, self._socket, self._project, self._record = service, socket, project, record
        self._track = track
        self._tracker: Tracker | None = None
        self._telemetry = service.telemetry
        self._frames: Stream[bytes | str] = Stream()
        self._ticket = draw()
        self._heard = time.monotonic()
        self._answered = self._refused = self._dropped = 0
        self._began = time.monotonic()

    async def run(self) -> None:
        """Answer until the client goes, or the server ends."""
        if self._service.streams >= self._service.settings.max_streams:
            raise Busy("too many streams are open", hint="Try again when another has ended.")
        model = self._service.live.choose(self._project, self._ticket)
        if self._track and model.task.boxed:
            self._tracker = await run_in_threadpool(Tracker, _LOOKS_A_SECOND, model.card.threshold or USUAL_LEAST)
        self._service.streams += 1
        self._telemetry.streams.inc()
        tasks = [asyncio.create_task(part) for part in (self._hear(), self._watch(), self._answer_all())]
        try:
            # Whichever ends first ends the stream: the client went or fell silent, the server stops, an answer's way
            # is cut. A client that takes no answers would hold up the last of the three for ever.
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            await self._end()
        finally:
            for task in tasks:
                task.cancel()
            self._service.streams -= 1
            self._telemetry.streams.dec()
            self._count_dropped()

    async def refuse(self, error: SightloopError) -> None:
        """Say why this stream cannot be, and close it."""
        await self._send(Live(problem=problem(error, self._socket.url.path)))
        await self._socket.close(4000 + error.status, error.title)

    def told(self) -> dict[str, Any]:
        """What became of the stream, for the log."""
        return {
            "answered": self._answered,
            "refused": self._refused,
            "dropped": self._frames.dropped,
            "seconds": round(time.monotonic() - self._began, 3),
        }

    async def _hear(self) -> None:
        """Take in what comes as fast as it comes, so that nothing old waits in the connection's buffers."""
        while (message := await self._socket.receive())["type"] == "websocket.receive":
            self._heard = time.monotonic()
            content = message.get("bytes")
            self._frames.put(message["text"] if content is None else content)

    async def _watch(self) -> None:
        while not self._service.stopping and time.monotonic() - self._heard < QUIET_SECONDS:
            await asyncio.sleep(_LOOK_SECONDS)

    async def _end(self) -> None:
        if self._service.stopping:
            await self._socket.close(RESTART, "the server is stopping")
        elif time.monotonic() - self._heard >= QUIET_SECONDS:
            await self._socket.close(4408, f"no frame came for {QUIET_SECONDS:.0f} seconds")

    async def _answer_all(self) -> None:
        async for frame in self._frames:
            await self._answer(frame)

    async def _answer(self, frame: Frame[bytes | str]) -> None:
        began = time.perf_counter()
        try:
            kind, content = self._read(frame.content)
            (made,) = await self._service.predictor.predict(
                self._project, kind, [content], ticket=self._ticket, record=self._record
            )
            ids = await self._follow(made.answer)
        except Exception as error:  # every error becomes an answer; the next frame may be better
            self._count("refused")
            self._refused += 1
            await self._tell(frame, found=problem(error, self._socket.url.path))
            return
        seconds = time.perf_counter() - began
        self._frames.answered(seconds)
        self._telemetry.look.labels(self._project).observe(seconds)
        self._count("answered")
        self._answered += 1
        await self._tell(frame, made=predict.shown(made), ids=ids)

    async def _follow(self, answer: Answer | Detections) -> list[int]:
        if self._tracker is None or not isinstance(answer, Detections):
            return []
        boxes = np.array([(*box.corners, box.score, 0) for box in answer.boxes], np.float32).reshape(-1, 6)
        ids: list[int] = (await run_in_threadpool(self._tracker.follow, boxes)).tolist()
        return ids

    def _read(self, content: bytes | str) -> tuple[Kind, bytes]:
        most = self._service.settings.max_request_bytes
        if len(content) > most:
            raise TooLarge("the frame is too large", expected=f"at most {most:,} bytes", got=f"{len(content):,} bytes")
        if isinstance(content, bytes):
            return "image", content
        inputs = sent.of_json(content.encode(), most=1)
        if not inputs.contents:
            raise BadInput("a frame has one input", got="none")
        return inputs.kind, inputs.contents[0]

    async def _tell(
        self, frame: Frame[Any], made: Shown | None = None, ids: Sequence[int] = (), found: Problem | None = None
    ) -> None:
        age = frame.age
        if made is not None:
            self._telemetry.age.labels(self._project).observe(age)
        dropped = self._count_dropped()
        age_ms = round(age * 1000, 3)
        told = Live(frame=frame.number, age_ms=age_ms, dropped=dropped, prediction=made, ids=list(ids), problem=found)
        await self._send(told)

    async def _send(self, said: Live) -> None:
        await self._socket.send_text(msgspec.json.encode(said).decode())

    def _count_dropped(self) -> int:
        dropped = self._frames.dropped
        self._telemetry.frames.labels(self._project, "dropped").inc(dropped - self._dropped)
        self._dropped = dropped
        return dropped

    def _count(self, outcome: str) -> None:
        self._telemetry.frames.labels(self._project, outcome).inc()
