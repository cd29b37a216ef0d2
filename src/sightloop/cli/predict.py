"""`sightloop predict`: a model's answers to files, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from sightloop import plugins
from sightloop.cli.evaluate import Version, choose
from sightloop.cli.output import AsJson, Project, write_json, write_table
from sightloop.cli.session import opened
from sightloop.errors import BadInput, BadLandmarks
from sightloop.serve import hands
from sightloop.store import packages
from sightloop.values.image import Image
from sightloop.values.landmarks import Landmarks
from sightloop.values.prediction import Answer, Detections

Files = Annotated[list[Path], typer.Argument(help="Images, or JSON files with the 63 numbers of a hand.")]


def predict(project: Project, files: Files, version: Version = None, as_json: AsJson = False) -> None:
    """Answer files with a project's model: images, or landmarks in files that end in .json."""
    with opened() as parts:
        package = packages.load(parts.blobs, choose(parts, project, version).package)
        threads, max_pixels = parts.settings.threads, parts.settings.max_image_pixels
        runtime = parts.settings.runtime(project)
        models = hands.folder_of(parts.settings)
    card = package.card
    task = plugins.load("tasks", card.task)
    session = plugins.load("runtimes", runtime).open(package, threads=threads)
    answers: list[Answer | Detections] = []
    for file in files:
        content = _content(file)
        if card.input.kind == "landmarks":
            hand = _landmarks(file, content) if file.suffix == ".json" else _hand(content, models, max_pixels)
            content = hand.to_bytes()
        prepared = task.prepare(content, card.input, max_pixels=max_pixels)
        rows = [session.run(one[None])[0][0] for one in prepared.inputs]
        answers.append(task.read(rows, card, prepared.size))
    if as_json:
        write_json([{"file": str(file)} | _plain(answer) for file, answer in zip(files, answers, strict=True)])
    else:
        _print(files, answers)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read: {error.strerror}") from error


def _hand(data: bytes, models: Path, max_pixels: int) -> Landmarks:
    return hands.opened(models).find(Image.decode(data, max_pixels=max_pixels, least=hands.ENOUGH).pixels)


def _landmarks(file: Path, data: bytes) -> Landmarks:
    try:
        numbers: Any = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadLandmarks(f"{file} is no JSON: {error}", expected="63 numbers, or 21 lists of x, y, z") from error
    return Landmarks.of(numbers["landmarks"] if isinstance(numbers, dict) and "landmarks" in numbers else numbers)


def _plain(answer: Answer | Detections) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(answer)
    return plain


def _print(files: list[Path], answers: list[Answer | Detections]) -> None:
    told = [getattr(answer, "command", None) or "" for answer in answers]
    commands = any(told)
    write_table(
        ("file", "answer", "confidence", *(("command",) if commands else ())),
        (
            (file, answer.label, f"{answer.confidence:.4f}", *((command,) if commands else ()))
            for file, answer, command in zip(files, answers, told, strict=True)
        ),
    )
