"""Work that overlaps: each stage of a pipeline runs in a thread of its own, a few items ahead of the next."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from queue import Empty, Full, Queue
from typing import Any, TypeVar

Item = TypeVar("Item")

AHEAD = 4
_LOOK_SECONDS = 0.2


def overlapped(items: Iterable[Item], ahead: int = AHEAD) -> Iterator[Item]:
    """The items, made in a thread, at most `ahead` of them in advance; what making them raises is raised here."""
    waiting: Queue[tuple[Item] | BaseException | None] = Queue(ahead)
    stopping = threading.Event()

    def put(one: tuple[Item] | BaseException | None) -> None:
        while not stopping.is_set():
            try:
                waiting.put(one, timeout=_LOOK_SECONDS)
            except Full:
                continue
            return

    def make() -> None:
        try:
            for item in items:
                put((item,))
                if stopping.is_set():
                    return
        except BaseException as error:  # whatever it is, it belongs to whoever takes the items
            put(error)
        else:
            put(None)

    thread = threading.Thread(target=make, name="overlapped", daemon=True)
    thread.start()
    try:
        while (one := waiting.get()) is not None:
            if isinstance(one, BaseException):
                raise one
            yield one[0]
    finally:
        stopping.set()
        _emptied(waiting)
        thread.join()


def _emptied(waiting: Queue[Any]) -> None:
    """Empty a queue, so that nobody waits to put something into it."""
    try:
        while True:
            waiting.get_nowait()
    except Empty:
        return
