"""Landmark files are read in their three forms, and every mistake in one is named with its line."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sightloop.data import landmark_csv
from sightloop.data.landmark_csv import Form, form_of
from sightloop.errors import BadData
from sightloop.values.landmarks import Landmarks

Write = Callable[..., Path]
HEADER_XYZ = [f"{axis}{point}" for point in range(1, 22) for axis in "xyz"] + ["label"]
HEADER_XY = [f"{axis}{point}" for point in range(1, 22) for axis in "xy"] + ["label", "user_id", "leading_hand"]
PIXELS = [str(number) for number in range(100, 163)]
NORMALISED = ["0", "0", "1e-7", *(str(number / 100) for number in range(60))]
FRACTIONS = [str(0.2 + number / 100) for number in range(42)]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A CSV file of these rows."""

    def write(*rows: list[str], name: str = "hands.csv") -> Path:
        path = tmp_path / name
        path.write_text("".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


def hands(path: Path, **how: object) -> list[np.ndarray]:
    items = landmark_csv.read(path, **how)  # type: ignore[arg-type]
    return [Landmarks.from_bytes(item.content).points for item in items]


def test_pixels_come_as_they_are(write: Write) -> None:
    path = write(HEADER_XYZ, [*PIXELS, "like"])
    (item,) = landmark_csv.read(path)
    points = Landmarks.from_bytes(item.content).points
    assert points.ravel().tolist() == list(range(100, 163))
    assert (item.label, item.side, item.origin) == ("like", None, "hands.csv, line 2")


def test_normalised_hands_come_as_they_are(write: Write) -> None:
    (points,) = hands(write(HEADER_XYZ, [*NORMALISED, "fist"]))
    assert points[0, :2].tolist() == [0, 0]
    assert points[1, 0] == 0


def test_fractions_become_one_unit_by_the_aspect_of_portrait_photos(write: Write) -> None:
    (points,) = hands(write(HEADER_XY, [*FRACTIONS, "palm", "someone", "left"]))
    assert points[:, 0] == pytest.approx(np.arange(0.2, 0.61, 0.02) * 0.75)
    assert points[:, 1] == pytest.approx(np.arange(0.21, 0.62, 0.02))
    assert not points[:, 2].any()


def test_an_aspect_that_is_given_counts_for_fractions_only(write: Write) -> None:
    (fractions,) = hands(write(HEADER_XY, [*FRACTIONS, "palm", "", ""]), aspect=2.0)
    (pixels,) = hands(write(HEADER_XYZ, [*PIXELS, "palm"], name="pixels.csv"), aspect=2.0)
    assert fractions[0, 0] == pytest.approx(0.4)
    assert pixels[0, 0] == 100


def test_an_impossible_aspect_is_refused(write: Write) -> None:
    with pytest.raises(BadData, match="line 2: the aspect ratio is not positive"):
        hands(write(HEADER_XY, [*FRACTIONS, "palm", "", ""]), aspect=0.0)


def test_a_gzipped_file_is_known_by_its_bytes(write: Write, tmp_path: Path) -> None:
    packed = tmp_path / "packed.csv"
    packed.write_bytes(gzip.compress(write(HEADER_XYZ, [*PIXELS, "like"]).read_bytes()))
    assert len(hands(packed)) == 1


def test_columns_may_come_in_another_order_and_case(write: Write) -> None:
    header = ["Label", *(name.upper() for name in reversed(HEADER_XYZ[:-1]))]
    (points,) = hands(write(header, ["like", *reversed(PIXELS)]))
    assert points.ravel().tolist() == list(range(100, 163))


def test_a_byte_order_mark_and_empty_lines_are_passed_over(write: Write) -> None:
    path = write(HEADER_XYZ, [*PIXELS, "like"], [""], [*PIXELS, "fist"])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert [item.label for item in landmark_csv.read(path)] == ["like", "fist"]


def test_labels_are_left_to_the_caller_unless_skipped(write: Write) -> None:
    path = write(HEADER_XYZ, [*PIXELS, "no_gesture"], [*PIXELS, "wave"])
    assert [item.label for item in landmark_csv.read(path)] == ["no_gesture", "wave"]
    assert [item.label for item in landmark_csv.read(path, skip_labels={"no_gesture"})] == ["wave"]


@pytest.mark.parametrize(
    ("numbers", "form"),
    [
        ([0, 0, 1e-7, *([-1.5] * 60)], Form.NORMALISED),
        ([0.4, 0.5, 0.0, *([1.1] * 60)], Form.FRACTIONS),
        ([0.4, 0.5, 0.0, *([40.0] * 60)], Form.PIXELS),
    ],
)
def test_the_form_is_told_by_the_wrist_and_the_range(numbers: list[float], form: Form) -> None:
    assert form_of(numbers) is form


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "hands.csv is empty"),
        ([HEADER_XYZ], "hands.csv has no rows"),
        ([PIXELS], "line 1: column x1 is missing"),
        ([HEADER_XYZ[:-1], PIXELS], "line 1: column label is missing;"),
        ([[*HEADER_XYZ[:5], *HEADER_XYZ[6:]], [*PIXELS, "like"]], "line 1: column z2 is missing;"),
        ([["x1", "y1", "label"], ["1", "2", "like"]], "line 1: column x2 is missing, and 39 more"),
        ([[*HEADER_XYZ, "x1"], [*PIXELS, "like", "1"]], "line 1: column x1 stands there twice"),
        ([HEADER_XYZ, [*PIXELS, "like"], [*PIXELS[1:], "like"]], "line 3 has other columns than the header"),
        ([HEADER_XYZ, [*PIXELS, ""]], "line 2 has no label"),
        ([HEADER_XYZ, [*PIXELS[:4], "left", *PIXELS[5:], "like"]], "line 2, column y2 is not a number.*'left'"),
        ([HEADER_XYZ, [*PIXELS[:4], "nan", *PIXELS[5:], "like"]], "line 2: a coordinate is not a number"),
        ([HEADER_XYZ, [*(["7"] * 63), "like"]], "line 2: all landmarks lie in one place"),
        ([HEADER_XYZ, ["x" * 200_000]], "line 2 is not CSV"),
    ],
)
def test_mistakes_name_the_file_and_the_line(write: Write, rows: list[list[str]], message: str) -> None:
    with pytest.raises(BadData, match=message):
        hands(write(*rows))


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hands.csv"
    path.write_bytes(b"\x89PNG\xff\xfe\x00")
    with pytest.raises(BadData, match=r"hands\.csv is not UTF-8 text"):
        hands(path)


def test_a_cut_off_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hands.csv.gz"
    path.write_bytes(gzip.compress(b"x1,y1,z1" * 1000)[:-12])
    with pytest.raises(BadData, match=r"hands\.csv\.gz cannot be unpacked"):
        hands(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"nowhere\.csv cannot be read: No such file"):
        hands(tmp_path / "nowhere.csv")


@pytest.mark.parametrize(
    ("name", "rows", "form"),
    [
        ("hand_landmarks_data.csv.gz", 3546, Form.NORMALISED),
        ("hand_landmarks_raw.csv.gz", 1217, Form.PIXELS),
        ("hagrid_annotations_xy.csv.gz", 1515, Form.FRACTIONS),
    ],
)
def test_real_files_are_read_whole(shared_data: Path, name: str, rows: int, form: Form) -> None:
    points = hands(shared_data / "gestures" / name, aspect=1.0)
    assert len(points) == rows
    assert {form_of(hand.ravel().tolist()) for hand in points} == {form}
