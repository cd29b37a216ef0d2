"""Where samples come from: the sources that a recipe names, and any file or folder of a form that is known."""

from __future__ import annotations

from collections.abc import Iterator, Set
from importlib.util import find_spec
from pathlib import Path

from sightloop.data import archives, bundled, folders, idx, landmark_csv, mnist
from sightloop.errors import BadData, SightloopError
from sightloop.settings import Settings
from sightloop.values.sample import Labelled

GESTURES = "hand_landmarks_data.csv.gz"
PHOTOGRAPHS = ("rps", "leaves")


def open(name: str, settings: Settings, progress: mnist.Progress | None = None) -> Iterator[Labelled] | None:
    """The samples of a source that a recipe names, or None where it cannot be had here.

    `mnist` is a local copy in the folder of data sets or in the home folder, else a download unless `offline` is set;
    `gestures`, `rps` and `leaves` are local copies; `bundled-digits` comes with scikit-learn; any other name is the
    path of a file or folder.
    """
    if name == "mnist":
        folder = _mnist(settings, progress)
        return None if folder is None else idx.read(folder)
    if name == "bundled-digits":
        return bundled.digits() if find_spec("sklearn") else None
    if name == "gestures":
        path = next((path for path in _places(settings, f"gestures/{GESTURES}") if path.is_file()), None)
        return None if path is None else landmark_csv.read(path)
    if name in PHOTOGRAPHS:
        folder = next((folder for folder in _places(settings, name) if folder.is_dir()), None)
        return None if folder is None else folders.read(folder)
    return read(Path(name)) if Path(name).exists() else None


def read(path: Path, *, aspect: float | None = None, skip_labels: Set[str] = frozenset()) -> Iterator[Labelled]:
    """The samples of a file or folder, its form detected.

    Known are landmarks as CSV, MNIST's files, folders of images, and a dataset version's archive (`.tar`).

    `aspect` and `skip_labels` are for landmarks. Raises BadData for anything else, saying what is known.
    """
    if path.is_file() and path.name.removesuffix(".gz").endswith(".csv"):
        return landmark_csv.read(path, aspect=aspect, skip_labels=skip_labels)
    if path.is_file() and path.suffix == ".tar":
        return archives.labelled(path)
    if path.is_dir() and any(path.glob("*-idx?-ubyte*")):
        return idx.read(path)
    if path.is_dir():
        return folders.read(path)
    raise BadData(
        f"{path} is {'a file of no known form' if path.exists() else 'not there'}",
        expected="a CSV of landmarks, a folder with MNIST's files, or a folder with a folder of images for each class",
    )


def _mnist(settings: Settings, progress: mnist.Progress | None) -> Path | None:
    for folder in _places(settings, "mnist"):
        if any(folder.glob("train-images-idx3-ubyte*")):
            return folder
    if settings.offline:
        return None
    folder = settings.home / "data" / "mnist"
    try:
        return mnist.download(folder, progress or _silent)
    except SightloopError:
        return None  # no network, or no mirror that answers: the next source takes its place


def _silent(_name: str, _held: int, _all: int) -> None:
    """For those who do not ask how far a download is."""


def _places(settings: Settings, path: str) -> list[Path]:
    roots = [settings.data, settings.home / "data"]
    return [root / path for root in roots if root is not None]
