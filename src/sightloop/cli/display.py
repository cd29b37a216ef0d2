"""A run as it goes, for a person who waits for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text
from sqlalchemy.exc import DBAPIError

from sightloop.cli.output import aside
from sightloop.store import runs
from sightloop.turn import Looks
from sightloop.values.run import Event, Run
from sightloop.wiring import Parts

_LOOK_SECONDS = 0.2
_WORDS = {
    "freeze": "freezing the data",
    "prepare": "preparing the data",
    "archive": "archiving the data",
    "train": "training",
    "check": "checking",
    "register": "registering",
    "roll-out": "rolling out",
}


def follow(looks: Looks) -> Run:
    """Show a run until it has ended; the run as it then is. On a terminal there is a bar, else lines only."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[numbers]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=aside(), transient=True) as progress:
        bar = progress.add_task("waiting", total=1.0, numbers="", left="")
        lines = _Lines(progress, bar)
        for row, events in looks:
            for event in events:
                lines.show(event)
            progress.update(bar, completed=row.progress, description=_WORDS.get(row.step, row.step or "waiting"))
    return row


@contextmanager
def tell_events(parts: Parts, run: str) -> Iterator[None]:
    """Print on standard error what happens in the run from now on, as lines for a scheduler's log."""
    over = threading.Event()
    with parts.database.read() as connection:
        seen = max((event.seq for event in runs.events(connection, run)), default=0)

    def tell() -> None:
        nonlocal seen
        last = False
        while not last:
            last = over.wait(_LOOK_SECONDS)
            with suppress(DBAPIError), parts.database.read() as connection:  # what is missed now, the next look has
                for event in runs.events(connection, run, seen):
                    seen = event.seq
                    numbers = " ".join(f"{name}={value:.4g}" for name, value in event.data.items() if name == "done")
                    aside().print(Text(f"{event.step} {event.kind} {event.message} {numbers}".rstrip()))

    thread = threading.Thread(target=tell, name="events", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class _Lines:
    """What is printed above the bar: steps, lines of the log, and of each epoch its last numbers."""

    def __init__(self, progress: Progress, bar: TaskID) -> None:
        self._progress, self._bar = progress, bar
        self._epoch, self._numbers = "", ""

    def show(self, event: Event) -> None:
        """Take in the next event."""
        self._progress.update(self._bar, left=_remaining(event.data.get("left")))
        if event.kind == "metrics":
            if event.message != self._epoch:
                self._end_epoch()
            told = {name: value for name, value in event.data.items() if name not in ("done", "epoch", "left")}
            self._epoch = event.message
            self._numbers = "  ".join(f"{name} {_number(value)}" for name, value in told.items())
            self._progress.update(self._bar, numbers=self._numbers)
        elif event.kind in ("begun", "ended", "log", "finished"):
            self._end_epoch()
            if event.kind != "ended":
                self._print(f"{event.step}: {event.message or event.kind}".removeprefix(": "))

    def _end_epoch(self) -> None:
        if self._epoch:
            self._print(f"  {self._epoch}  {self._numbers}")
        self._epoch = ""

    def _print(self, line: str) -> None:
        self._progress.console.print(Text(line))


def _number(value: float | None) -> str:
    """A number in few digits; JSON has none for what a training that came to nothing may tell."""
    return "nan" if value is None else f"{value:.4g}"


def _remaining(seconds: float | None) -> str:
    """How long the step under way still takes, in words."""
    if seconds is None:
        return ""
    return f"about {seconds:.0f} s left" if seconds < 100 else f"about {seconds / 60:.0f} min left"
