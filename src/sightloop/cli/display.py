"""A run as it goes, for a person who waits for it."""

from __future__ import annotations

import time

from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from sightloop.cli.output import aside
from sightloop.store import runs
from sightloop.values.run import Event, Run
from sightloop.wiring import Parts

_LOOK_SECONDS = 0.2
_WORDS = {"freeze": "freezing the data", "train": "training", "check": "checking", "register": "registering"}


def follow(parts: Parts, run: str) -> Run:
    """Show the run until it has ended; the run as it then is. On a terminal there is a bar, else lines only."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[numbers]}"),
        TimeElapsedColumn(),
    )
    seen = 0
    with Progress(*columns, console=aside(), transient=True) as progress:
        bar = progress.add_task("waiting", total=1.0, numbers="")
        while True:
            with parts.database.read() as connection:
                row = runs.get(connection, run)
                events = runs.events(connection, run, seen)
            for event in events:
                seen = event.seq
                _show(progress, bar, event)
            if row.status.ended:
                return row
            progress.update(bar, completed=row.progress, description=_WORDS.get(row.step, row.step or "waiting"))
            time.sleep(_LOOK_SECONDS)


def _show(progress: Progress, bar: TaskID, event: Event) -> None:
    if event.kind == "metrics":
        numbers = {name: value for name, value in event.data.items() if name not in ("done", "epoch")}
        text = "  ".join(f"{name} {value:.4g}" for name, value in numbers.items())
        progress.update(bar, numbers=text)
        progress.console.print(Text(f"  {event.message}  {text}".rstrip()))
    elif event.kind in ("begun", "log", "finished"):
        progress.console.print(Text(f"{event.step}: {event.message or event.kind}".removeprefix(": ")))
