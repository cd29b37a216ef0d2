"""A video from its file to the film with what was seen drawn into it, piece by piece, so that it can be gone on with.

In its folder: `source`, `package/`; while it goes `pieces/`; in the end `film.mp4`, `tracks.json` and `tracks.csv`. The
pieces stay until whoever had it made has noted that it is made, and clears them away.
What is being written lies in a folder of whoever writes it, in `pieces/`, and is moved from there when it is whole.
Whoever begins throws those of others away, so that one that was taken for dead leaves nothing among what is made anew.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from sightloop.serve import hands
from sightloop.serve.sight import Sight
from sightloop.serve.video import notes
from sightloop.serve.video.brush import Brush
from sightloop.serve.video.clip import Clip, Shape
from sightloop.serve.video.film import Piece, join
from sightloop.serve.video.following import Noted, follow, look, resume
from sightloop.serve.video.notes import Note, Notes
from sightloop.serve.video.overlap import overlapped
from sightloop.serve.video.tracker import Tracker
from sightloop.settings import Settings
from sightloop.values.package import Sealed
from sightloop.values.video import Handling

SOURCE, PACKAGE, PIECES = "source", "package", "pieces"
FILM, TRACKS, TABLE = "film.mp4", "tracks.json", "tracks.csv"
PIECE_FRAMES = 250
_TELL_SECONDS = 0.5
_MOST_LOST = 0.02
"""The share of the declared frames that may be missing before a video counts as cut off."""

Report = Callable[..., None]


def order(folder: Path, handling: Handling, settings: Settings) -> dict[str, Any]:
    """The payload of `make`."""
    return {
        "folder": str(folder),
        "handling": msgspec.to_builtins(handling),
        "max_pixels": settings.max_image_pixels,
        "runtimes": settings.chosen_runtimes,
        "threads": settings.threads,
        "hands": str(settings.hands),
    }


def make(payload: dict[str, Any], report: Report) -> dict[str, Any]:
    """Work a video off, from where it was left; what came out, as plain values. The work of a child process.

    `payload` is as `order` makes it. Reports `done`, `frames` and `eta`. The result of a video that is damaged or cut
    off has `broken`, beside what could be made of it. Raises BadVideo and TooLarge.
    """
    folder = Path(payload["folder"])
    handling = Handling.of(payload["handling"])
    models = Path(payload["hands"])
    package = Sealed.read(folder / PACKAGE)
    sight = Sight(
        package,
        runtime=payload["runtimes"].get(package.card.project, "onnx"),
        threads=payload["threads"],
        least=handling.least,
        hands=lambda: hands.opened(models),
    )
    clip = Clip(folder / SOURCE, max_pixels=payload["max_pixels"])
    began = time.monotonic()
    desk = _desk(folder)
    _film(folder, desk, clip, sight, handling, _Told(report, clip.shape.frames))
    return _finished(folder, desk, clip, sight, time.monotonic() - began)


def _desk(folder: Path) -> Path:
    """A new folder for what is being written; there is no other any more."""
    pieces = folder / PIECES
    pieces.mkdir(exist_ok=True)
    for left in pieces.glob("*/"):
        shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(dir=pieces))


def _film(folder: Path, desk: Path, clip: Clip, sight: Sight, handling: Handling, told: _Told) -> None:
    """Make the pieces that are not there yet."""
    shape = clip.shape
    whole = _whole(folder)
    tracker = Tracker(float(shape.rate) / handling.every, sight.least) if sight.boxed and handling.track else None
    first = 0
    if whole:
        last = Notes.read(whole[-1])
        first = last.notes[-1].frame + 1
        if tracker is not None:
            resume(tracker, last)
    told.begin(first)
    looked = overlapped(look(overlapped(clip.stills(first)), sight, handling.every))
    drawn = overlapped(_drawn(overlapped(follow(looked, tracker, sight.least)), sight, shape, handling))
    size = -(-PIECE_FRAMES // handling.every) * handling.every
    for number in itertools.count(len(whole)):
        if not _write(desk / f"{number:06d}", itertools.islice(drawn, size), shape, told):
            return


def _drawn(noted: Iterable[Noted], sight: Sight, shape: Shape, handling: Handling) -> Iterator[Noted]:
    brush = Brush(sight.card.classes, shape.width, shape.height, float(shape.rate), trails=handling.trails)
    for still, note, highest in noted:
        yield Noted(still._replace(pixels=brush.draw(still.pixels, note)), note, highest)


def _write(path: Path, noted: Iterator[Noted], shape: Shape, told: _Told) -> bool:
    """Write the next piece and put it among the others; its notes last: one with notes is whole. Whether it was one."""
    first = next(noted, None)
    if first is None:
        return False
    kept: list[Note] = []
    last = first
    film, seen = path.with_suffix(".nut"), path.with_suffix(".json")
    with Piece(film, shape.width, shape.height, shape.rate) as piece:
        for last in itertools.chain((first,), noted):
            piece.add(last.still.pixels, last.still.ticks)
            kept.append(last.note)
            told.one()
    Notes(kept, last.highest).write(seen)
    for made in (film, seen):
        made.replace(path.parents[1] / made.name)
    return True


def _whole(folder: Path) -> list[Path]:
    return sorted((folder / PIECES).glob("*.json"))


def _finished(folder: Path, desk: Path, clip: Clip, sight: Sight, seconds: float) -> dict[str, Any]:
    shape, whole = clip.shape, _whole(folder)
    last = Notes.read(whole[-1])
    frames = last.notes[-1].frame + 1
    silent = join([piece.with_suffix(".nut") for piece in whole], folder / SOURCE, desk / FILM)
    head = {
        "project": sight.card.project,
        "classes": sight.card.classes,
        "width": shape.width,
        "height": shape.height,
        "rate": round(float(shape.rate), 4),
        "frames": frames,
    }
    notes.write_json(desk / TRACKS, head, notes.rows(_all(whole), sight.card.classes))
    count = notes.write_csv(desk / TABLE, notes.rows(_all(whole), sight.card.classes))
    for name in (FILM, TRACKS, TABLE):
        (desk / name).replace(folder / name)
    result = {
        "frames": frames,
        "rows": count,
        "things": last.highest,
        "seconds": round(seconds, 3),
        "codec": shape.codec,
    }
    result |= {"sound": silent or shape.sound or "none"}
    lost = max(0, shape.frames - frames)
    if clip.damaged or lost > _MOST_LOST * shape.frames + 1:
        result["broken"] = (
            f"the video is cut off or damaged: {frames} of about {max(shape.frames, frames)} frames could be worked on"
        )
    return result


def _all(whole: Iterable[Path]) -> Iterator[Note]:
    for path in whole:
        yield from Notes.read(path).notes


class _Told:
    """Tells of the progress, now and then."""

    def __init__(self, report: Report, frames: int) -> None:
        self._report, self._frames = report, frames
        self._first = self._done = 0
        self._began = self._last = time.monotonic()

    def begin(self, first: int) -> None:
        """So many frames are done already."""
        self._first = self._done = first
        self._began = time.monotonic()

    def one(self) -> None:
        """One more frame is done."""
        self._done += 1
        now = time.monotonic()
        if now - self._last < _TELL_SECONDS:
            return
        self._last = now
        pace = (now - self._began) / (self._done - self._first)
        eta = round(max(0, self._frames - self._done) * pace, 1) if self._frames else None
        self._report(done=self._done, frames=self._frames, eta=eta)
