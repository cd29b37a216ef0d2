"""Batches take what waits, give each caller its own result, and wait for nobody."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sightloop.errors import BadInput, Busy
from sightloop.serve.batching import Batching

Doubling = Batching[int, int]


class Work:
    """Doubles numbers, notes its batches, and can be held up."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.free = threading.Event()
        self.free.set()

    def __call__(self, numbers: list[int]) -> list[int | Exception]:
        self.batches.append(numbers)
        assert self.free.wait(10)
        return [2 * number for number in numbers]


@pytest.fixture
def make() -> Iterator[Callable[..., Doubling]]:
    with ThreadPoolExecutor(4) as pool:
        yield lambda work, workers=1, most=32, max_waiting=1000: Batching(
            work, pool, workers=workers, most=most, max_waiting=max_waiting
        )


def run(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 20))


async def started(batching: Doubling, *numbers: int) -> list[asyncio.Task[list[int]]]:
    """Callers that wait by now."""
    tasks = [asyncio.create_task(batching.results([number])) for number in numbers]
    await asyncio.sleep(0.05)
    return tasks


def test_one_caller_is_answered_at_once(make: Callable[..., Doubling]) -> None:
    async def story() -> None:
        assert await make(Work()).results([21]) == [42]

    run(story)


def test_many_inputs_of_one_caller_keep_their_order(make: Callable[..., Doubling]) -> None:
    async def story() -> None:
        assert await make(Work(), most=4).results(list(range(30))) == [2 * number for number in range(30)]

    run(story)


def test_what_waits_while_the_model_is_busy_is_one_batch(make: Callable[..., Doubling]) -> None:
    async def story() -> None:
        work = Work()
        batching = make(work)
        work.free.clear()
        tasks = await started(batching, 1) + await started(batching, 2, 3, 4)
        work.free.set()
        assert await asyncio.gather(*tasks) == [[2], [4], [6], [8]]
        assert work.batches == [[1], [2, 3, 4]]

    run(story)


def test_a_batch_has_at_most_so_many(make: Callable[..., Doubling]) -> None:
    async def story() -> None:
        work = Work()
        batching = make(work, most=2)
        work.free.clear()
        tasks = await started(batching, *range(6))
        work.free.set()
        await asyncio.gather(*tasks)
        assert max(map(len, work.batches)) == 2

    run(story)


def test_a_caller_that_goes_away_shifts_nobodys_answer(make: Callable[..., Doubling]) -> None:
    async def story() -> None:
        work = Work()
        batching = make(work)
        work.free.clear()
        first = await started(batching, 100)
        tasks = await started(batching, *range(8))
        for gone in (0, 2, 5):
            tasks[gone].cancel()
        await asyncio.sleep(0.01)
        work.free.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert await first[0] == [200]
        assert [one for one in found if isinstance(one, list)] == [[2], [6], [8], [12], [14]]
        assert work.batches[1:] == [[1, 3, 4, 6, 7]], "whoever left before the batch is not worked for"

    run(story)


def test_an_error_of_one_is_that_ones_alone(make: Callable[..., Doubling]) -> None:
    def work(numbers: list[int]) -> list[int | Exception]:
        return [BadInput("odd") if number % 2 else number for number in numbers]

    async def story() -> None:
        batching = make(work)
        found = await asyncio.gather(*(batching.results([n]) for n in range(4)), return_exceptions=True)
        assert [type(one) for one in found] == [list, BadInput, list, BadInput]

    run(story)


def test_work_that_fails_fails_its_batch_and_not_the_next(make: Callable[..., Doubling]) -> None:
    calls = 0

    def work(numbers: list[int]) -> list[int | Exception]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("broken")
        return [2 * number for number in numbers]

    async def story() -> None:
        batching = make(work)
        with pytest.raises(RuntimeError, match="broken"):
            await batching.results([1])
        assert await batching.results([2]) == [4]

    run(story)


def test_too_few_results_are_an_error_and_nobody_hangs(make: Callable[..., Doubling]) -> None:
    async def story() -> None:
        with pytest.raises(ValueError, match="2 inputs got 1 results"):
            await make(lambda numbers: numbers[:1]).results([1, 2])

    run(story)


def test_more_than_may_wait_are_refused(make: Callable[..., Doubling]) -> None:
    async def story() -> None:
        work = Work()
        batching = make(work, max_waiting=2)
        work.free.clear()
        tasks = await started(batching, 0) + await started(batching, 1, 2)
        with pytest.raises(Busy):
            await batching.results([3])
        work.free.set()
        assert await asyncio.gather(*tasks) == [[0], [2], [4]]
        assert await batching.results([3]) == [6]

    run(story)


def test_several_workers_share_what_waits(make: Callable[..., Doubling]) -> None:
    async def story() -> None:
        work = Work()
        batching = make(work, workers=2)
        work.free.clear()
        tasks = await started(batching, 1, 2)
        assert len(work.batches) == 2, "both workers are at it"
        work.free.set()
        assert await asyncio.gather(*tasks) == [[2], [4]]

    run(story)


def test_several_workers_share_what_one_caller_sends(make: Callable[..., Doubling]) -> None:
    async def story() -> None:
        work = Work()
        batching = make(work, workers=2)
        work.free.clear()
        task = asyncio.create_task(batching.results([1, 2, 3, 4]))
        await asyncio.sleep(0.05)
        assert len(work.batches) == 2, "both workers are at it"
        work.free.set()
        assert await task == [2, 4, 6, 8]

    run(story)


def test_no_worker_lives_when_nothing_waits(make: Callable[..., Doubling]) -> None:
    async def story() -> None:
        before = asyncio.all_tasks()
        await make(Work()).results([1])
        await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == before

    run(story)


def prompt(work: Callable[[list[int]], list[int | Exception]], **limits: int) -> Doubling:
    """Batching on the event loop itself."""
    return Batching(work, None, workers=1, **({"most": 32, "max_waiting": 1000} | limits))


def test_without_threads_the_work_is_done_where_the_callers_are() -> None:
    threads: list[int] = []

    def work(numbers: list[int]) -> list[int | Exception]:
        threads.append(threading.get_ident())
        return [BadInput("odd") if number % 2 else 2 * number for number in numbers]

    async def story() -> None:
        batching = prompt(work)
        found = await asyncio.gather(*(batching.results([n]) for n in range(4)), return_exceptions=True)
        assert found[::2] == [[0], [4]]
        assert [type(one) for one in found[1::2]] == [BadInput, BadInput]
        assert threads == [threading.get_ident()], "those of one turn are one batch"

    run(story)


def test_without_threads_others_have_a_turn_between_two_batches() -> None:
    async def story() -> None:
        work = Work()
        task = asyncio.create_task(prompt(work, most=1).results([1, 2, 3, 4]))
        seen = []
        while not task.done():
            seen.append(len(work.batches))
            await asyncio.sleep(0)
        assert await task == [2, 4, 6, 8]
        assert set(seen) >= {1, 2, 3}, "one batch more at each look"

    run(story)


def test_without_threads_more_than_may_wait_are_refused() -> None:
    async def story() -> None:
        batching = prompt(Work(), most=2, max_waiting=3)
        callers = [batching.results([number]) for number in range(5)]
        found = await asyncio.gather(*callers, return_exceptions=True)
        assert found[:3] == [[0], [2], [4]]
        assert [type(one) for one in found[3:]] == [Busy, Busy]
        assert await batching.results([3]) == [6]

    run(story)
