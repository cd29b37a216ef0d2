"""Takes in detectors that are ready: an ONNX file of YOLOX, of Ultralytics, with suppression inside or without.

The trainer `onnx-detector` trains nothing; what is in the file is put behind raw pixels, compared with the file as it
is, and judged as any other model. Nothing in an ONNX file is code that is run here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sightloop.errors import BadRecipe
from sightloop.trainers.boxes import foreign_boxes, foreign_graphs
from sightloop.trainers.boxes.foreign_boxes import Layout
from sightloop.trainers.onnx import files
from sightloop.trainers.trainer import Fitted, Pictures, Report
from sightloop.values import table
from sightloop.values.recipe import Input, Recipe

Rows = NDArray[np.float32]


class Options(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file, and what it does not say of itself; documented in docs/trainers.md.

    `layout` is what it answers with (`auto` looks at the shape), `classes` the names of its classes where they are
    neither inside nor COCO's, `start` which of them each class of the recipe is, where the names differ.
    """

    path: str
    layout: Literal["auto", "yolox", "ultralytics", "suppressed"] = "auto"
    classes: tuple[str, ...] = ()
    start: dict[str, str] = {}
    licence: str = "unknown"


class OnnxFile:
    """The trainer of detectors that are ready; its options are `Options`."""

    def check(self, recipe: Recipe) -> None:
        """Refuse other tasks, options that are not there, and a file that is not there."""
        if recipe.task != "detection":
            raise BadRecipe("an ONNX file is taken in as a detector", expected='task = "detection"', got=recipe.task)
        path = Path(_options(recipe).path)
        if not path.is_file():
            raise BadRecipe(f"there is no file {path}", expected="an ONNX file")

    def train(self, recipe: Recipe, train: Pictures, validation: Pictures, report: Report) -> Fitted:  # noqa: ARG002
        """The model in the file; it is fitted to nothing here, and nothing is known of its training."""
        report(done=0.0, message="reading the file")
        options = _options(recipe)
        return read(Path(options.path), recipe, options)


def read(path: Path, recipe: Recipe, options: Options) -> Fitted:
    """The detector in a file, behind raw pixels of the file's own size; of the recipe's, where the file leaves it open.

    Raises BadData for a file that is no ONNX, or answers in a form that is not known, and BadRecipe where its classes
    are not the recipe's.
    """
    model = files.read(path)
    spec = foreign_boxes.size_of(model, recipe.input)
    layout = foreign_boxes.layout_of(model, spec, options.layout)
    rows = chosen(_names(model, layout, options), recipe.classes, options.start, path.name)
    graph = foreign_graphs.behind_pixels(model, spec, layout, rows)
    return Fitted(
        graph=graph,
        predict=_Own(path.read_bytes(), graph, layout, rows, spec),
        epochs=0,
        parameters={"imported": path.name, "layout": layout.kind},
        licence=options.licence,
        input=spec,
    )


def chosen(names: Sequence[str], classes: Sequence[str], start: Mapping[str, str], file: str) -> list[int]:
    """The place in the file of each class of the recipe. Raises BadRecipe where one is not there."""
    places = {name: place for place, name in enumerate(names)}
    missing = [label for label in classes if start.get(label, label) not in places]
    if missing:
        raise BadRecipe(
            f"{file} has no class {', '.join(start.get(label, label) for label in missing)}",
            expected=f"one of {', '.join(list(names)[:80])}",
            hint='Say which of its classes yours are, as --class "player=person".',
        )
    return [places[start.get(label, label)] for label in classes]


def _names(model: Any, layout: Layout, options: Options) -> Sequence[str]:
    told = {one.key: one.value for one in model.metadata_props}.get("names", "")
    names = options.classes or foreign_boxes.names_in(told) or foreign_boxes.COCO
    if layout.classes and len(names) != layout.classes:
        raise BadRecipe(
            "the file does not say what its classes are called",
            expected=f"{layout.classes} names, in the file's order",
            got=str(len(names)),
            hint="Name them: --names ball,goalkeeper,player,referee.",
        )
    return names


class _Own:
    """What the file itself answers, run as it is, one picture at a time: NumPy prepares and reads, not our graph."""

    def __init__(self, data: bytes, graph: bytes, layout: Layout, rows: list[int], spec: Input) -> None:
        self._data, self._graph, self._layout, self._rows, self._spec = data, graph, layout, rows, spec

    def __call__(self, inputs: NDArray[Any]) -> tuple[list[Rows], Rows]:
        """The boxes (K, 6) of each input, and the embeddings of the packaged graph: the file has none of its own."""
        own, ours = files.opened(self._data), files.opened(self._graph)
        name = own.get_inputs()[0].name
        found = [
            foreign_boxes.boxes_in(
                own.run(None, {name: foreign_boxes.prepared(one, self._layout)})[0][0],
                self._layout,
                self._rows,
                self._spec,
            )
            for one in inputs
        ]
        embeddings = [ours.run(["embedding"], {"input": one[None]})[0][0] for one in inputs]
        return found, np.stack(embeddings)


def _options(recipe: Recipe) -> Options:
    return table.read(recipe.train.options, Options, f"the recipe of {recipe.name}", "train.options")


TRAINER = OnnxFile()
