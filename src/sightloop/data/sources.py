"""Where samples come from: the sources that a recipe names, and any file, folder or bucket of a form that is known."""

from __future__ import annotations

from collections.abc import Iterator, Set
from importlib.util import find_spec
from pathlib import Path

from sightloop.data import (
    archives,
    boxes,
    buckets,
    bundled,
    coco,
    folders,
    idx,
    landmark_csv,
    mnist,
    trees,
    voc,
    yolo,
    zips,
)
from sightloop.data.marked import Samples
from sightloop.data.trees import Tree
from sightloop.errors import BadData, SightloopError
from sightloop.settings import Settings
from sightloop.values.sample import Labelled

GESTURES = "hand_landmarks_data.csv.gz"
PHOTOGRAPHS = ("rps", "leaves")


def open(
    name: str, settings: Settings, progress: mnist.Progress | None = None, *, boxed: bool = False
) -> Iterator[Labelled] | None:
    """The samples of a source that a recipe names, or None where it cannot be had here.

    `mnist` is a local copy in the folder of data sets or in the home folder, else a download unless `offline` is set;
    `gestures`, `rps`, `leaves` and `football` are local copies; `bundled-digits` comes with scikit-learn; any other
    name is the path of a file or folder, or the URL of a bucket, which is read as `boxed` says.
    """
    if name == "mnist":
        folder = _mnist(settings, progress)
        return None if folder is None else idx.read(folder)
    if name == "bundled-digits":
        return bundled.digits() if find_spec("sklearn") else None
    if name == "gestures":
        path = next((path for path in _places(settings, f"gestures/{GESTURES}") if path.is_file()), None)
        return None if path is None else landmark_csv.read(path)
    if name == "football":
        folder = next((folder for folder in _places(settings, name) if folder.is_dir()), None)
        return None if folder is None else boxes.of(trees.folder(folder))
    if name in PHOTOGRAPHS:
        folder = next((folder for folder in _places(settings, name) if folder.is_dir()), None)
        return None if folder is None else folders.read(folder)
    return read(name, boxed=boxed) if buckets.is_url(name) or Path(name).exists() else None


def read(
    where: Path | str, *, aspect: float | None = None, skip_labels: Set[str] = frozenset(), boxed: bool = False
) -> Iterator[Labelled]:
    """The samples of a file, folder or bucket, its form detected.

    Known are landmarks as CSV, MNIST's files, a dataset version's archive (`.tar`), and images in a folder, a zip
    archive or a bucket (`s3://bucket/folder`): as a folder for each class, COCO, VOC or YOLO. A `.json` is a COCO file
    with its images around it. Some count what is left (`operator.length_hint`).

    `aspect` is for landmarks; samples with one of `skip_labels` are left out; `boxed` asks for what is marked in
    images, not for one class of each.
    Raises BadData for anything else, saying what is known.
    """
    items = _read(where, aspect=aspect, skip_labels=skip_labels, boxed=boxed)
    return (item for item in items if item.label not in skip_labels) if skip_labels else items


def _read(where: Path | str, *, aspect: float | None, skip_labels: Set[str], boxed: bool) -> Iterator[Labelled]:
    look = boxes.of if boxed else images
    if isinstance(where, str) and buckets.is_url(where):
        return look(buckets.tree(where))
    if not str(where):
        raise BadData("nothing is named to read", expected="a file, a folder or a bucket", got="an empty text")
    path = Path(where)
    suffix = path.suffix.lower()
    if path.is_file() and path.name.removesuffix(".gz").endswith(".csv"):
        return landmark_csv.read(path, aspect=aspect, skip_labels=skip_labels)
    if path.is_file() and suffix == ".tar":
        return archives.labelled(path)
    if path.is_file() and suffix == ".zip":
        return look(zips.tree(path, str(path)))
    if path.is_file() and suffix == ".json":
        return _coco(path, boxed=boxed)
    if path.is_dir() and any(path.glob("*-idx?-ubyte*")):
        return idx.read(path)
    if path.is_dir():
        return look(trees.folder(path))
    raise BadData(
        f"{path} is {'a file of no known form' if path.exists() else 'not there'}",
        expected="a CSV of landmarks, a folder with MNIST's files, or images (folder, zip, s3://) as a folder for each "
        "class, COCO, VOC or YOLO",
    )


def images(tree: Tree) -> Samples:
    """The images of a tree with their classes: COCO, YOLO or VOC where their files are there, else the folders' names.

    Raises BadData for what is none of these, or has images of several classes.
    """
    tables = coco.tables(tree)
    if tables:
        return coco.read(tree, tables)
    declared = yolo.declaration(tree)
    if declared is not None:
        return yolo.read(tree, declared)
    if next(voc.documents(tree), None) is not None:
        return voc.read(tree)
    return folders.of(tree)


def _coco(path: Path, *, boxed: bool) -> Samples:
    tree = trees.folder(path.parent)
    tables = coco.tables(tree, [path.name])
    if not tables:
        raise BadData(f"{path} is no COCO file", expected="JSON with images, annotations and categories")
    return boxes.samples(tree, coco.boxed(tree, tables)) if boxed else coco.read(tree, tables)


def _mnist(settings: Settings, progress: mnist.Progress | None) -> Path | None:
    for folder in _places(settings, "mnist"):
        if idx.held(folder) and not mnist.is_unfinished(folder):
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
