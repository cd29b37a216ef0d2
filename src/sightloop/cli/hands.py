"""`sightloop hands`: the models that find a hand in a picture."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Annotated

import typer

from sightloop.cli.output import aside, say
from sightloop.errors import BadData, BadInput, NotReady
from sightloop.serve.hands import HAND, PALM, folder_of
from sightloop.settings import in_force
from sightloop.values.sample import digest_of
from sightloop.values.zipped import content

WHEEL = "mediapipe==0.10.21"
FILES = {
    f"mediapipe/modules/palm_detection/{PALM}": "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
    f"mediapipe/modules/hand_landmark/{HAND}": "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
}
# The models are the same in every wheel; this one is of the Python and the system that have one.
_ANY = ("--python-version", "3.11", "--platform", "manylinux_2_28_x86_64", "--only-binary", ":all:")

app = typer.Typer(no_args_is_help=True, help="Hands in pictures.")


@app.callback()
def options() -> None:
    """The models that find a hand in a picture."""


@app.command()
def install(
    wheel: Annotated[Path | None, typer.Option(help=f"The wheel of {WHEEL}, if it is here already.")] = None,
) -> None:
    """Bring MediaPipe's two models of hands (Apache-2.0) out of its wheel, which itself is not installed."""
    given = in_force()
    with tempfile.TemporaryDirectory() as folder:
        if wheel is None and given.offline:
            raise NotReady("nothing is downloaded while SIGHTLOOP_OFFLINE is set", hint="Give the file with --wheel.")
        models = _models(wheel or _downloaded(Path(folder)))
    to = folder_of(given)
    to.mkdir(parents=True, exist_ok=True)
    for name, data in models.items():
        (to / name).write_bytes(data)
    say(f"hands can be found in pictures: the models are in {to}")


def _downloaded(folder: Path) -> Path:
    aside().print(f"downloading {WHEEL}")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *_ANY, "--dest", str(folder), WHEEL]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    found = list(folder.glob("*.whl"))
    if done.returncode or not found:
        raise NotReady(
            f"{WHEEL} cannot be downloaded",
            got=(done.stderr.strip().splitlines() or ["no wheel"])[-1],
            hint="Download its wheel elsewhere, and give it with --wheel.",
        )
    return found[0]


def _models(wheel: Path) -> dict[str, bytes]:
    """The two files, checked. Raises BadInput for what is no such wheel, BadData for other files."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = {path: content(archive, archive.getinfo(path)) for path in FILES}
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise BadInput(f"{wheel} is not the wheel of {WHEEL}", got=str(error)) from error
    for path, data in found.items():
        if digest_of(data) != FILES[path]:
            raise BadData(f"{path} is another file", expected=f"SHA-256 {FILES[path]}", got=digest_of(data))
    return {path.rpartition("/")[2]: data for path, data in found.items()}
