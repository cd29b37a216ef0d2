"""However callers come and go, each gets the results of its own inputs, or its own error, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given, settings
from hypothesis import strategies as st

from sightloop.errors import BadInput
from sightloop.serve.batching import Batching

CALLERS = st.lists(
    st.tuples(
        st.lists(st.integers(-50, 50), min_size=1, max_size=5),  # its inputs; a negative one is an error
        st.integers(0, 3),  # turns of the event loop before it comes
        st.one_of(st.none(), st.integers(0, 6)),  # turns before it goes away
    ),
    max_size=25,
)


def work(numbers: list[int]) -> list[int | Exception]:
    """Square each number; a negative one has an error of its own."""
    return [BadInput(str(number)) if number < 0 else number * number for number in numbers]


async def call(batching: Batching[int, int], inputs: list[int], comes: int, goes: int | None) -> None:
    """One caller, which checks what it gets."""
    for _ in range(comes):
        await asyncio.sleep(0)
    task = asyncio.ensure_future(batching.results(inputs))
    if goes is not None:
        for _ in range(goes):
            await asyncio.sleep(0)
        task.cancel()
    (found,) = await asyncio.gather(task, return_exceptions=True)
    if isinstance(found, asyncio.CancelledError):
        assert goes is not None
    elif isinstance(found, BadInput):
        assert int(found.message) in [number for number in inputs if number < 0]
    else:
        assert found == [number * number for number in inputs]


@settings(max_examples=60, deadline=None)
@given(CALLERS, st.integers(1, 3), st.integers(1, 8), st.booleans())
def test_every_caller_gets_its_own(
    callers: list[tuple[list[int], int, int | None]], workers: int, most: int, threaded: bool
) -> None:
    async def story() -> None:
        with ThreadPoolExecutor(2) as pool:
            executor = pool if threaded else None
            batching = Batching[int, int](work, executor, workers=workers, most=most, max_waiting=10_000)
            await asyncio.wait_for(asyncio.gather(*(call(batching, *caller) for caller in callers)), 20)
            assert await batching.results([7]) == [49]

    asyncio.run(story())
