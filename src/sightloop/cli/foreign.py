"""`sightloop models import`: a model that was trained elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from sightloop import plugins
from sightloop.cli.output import AsJson, Project
from sightloop.cli.session import opened
from sightloop.cli.train import report, work
from sightloop.errors import BadInput

File = Annotated[Path, typer.Argument(help="A classifier as .onnx, .keras or .h5; a detector as .onnx or .pt.")]
Channels = Annotated[
    Literal["grey", "rgb", "bgr"], typer.Option(help="What a classifier takes (bgr: of an ONNX file).")
]
High = Annotated[int, typer.Option(help="What a classifier takes for white: 1 or 255.", min=1, max=255)]
Invert = Annotated[bool, typer.Option("--invert", help="Turn black on white into white on black (Keras).")]
Numbers = Annotated[str, typer.Option(help="Of a classifier's ONNX file: one number, or one a channel, by commas.")]
Answers = Annotated[
    Literal["auto", "logits", "probabilities"], typer.Option(help="What a classifier's ONNX file answers.")
]
Classes = Annotated[
    list[str] | None, typer.Option("--class", help="OURS=THEIRS: the class of a detector's file for one; repeat it.")
]
Names = Annotated[str, typer.Option(help="The classes of an ONNX file in its order, by commas.")]
Licence = Annotated[str, typer.Option(help="The licence of an ONNX file's weights.")]

_TRAINERS = {
    True: {".onnx": "onnx-detector", ".pt": "yolo-file"},
    False: {".onnx": "onnx-classifier", ".keras": "keras-file", ".h5": "keras-file", ".hdf5": "keras-file"},
}
"""By whether a task has boxes, and the file's suffix."""


def take_in(
    project: Project,
    file: File,
    channels: Channels = "rgb",
    high: High = 255,
    invert: Invert = False,
    mean: Numbers = "",
    std: Numbers = "",
    answers: Answers = "auto",
    start: Classes = None,
    names: Names = "",
    licence: Licence = "unknown",
    as_json: AsJson = False,
) -> None:
    """Take in a model that was trained elsewhere, as a version that is checked and judged like any other."""
    ready = {"classes": [name.strip() for name in names.split(",") if name.strip()], "licence": licence}
    numbers = {"mean": _numbers("mean", mean), "std": _numbers("std", std)}
    told: dict[str, dict[str, Any]] = {
        "keras-file": {"channels": channels, "high": high, "invert": invert},
        "onnx-classifier": {"channels": channels, "high": high, "answers": answers} | numbers | ready,
        "onnx-detector": {"start": _pairs(start)} | ready,
        "yolo-file": {"start": _pairs(start)},
    }
    with opened() as parts:
        trainer = _trainer(file, boxed=plugins.load("tasks", parts.recipe(project).task).boxed)
        options = {"path": str(file.resolve())} | told[trainer]
        report(work(parts, project, {"trainer": trainer, "options": options}), as_json)


def _trainer(file: Path, *, boxed: bool) -> str:
    found = _TRAINERS[boxed].get(file.suffix)
    if found is None:
        raise BadInput(
            f"{file.name} is no file of {'a detector' if boxed else 'a classifier'}",
            expected=" or ".join(_TRAINERS[boxed]),
        )
    return found


def _pairs(given: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in given or ()]
    wrong = [f"{left}{sign}{right}" for left, sign, right in pairs if not (left and right)]
    if wrong:
        raise BadInput(f"{wrong[0]!r} names no two classes", expected="OURS=THEIRS, as player=person")
    return {left: right for left, _, right in pairs}


def _numbers(name: str, given: str) -> list[float]:
    try:
        return [float(part) for part in given.split(",") if part.strip()]
    except ValueError as error:
        raise BadInput(f"--{name} cannot be read", expected="numbers, by commas", got=given) from error
