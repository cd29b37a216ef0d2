"""An open model: a package's graph in memory, with all that an answer needs."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.errors import PackageRefused
from sightloop.runtimes.runtime import Session
from sightloop.serve import hands
from sightloop.serve.batching import Batching
from sightloop.settings import Settings
from sightloop.tasks.task import Prepared, Size, Task
from sightloop.values.image import Image
from sightloop.values.moment import new_id, now
from sightloop.values.package import INPUT, Package, Sealed
from sightloop.values.prediction import Prediction
from sightloop.values.recipe import Input

CORES = os.cpu_count() or 1
MAX_BATCH = 32
"""More at once gains nothing on a CPU and makes the first of them wait for the last."""
MAX_PIXELS = MAX_BATCH * 224 * 224
"""The most pixels in a batch: a detector's inputs are large, and so is what it keeps of each while it computes."""
QUICK = 0.0003
"""A model that answers an input in fewer seconds answers on the event loop: the way to a thread costs as much."""
SMALL_BYTES, SMALL_PIXELS = 2**14, 64 * 64
"""Pictures of no more, all in all and each, are decoded on the event loop, in tens of microseconds."""
_TRIES = 5


class Threads:
    """The threads that all models of a process share: those that decode, and those in which models run."""

    def __init__(self) -> None:
        self.decoding = ThreadPoolExecutor(CORES, thread_name_prefix="decoding")
        self.inference = ThreadPoolExecutor(CORES, thread_name_prefix="inference")

    def stop(self) -> None:
        """Take no more work."""
        self.decoding.shutdown(wait=False)
        self.inference.shutdown(wait=False)


@dataclass(frozen=True, eq=False)
class Model:
    """One version, open. Whoever holds it can use it; nobody has to close it."""

    project: str
    version: int
    card: Package
    task: Task
    session: Session
    decoding: Batching[bytes, Prepared]
    finding: Batching[bytes, bytes]
    answering: Batching[NDArray[Any], NDArray[np.float32]]
    golden: tuple[NDArray[Any], NDArray[np.float32]]
    max_pixels: int

    async def prepare(self, contents: Sequence[bytes]) -> Sequence[Prepared]:
        """What was sent, as raw inputs of the graph. Raises BadInput and Busy."""
        if self.card.input.kind == "landmarks":  # takes microseconds, less than the way to another thread
            return [self.task.prepare(content, self.card.input, max_pixels=0) for content in contents]
        if _are_small(contents, self.card.input):
            return [self.task.prepare(content, self.card.input, max_pixels=self.max_pixels) for content in contents]
        return await self.decoding.results(contents)

    async def hands(self, contents: Sequence[bytes]) -> Sequence[bytes]:
        """The hands in image files, as `Landmarks.to_bytes` writes them. Raises BadInput, Busy and MissingExtra."""
        return await self.finding.results(contents)

    async def answer(self, prepared: Sequence[Prepared]) -> list[list[NDArray[np.float32]]]:
        """The graph's outputs for each sample's inputs. Raises Busy."""
        rows = iter(await self.answering.results([one for sample in prepared for one in sample.inputs]))
        return [[next(rows) for _ in sample.inputs] for sample in prepared]

    def prediction(self, rows: Sequence[NDArray[np.float32]], size: Size) -> Prediction:
        """The prediction in the graph's outputs for one sample, under a new id."""
        answer = self.task.read(rows, self.card, size)
        return Prediction(id=new_id(), project=self.project, version=self.version, answer=answer, at=now())

    def seconds(self) -> float:
        """How long the answer to one golden input takes: the least of a few."""
        one, took = self.golden[0][:1], []
        for _ in range(_TRIES):
            began = time.perf_counter()
            self.session.run(one)
            took.append(time.perf_counter() - began)
        return min(took)

    def check(self) -> None:
        """Ask for the golden inputs' answers now. Raises PackageRefused where they are not the golden ones."""
        inputs, expected = self.golden
        try:
            answers, _ = self.session.run(inputs)
        except Exception as error:  # runtimes raise kinds of their own
            raise PackageRefused("the model cannot answer its golden inputs", got=str(error)[:300]) from error
        off = self.task.difference(answers, expected, self.card)
        if not off <= self.session.tolerance:  # NaN is not
            raise PackageRefused(
                "the model does not give its golden answers",
                expected=f"within {self.session.tolerance}",
                got=f"{off:.3g} off",
            )


