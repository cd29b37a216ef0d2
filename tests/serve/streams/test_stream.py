"""The newest frame wins, and an old one gives way to one that is due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from sightloop.serve.streams.pace import LEAST_SLACK, SLACK, Pace
from sightloop.serve.streams.stream import Frame, Stream


async def answer(stream: Stream[int], seconds: float) -> AsyncIterator[Frame[int]]:
    async for frame in stream:
        yield frame
        await asyncio.sleep(seconds)
        stream.answered(seconds)


def test_a_frame_that_waits_is_replaced() -> None:
    async def run() -> tuple[list[int], int]:
        stream: Stream[int] = Stream()
        for number in range(1, 11):
            stream.put(number)
        seen = [(await anext(answer(stream, 0))).content]
        stream.put(11)
        seen.append((await anext(answer(stream, 0))).content)
        return seen, stream.dropped

    assert asyncio.run(run()) == ([10, 11], 9)


def test_what_was_dropped_and_answered_adds_up_under_load() -> None:
    async def run() -> tuple[list[Frame[int]], int]:
        stream: Stream[int] = Stream()
        seen: list[Frame[int]] = []

        async def take() -> None:
            async for frame in answer(stream, 0.02):
                seen.append(frame)  # noqa: PERF401 - they are looked at while they come

        taking = asyncio.create_task(take())
        for number in range(1, 61):
            stream.put(number)
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.2)
        taking.cancel()
        return seen, stream.dropped

    seen, dropped = asyncio.run(run())
    assert len(seen) + dropped == 60
    assert [one.number for one in seen] == [one.content for one in seen] == sorted({one.number for one in seen})
    assert seen[-1].number == 60  # the last of all is answered, though no newer one comes


def test_a_frame_that_waited_gives_way_only_if_the_next_is_due() -> None:
    pace = Pace()
    assert pace.pause(1.0) == 0  # nothing is known yet
    for at in range(5):
        pace.arrived(at * 0.040)
    pace.answered(0.050)
    assert pace.pause(0.9 * SLACK * 0.050) == 0
    assert pace.pause(0.030) == pytest.approx(0.030)  # 1.5 times 40 ms after it came the next one is late
    assert pace.pause(0.070) == 0
    pace = Pace()
    pace.arrived(0.0)
    pace.arrived(0.040)
    pace.answered(0.0001)
    assert pace.pause(0.9 * LEAST_SLACK) == 0  # the way through the event loop is no wait
