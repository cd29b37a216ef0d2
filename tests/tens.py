"""A small project of its own for tests of the loop: scikit-learn's digits, learned in a second."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from sightloop.data import bundled
from sightloop.loop.samples.collect import Collected, collect
from sightloop.store import runs
from sightloop.values.run import Event, Run
from sightloop.values.sample import Labelled
from sightloop.wiring import Parts
from sightloop.worker import Worker

RECIPE = """
name = "tens"
title = "Digits, learned in a second"
task = "classification"
classes = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
[input]
kind = "image"
height = 28
width = 28
[data]
sources = ["bundled-digits"]
[train]
trainer = "sklearn"
epochs = 5
[train.options]
model = "logistic"
[gate]
floors = { accuracy = 0.6 }
[triggers]
labels = 5
predictions = 3
"""


def write(folder: Path, text: str = RECIPE) -> Path:
    """A folder of recipes that holds this one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tens.toml").write_text(text)
    return folder


def samples(count: int = 600) -> Iterator[Labelled]:
    """The first so many digits."""
    return islice(bundled.digits(), count)


def stock(parts: Parts, count: int = 600) -> Collected:
    """Import the first so many digits into the project."""
    return collect(parts.database, parts.blobs, parts.recipe("tens"), samples(count), author="test", source="import")


def ask(parts: Parts, **parameters: Any) -> Run:
    """Queue a run by hand."""
    with parts.database.write() as connection:
        return runs.open(connection, "tens", "hand", "test", parameters)


def turn(parts: Parts, **parameters: Any) -> Run:
    """Queue a run and work it off here; the run as it ended."""
    run = ask(parts, **parameters)
    with Worker(parts) as worker:
        worker.work_off(run.id)
    return again(parts, run)


def again(parts: Parts, run: Run) -> Run:
    """The run as it is now."""
    with parts.database.read() as connection:
        return runs.get(connection, run.id)


def events(parts: Parts, run: Run) -> list[Event]:
    """All that happened in the run."""
    with parts.database.read() as connection:
        return runs.events(connection, run.id)
