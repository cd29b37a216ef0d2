"""Hand landmarks in CSV files: a line per hand, 21 points and a label; gzipped or not."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Set
from enum import StrEnum
from pathlib import Path

from sightloop.errors import BadData, BadLandmarks
from sightloop.values.landmarks import POINTS, Landmarks
from sightloop.values.sample import Labelled

PORTRAIT = 3 / 4
"""Width / height of most of HaGRID's photos: what fractions are taken to be of where nothing else is said."""
LABEL = "label"
# MediaPipe places points a little outside the image where a hand is cut off by its edge.
_FRACTIONS = (-1.0, 2.0)
_GZIP = b"\x1f\x8b"


class Form(StrEnum):
    """What the numbers of a file are; only fractions need the aspect ratio, since their x and y have other units."""

    NORMALISED = "normalised"
    PIXELS = "pixels"
    FRACTIONS = "fractions"


def read(path: Path, *, aspect: float | None = None, skip_labels: Set[str] = frozenset()) -> Iterator[Labelled]:
    """The labelled hands of a file with the columns x1, y1, (z1,) ... x21, y21, (z21,) label, in any order.

    The first hand tells the file's form: normalised (wrist at 0, 0), fractions of the image (all numbers near 0 to 1,
    wrist elsewhere) or pixels. `aspect` is width / height of the images and counts for fractions only (3/4 unless
    given). A missing z is 0; other columns are ignored; so are rows labelled with one of `skip_labels`.
    Raises BadData naming file and line.
    """
    rows = csv.reader(io.StringIO(_text(path), newline=""))
    make: Callable[[list[float]], Landmarks] | None = None
    try:
        columns = _Columns(path, next(rows, []))
        for row in filter(any, rows):
            where = f"{path.name}, line {rows.line_num}"
            numbers, label = columns.split(row, where)
            make = make or _maker(numbers, aspect)
            if label not in skip_labels:
                yield Labelled(content=_hand(make, numbers, where), label=label, origin=where)
    except csv.Error as error:
        raise BadData(f"{path.name}, line {rows.line_num} is not CSV: {error}") from error
    if make is None:
        raise BadData(f"{path.name} has no rows", expected="a hand on each line after the header")


def form_of(numbers: list[float]) -> Form:
    """The form that the 63 numbers x1, y1, z1, ... of a hand are in."""
    flat = [*numbers[0::3], *numbers[1::3]]
    if numbers[0] == numbers[1] == 0:
        return Form.NORMALISED
    return Form.FRACTIONS if _FRACTIONS[0] <= min(flat) and max(flat) <= _FRACTIONS[1] else Form.PIXELS


def _maker(numbers: list[float], aspect: float | None) -> Callable[[list[float]], Landmarks]:
    ratio = (PORTRAIT if aspect is None else aspect) if form_of(numbers) is Form.FRACTIONS else 1.0
    return lambda hand: Landmarks.of(hand, aspect=ratio)


def _hand(make: Callable[[list[float]], Landmarks], numbers: list[float], where: str) -> bytes:
    try:
        return make(numbers).to_bytes()
    except BadLandmarks as error:
        raise BadData(f"{where}: {error.message}", expected=error.expected, got=error.got) from error


class _Columns:
    """Where in a row the numbers and the label stand."""

    def __init__(self, path: Path, header: list[str]) -> None:
        names = [name.strip().lower() for name in header]
        if not any(names):
            raise BadData(f"{path.name} is empty", expected="a header line, then a hand on each line")
        self.width = len(names)
        flat = not any(name.startswith("z") and name[1:].isdigit() for name in names)
        axes = "xy" if flat else "xyz"
        wanted = [f"{axis}{point}" for point in range(1, POINTS + 1) for axis in axes]
        _check_header(path, names, wanted)
        self.names = wanted
        self.places = [names.index(name) for name in wanted]
        self.label = names.index(LABEL)
        self.flat = flat

    def split(self, row: list[str], where: str) -> tuple[list[float], str]:
        """The 63 numbers and the label of a row."""
        if len(row) != self.width:
            raise BadData(f"{where} has other columns than the header", expected=str(self.width), got=str(len(row)))
        label = row[self.label].strip()
        if not label:
            raise BadData(f"{where} has no label")
        try:
            numbers = [float(row[place]) for place in self.places]
        except ValueError as error:
            raise self._no_number(row, where) from error
        if self.flat:
            numbers = [number for x, y in zip(numbers[0::2], numbers[1::2], strict=True) for number in (x, y, 0.0)]
        return numbers, label

    def _no_number(self, row: list[str], where: str) -> BadData:
        for name, place in zip(self.names, self.places, strict=True):
            try:
                float(row[place])
            except ValueError:
                return BadData(f"{where}, column {name} is not a number", expected="a number", got=repr(row[place]))
        raise AssertionError(row)


def _check_header(path: Path, names: list[str], wanted: list[str]) -> None:
    missing = [name for name in (*wanted, LABEL) if name not in names]
    if missing:
        more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise BadData(
            f"{path.name}, line 1: column {missing[0]} is missing{more}",
            expected=f"x1, y1, (z1,) ... x{POINTS}, y{POINTS}, (z{POINTS},) {LABEL}",
            got=f"{len(names)} columns: {', '.join(names)[:60]}",
            hint="The first line names the columns, separated by commas.",
        )
    doubled = next((name for name in (*wanted, LABEL) if names.count(name) > 1), None)
    if doubled:
        raise BadData(f"{path.name}, line 1: column {doubled} stands there twice")


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if data.startswith(_GZIP) else data).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadData(f"{path.name} is not UTF-8 text", expected="CSV, gzipped or not") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadData(f"{path.name} cannot be unpacked: {error}", hint="Fetch it again.") from error
    except OSError as error:
        raise BadData(f"{path} cannot be read: {error.strerror}") from error