def open_model(project: str, version: int, package: Sealed, threads: Threads, settings: Settings) -> Model:
    """The package's model, open and warm: its golden inputs got their golden answers.

    Raises PackageRefused, also for a licence that the settings do not allow.
    """
    package.card.refuse_licence(settings.licences)
    model = _model(project, version, package, threads, settings)
    model.check()
    if model.seconds() < QUICK:
        model = _model(project, version, package, threads, settings, quick=True)
        model.check()
    return model


def _model(
    project: str, version: int, package: Sealed, threads: Threads, settings: Settings, *, quick: bool = False
) -> Model:
    card = package.card
    # A second core has nothing to do for an answer of microseconds, and waking it takes longer.
    cores = settings.threads or (1 if quick else 0)
    session: Session = plugins.load("runtimes", settings.runtime(project)).open(package, threads=cores)
    task: Task = plugins.load("tasks", card.task)
    waiting = settings.max_waiting

    def decode(contents: list[bytes]) -> list[Prepared | Exception]:
        return [_prepared(task, card, content, settings.max_image_pixels) for content in contents]

    def find(contents: list[bytes]) -> list[bytes | Exception]:
        return [_hand(settings.hands, content, settings.max_image_pixels) for content in contents]

    def answer(inputs: list[NDArray[Any]]) -> list[NDArray[np.float32] | Exception]:
        return list(session.run(np.stack(inputs))[0])

    executor = None if quick else threads.inference
    return Model(
        project=project,
        version=version,
        card=card,
        task=task,
        session=session,
        decoding=Batching(decode, threads.decoding, workers=CORES, most=MAX_BATCH, max_waiting=waiting),
        finding=Batching(find, threads.decoding, workers=CORES, most=MAX_BATCH, max_waiting=waiting),
        answering=Batching(answer, executor, workers=1, most=_most(card), max_waiting=waiting),
        golden=_golden(package),
        max_pixels=settings.max_image_pixels,
    )


def _are_small(contents: Sequence[bytes], spec: Input) -> bool:
    """Whether pictures are decoded, and laid at the model's size, before a thread would have begun. Raises BadImage."""
    return (
        sum(map(len, contents)) <= SMALL_BYTES
        and spec.height * spec.width <= SMALL_PIXELS
        and all(Image.pixels_of(content) <= SMALL_PIXELS for content in contents)
    )


def _most(card: Package) -> int:
    if card.input.kind != "image":
        return MAX_BATCH
    return max(1, min(MAX_BATCH, MAX_PIXELS // (card.input.height * card.input.width)))


def _prepared(task: Task, card: Package, content: bytes, max_pixels: int) -> Prepared | Exception:
    try:
        return task.prepare(content, card.input, max_pixels=max_pixels)
    except Exception as error:  # whatever it is, it is one caller's, not the whole batch's
        return error


def _hand(folder: Path, content: bytes, max_pixels: int) -> bytes | Exception:
    try:
        picture = Image.decode(content, max_pixels=max_pixels, least=hands.ENOUGH)
        return hands.opened(folder).find(picture.pixels).to_bytes()
    except Exception as error:  # whatever it is, it is one caller's, not the whole batch's
        return error


def _golden(package: Sealed) -> tuple[NDArray[Any], NDArray[np.float32]]:
    try:
        with np.load(io.BytesIO(package.golden), allow_pickle=False) as arrays:
            inputs, answers = arrays[INPUT], arrays[package.card.answer]
    except (OSError, ValueError, KeyError) as error:
        raise PackageRefused("the package's golden answers cannot be read", got=str(error)) from error
    if not len(inputs):
        raise PackageRefused("the package has no golden inputs", hint="Train the model again.")
    return inputs, answers
