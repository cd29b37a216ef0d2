"""The way in for samples and their labels, whoever brings them: a data set, an upload, a correction."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from msgspec import Struct
from sqlalchemy import Connection

from sightloop import plugins
from sightloop.data import prints
from sightloop.data.splits import side_of
from sightloop.errors import BadData, BadInput
from sightloop.loop.samples import sides
from sightloop.store import annotations, samples
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database
from sightloop.store.samples import NewSample
from sightloop.tasks.task import Task
from sightloop.values.annotation import Annotation, Source
from sightloop.values.box import Box
from sightloop.values.image import MAX_PIXELS, Image
from sightloop.values.moment import new_id, now
from sightloop.values.recipe import Recipe
from sightloop.values.sample import Labelled, digest_of
from sightloop.values.table import nearest

BATCH, BATCH_BYTES = 2000, 64 * 2**20
"""A batch ends at so many items, or with the item that makes it so many bytes."""


class Rejection(Struct, frozen=True, kw_only=True):
    """An item that was not taken in: its place in the order in which the items came, and why."""

    index: int
    origin: str
    reason: str


class Collected(Struct, frozen=True, kw_only=True):
    """What became of the items: new samples, samples that were there already, and of these the ones labelled anew."""

    added: int = 0
    known: int = 0
    relabelled: int = 0
    rejected: tuple[Rejection, ...] = ()

    def __add__(self, other: Self) -> "Collected":
        """Both together."""
        return Collected(
            added=self.added + other.added,
            known=self.known + other.known,
            relabelled=self.relabelled + other.relabelled,
            rejected=self.rejected + other.rejected,
        )


@dataclass(frozen=True)
class _Item:
    """A checked item: its content's digest, and its label or boxes in the recipe's spelling."""

    digest: str
    label: str
    boxes: tuple[Box, ...] | None
    given: Labelled

    def said_by(self, told: Annotation | None) -> bool:
        """Whether an annotation says the same."""
        return told is not None and (told.label, told.boxes) == (self.label, self.boxes)


def collect(
    database: Database,
    blobs: Blobs,
    recipe: Recipe,
    items: Iterable[Labelled],
    *,
    author: str,
    source: Source,
    max_pixels: int = MAX_PIXELS,
    progress: Callable[[int], None] | None = None,
) -> Collected:
    """Store labelled samples, any number of them, and say what became of each.

    An item that the project's task cannot prepare, or whose label is no class of the recipe, is rejected with the
    reason; the others are taken in. Bytes are stored before the rows that name them, and each batch of rows is one
    transaction. The same items again change nothing, and an import never undoes a label that a person gave since.
    `progress` hears how many items are done.
    """
    task: Task = plugins.load("tasks", recipe.task)
    total, seen = Collected(), 0
    for batch in _batches(items):
        good: list[_Item] = []
        rejected: list[Rejection] = []
        for index, given in enumerate(batch, start=seen):
            try:
                label, boxes = _said(recipe, given, boxed=task.boxed)
                task.prepare(given.content, recipe.input, max_pixels=max_pixels)
                good.append(_Item(digest_of(given.content), label, boxes, given))
            except BadInput as error:
                rejected.append(Rejection(index=index, origin=given.origin, reason=str(error)))
        total += _store(database, blobs, recipe, good, author, source) + Collected(rejected=tuple(rejected))
        seen += len(batch)
        if progress is not None:
            progress(seen)
    return total


def _batches(items: Iterable[Labelled]) -> Iterator[list[Labelled]]:
    batch: list[Labelled] = []
    size = 0
    for item in items:
        batch.append(item)
        size += len(item.content)
        if len(batch) == BATCH or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _said(recipe: Recipe, given: Labelled, *, boxed: bool) -> tuple[str, tuple[Box, ...] | None]:
    """The label, or the boxes, in the recipe's spelling. Raises BadData, also where it is of the other kind."""
    if not boxed:
        if given.boxes is not None:
            raise BadData(f"{recipe.name} does not take boxes", expected="a label for the whole picture")
        return _label(recipe, given.label), None
    if given.boxes is None:
        raise BadData(f"{recipe.name} takes boxes", expected="a list of boxes, empty where nothing is to be seen")
    width, height = Image.size_of(given.content)
    return "", tuple(checked(recipe, box, width, height) for box in given.boxes)


def checked(recipe: Recipe, box: Box, width: int, height: int) -> Box:
    """A person's box in the recipe's spelling, cut to the picture. Raises BadData where it lies outside of it."""
    label = _label(recipe, box.label)
    x1, y1, x2, y2 = max(box.x1, 0.0), max(box.y1, 0.0), min(box.x2, float(width)), min(box.y2, float(height))
    if x1 >= x2 or y1 >= y2:
        raise BadData(
            "a box lies outside of its picture",
            expected=f"corners within {width} x {height} pixels",
            got=", ".join(f"{corner:g}" for corner in box.corners),
        )
    return Box(label=label, x1=x1, y1=y1, x2=x2, y2=y2)


def _label(recipe: Recipe, text: str) -> str:
    if not text:
        raise BadData("it has no label", expected=f"one of {', '.join(recipe.classes)}")
    label = recipe.label(text)
    if label is None:
        raise BadData(f"the label {text!r} is {nearest(text, recipe.classes)}")
    return label


def _store(
    database: Database, blobs: Blobs, recipe: Recipe, items: list[_Item], author: str, source: Source
) -> Collected:
    fresh = _pack(database, blobs, recipe, items)
    new = {sample.digest for sample in fresh}
    printed = {item.digest: print for item in items if item.digest in new and (print := prints.of(item.given.content))}
    pinned = {item.digest for item in items if item.given.side is not None}
    with database.write() as connection:
        added = sides.add(connection, recipe.name, fresh, printed, pinned)
        said = _annotations(connection, recipe.name, items, author, source)
        annotations.add(connection, recipe.name, said)
    return Collected(added=len(added), known=len(items) - len(added), relabelled=len(said) - len(added))


def _pack(database: Database, blobs: Blobs, recipe: Recipe, items: list[_Item]) -> list[NewSample]:
    """The samples that are not there yet, their bytes stored in one blob."""
    first = {item.digest: item for item in reversed(items)}
    with database.read() as connection:
        known = samples.known(connection, recipe.name, set(first))
    new = [item for digest, item in first.items() if digest not in known]
    places = blobs.pack([item.given.content for item in new])
    return [
        NewSample(
            digest=item.digest,
            side=item.given.side or side_of(item.digest, recipe.split),
            place=place,
            origin=item.given.origin,
        )
        for item, place in zip(new, places, strict=True)
    ]


def _annotations(
    connection: Connection, project: str, items: list[_Item], author: str, source: Source
) -> list[Annotation]:
    """What the items say that is not known yet, in their order."""
    latest = annotations.counting(connection, project, {item.digest for item in items})
    said: list[Annotation] = []
    for item in items:
        present = latest.get(item.digest)
        if item.said_by(present) or (present and source == "import" and _imported(connection, project, item)):
            continue
        told = Annotation(
            id=new_id(),
            sample=item.digest,
            label=item.label,
            author=author,
            source=source,
            at=now(),
            boxes=item.boxes,
        )
        latest[item.digest] = told
        said.append(told)
    return said


def _imported(connection: Connection, project: str, item: _Item) -> bool:
    """Whether an import said this before: then a person has said otherwise since."""
    return any(
        told.source == "import" and item.said_by(told) for told in annotations.history(connection, project, item.digest)
    )
