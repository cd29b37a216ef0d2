"""Work in batches without waiting for them: whenever a worker is free, it takes what waits."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

from sightloop.errors import Busy

Given = TypeVar("Given")
Made = TypeVar("Made")


class Batching(Generic[Given, Made]):
    """Does work for many callers on one event loop, in batches, in the threads of `executor`.

    Without an executor the work is done on the loop itself, which is for work that takes less than the way to a thread.
    `work` makes of a list of inputs a result each; an Exception among the results is raised to its caller alone. Up to
    `workers` batches of at most `most` run at once. A worker lives only while something waits, so there is nothing to
    close.
    """

    def __init__(
        self,
        work: Callable[[list[Given]], Sequence[Made | Exception]],
        executor: Executor | None,
        *,
        workers: int,
        most: int,
        max_waiting: int,
    ) -> None:
        self._work_on = work
        self._executor = executor
        self._most = most
        self._idle = self._workers = workers
        self._max_waiting = max_waiting
        self._waiting: deque[tuple[Given, asyncio.Future[Made]]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def results(self, inputs: Sequence[Given]) -> list[Made]:
        """The result for each input, in their order. Raises Busy where too many wait already."""
        if len(self._waiting) >= self._max_waiting:
            raise Busy("too many requests wait for this model", hint="Try again in a moment.")
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[Made]] = [loop.create_future() for _ in inputs]
        self._waiting.extend(zip(inputs, futures, strict=True))
        for _ in range(min(self._idle, len(futures))):
            self._idle -= 1
            task = loop.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return [await futures[0]] if len(futures) == 1 else await asyncio.gather(*futures)

    async def _work(self) -> None:
        try:
            while batch := self._take():
                await self._do(batch)
                if self._executor is None:
                    await asyncio.sleep(0)  # everybody else has a turn between two batches
        finally:
            self._idle += 1

    def _take(self) -> list[tuple[Given, asyncio.Future[Made]]]:
        """A worker's share of what waits, without those whose callers have gone.

        A result belongs to its caller's future, not to a place in the batch, so nobody gets another's.
        """
        share = min(self._most, -(-len(self._waiting) // self._workers))
        batch: list[tuple[Given, asyncio.Future[Made]]] = []
        while self._waiting and len(batch) < share:
            given, future = self._waiting.popleft()
            if not future.done():
                batch.append((given, future))
        return batch

    async def _do(self, batch: list[tuple[Given, asyncio.Future[Made]]]) -> None:
        inputs = [given for given, _ in batch]
        made: Sequence[Made | Exception]
        try:
            made = await self._made(inputs)
            if len(made) != len(batch):
                raise ValueError(f"{len(batch)} inputs got {len(made)} results")
        except Exception as error:  # whatever it is, it belongs to the callers, and the next batch must run
            made = [error] * len(batch)
        for (_, future), one in zip(batch, made, strict=True):
            if future.done():
                continue
            if isinstance(one, Exception):
                future.set_exception(one)
            else:
                future.set_result(one)

    async def _made(self, inputs: list[Given]) -> Sequence[Made | Exception]:
        if self._executor is None:
            return self._work_on(inputs)
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._work_on, inputs)
