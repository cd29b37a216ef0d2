"""`sightloop predict`: a model's answers to files, without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from sightloop import home
from sightloop.cli.evaluate import Version
from sightloop.cli.output import AsJson, Project, printable, write_json, write_table
from sightloop.cli.session import opened
from sightloop.values.prediction import Answer, Detections

Files = Annotated[list[Path], typer.Argument(help="Images, or JSON files with the 63 numbers of a hand.")]


def predict(project: Project, files: Files, version: Version = None, as_json: AsJson = False) -> None:
    """Answer files with a project's model: images, or landmarks in files that end in .json."""
    with opened() as parts:
        known = home.Project(parts, parts.recipe(project))
        answers = [known.predict(file, version) for file in files]
    if as_json:
        names = [printable(str(file)) for file in files]
        write_json([{"file": name} | _plain(answer) for name, answer in zip(names, answers, strict=True)])
    else:
        _print(files, answers)


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
