"""`sightloop video`: a video with what a project sees in it drawn in, made here, without a server."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sightloop.cli.evaluate import Version
from sightloop.cli.output import AsJson, Project, aside, say, write_json
from sightloop.cli.session import opened
from sightloop.errors import BadInput, BadVideo
from sightloop.serve.video import filming
from sightloop.store import packages
from sightloop.values.video import Handling

File = Annotated[Path, typer.Argument(help="The video.")]
Out = Annotated[Path, typer.Option(help="The MP4 to write; OUT.json and OUT.csv beside it tell what was seen where.")]
Every = Annotated[int | None, typer.Option(help="The model sees every so many frames; the recipe's if left out.")]
Least = Annotated[float, typer.Option(help="The least score of a box; 0 takes the model's own.")]


def video(
    project: Project,
    file: File,
    out: Out,
    every: Every = None,
    least: Least = 0.0,
    trails: Annotated[bool, typer.Option(help="Draw the way that each thing took.")] = True,
    version: Version = None,
    as_json: AsJson = False,
) -> None:
    """Draw what a model sees into a video, and write down what it saw in each frame."""
    if not file.is_file():
        raise BadInput(f"{file} is not there", expected="a video file")
    with opened() as parts:
        given = parts.recipe(project).videos
        chosen = given.every if every is None else every
        handling = Handling.of({"every": chosen, "least": least, "trails": trails, "track": given.track})
        package = packages.load(parts.blobs, parts.version(project, version).package)
        settings = parts.settings
    out.parent.mkdir(parents=True, exist_ok=True)
    # Beside the result, where there is room for it, and from where it is moved in no time.
    with tempfile.TemporaryDirectory(prefix=".sightloop-", dir=out.parent) as made:
        folder = Path(made)
        (folder / filming.SOURCE).symlink_to(file.resolve())
        package.write(folder / filming.PACKAGE)
        result = _watched(filming.order(folder, handling, settings))
        for name, to in zip((filming.FILM, filming.TRACKS, filming.TABLE), _names(out), strict=True):
            shutil.move(folder / name, to)
    broken = result.pop("broken", None)
    if as_json:
        write_json(result | {"files": [str(name) for name in _names(out)]})
    else:
        rate = result["frames"] / max(result["seconds"], 1e-9)
        say(f"{out}: {result['frames']} frames, {result['things']} things, {rate:.1f} frames a second")
    if broken:
        raise BadVideo(broken, hint=f"What could be worked on is in {out}.")


def _names(out: Path) -> tuple[Path, Path, Path]:
    return out, out.with_suffix(".json"), out.with_suffix(".csv")


def _watched(payload: dict[str, Any]) -> dict[str, Any]:
    columns = (TextColumn("filming"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=aside(), transient=True) as progress:
        bar = progress.add_task("filming", total=None)

        def report(done: int, frames: int, eta: float | None) -> None:  # noqa: ARG001 - the bar counts itself
            progress.update(bar, completed=done, total=frames or None)

        return filming.make(payload, report)
