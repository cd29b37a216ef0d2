"""A live stream: of the frames that came, the newest is answered; one that waits is replaced by a newer one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Generic, NamedTuple, TypeVar

from sightloop.serve.streams.pace import Pace

Content = TypeVar("Content")


class Frame(NamedTuple, Generic[Content]):
    """A frame: which of the stream's frames it is (from 1), what came, and when (`time.perf_counter`)."""

    number: int
    content: Content
    arrived: float

    @property
    def age(self) -> float:
        """Seconds since it arrived."""
        return time.perf_counter() - self.arrived


class Stream(Generic[Content]):
    """The one frame that waits. `put`, `answered` and the iteration belong to one event loop.

    Iterating gives the newest frame whenever the last one is done with; memory holds one frame only.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._waiting: Frame[Content] | None = None
        self._number = 0
        self._news = asyncio.Event()
        self._pace = Pace()

    def put(self, content: Content) -> None:
        """A frame came; one that still waits is let go."""
        self.dropped += self._waiting is not None
        self._number += 1
        self._waiting = Frame(self._number, content, time.perf_counter())
        self._pace.arrived(self._waiting.arrived)
        self._news.set()

    def answered(self, seconds: float) -> None:
        """An answer took so long."""
        self._pace.answered(seconds)

    async def __aiter__(self) -> AsyncIterator[Frame[Content]]:
        """The frames to answer, one after the other."""
        while True:
            if self._waiting is None:
                await self._hear(None)
            elif not await self._fresher(self._pace.pause(self._waiting.age)):
                frame, self._waiting = self._waiting, None
                yield frame

    async def _fresher(self, pause: float) -> bool:
        """Whether a newer frame came in so many seconds."""
        if pause == 0:
            return False
        self._news.clear()
        return await self._hear(pause)

    async def _hear(self, seconds: float | None) -> bool:
        try:
            await asyncio.wait_for(self._news.wait(), seconds)
        except TimeoutError:
            return False
        self._news.clear()
        return True
