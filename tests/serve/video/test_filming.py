"""Videos worked off: what was seen is drawn and written down, the film plays, and a broken one says so."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from tests import clips, packages

from sightloop.errors import TooLarge
from sightloop.serve.video import filming
from sightloop.settings import Settings
from sightloop.values.package import Sealed
from sightloop.values.video import Handling

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of one video."""
    (tmp_path / "video").mkdir()
    return tmp_path / "video"


@pytest.fixture
def make(folder: Path, make_settings: Callable[..., Settings]) -> Make:
    """Work off a video with a model; keywords are the handling."""

    def run(clip: Path, package: Sealed | None = None, **handling: Any) -> dict[str, Any]:
        (folder / filming.SOURCE).unlink(missing_ok=True)
        (folder / filming.SOURCE).hardlink_to(clip)
        (package or packages.squares()).write(folder / filming.PACKAGE)
        order = filming.order(folder, Handling.of(handling), make_settings(max_image_pixels=1_000_000, threads=1))
        return filming.make(order, lambda **_: None)

    return run


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / filming.TABLE).open() as file:
        return list(csv.DictReader(file))


def frames(path: Path) -> list[tuple[float, NDArray[np.uint8]]]:
    """The moments and the pixels of a film."""
    with av.open(str(path)) as film:
        decoded = film.decode(video=0)
        return [(float(frame.time or 0), np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)) for frame in decoded]


def test_things_are_followed_drawn_and_written_down(folder: Path, make: Make, tmp_path: Path) -> None:
    result = make(clips.write(tmp_path / "clip.mp4", 30))
    assert (result["frames"], result["things"], result["sound"]) == (30, 2, "none")
    assert "broken" not in result
    found = rows(folder)
    assert len({row["id"] for row in found}) == 2
    last = [row for row in found if row["frame"] == "29"]
    assert {row["class"]: (float(row["x1"]), float(row["y1"])) for row in last} == {"red": (16, 32), "green": (48, 0)}
    assert last[0]["time"] == "1.16"
    told = json.loads((folder / filming.TRACKS).read_text())
    assert (told["frames"], told["width"], told["height"], len(told["tracks"])) == (30, 96, 64, len(found))
    film = frames(folder / filming.FILM)
    assert [round(moment * 25) for moment, _ in film] == list(range(30))
    assert np.abs(film[20][1].astype(int) - clips.squares(0)).max() > 60  # something is drawn
    with av.open(str(folder / filming.FILM)) as opened:
        assert opened.streams.video[0].codec_context.name == "h264"
        assert opened.streams.video[0].codec_context.pix_fmt == "yuv420p"
    data = (folder / filming.FILM).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # it plays while it is loaded


def test_a_class_is_written_on_every_frame(folder: Path, make: Make, tmp_path: Path) -> None:
    result = make(clips.write(tmp_path / "clip.mp4", 12), packages.digits(), every=5)
    assert result["frames"] == len(rows(folder)) == 12
    assert {row["id"] for row in rows(folder)} == {"0"}


@pytest.mark.parametrize("every", [2, 3, 7])
def test_frames_between_two_looks_are_filled_in(folder: Path, make: Make, tmp_path: Path, every: int) -> None:
    result = make(clips.write(tmp_path / "clip.mp4", 40), every=every)
    assert (result["frames"], result["things"]) == (40, 2)
    by_frame = dict.fromkeys(range(40), 0)
    for row in rows(folder):
        by_frame[int(row["frame"])] += 1
    assert [by_frame[number] for number in range(4 * every, 40)] == [2] * (40 - 4 * every)


@pytest.mark.parametrize("every", [1, 4])
def test_without_following_every_box_stands_alone(folder: Path, make: Make, tmp_path: Path, every: int) -> None:
    result = make(clips.write(tmp_path / "clip.mp4", 12), track=False, every=every)
    assert (result["things"], result["rows"]) == (0, 24)
    assert {row["id"] for row in rows(folder)} == {"0"}
    film = frames(folder / filming.FILM)
    assert np.abs(film[6][1].astype(int) - clips.squares(0)).max() > 60


def test_what_was_left_half_way_is_gone_on_with(
    folder: Path, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filming, "PIECE_FRAMES", 20)
    clip = clips.write(tmp_path / "clip.mp4", 70)
    whole = make(clip)
    expected, film = rows(folder), frames(folder / filming.FILM)
    shutil.rmtree(folder / filming.PIECES)  # as who had it made does
    kept: list[Path] = []

    class Killed(BaseException):
        pass

    def die(*given: Any) -> bool:
        if len(list((folder / filming.PIECES).glob("*.json"))) == 2:
            raise Killed
        return write(*given)

    write = filming._write
    monkeypatch.setattr(filming, "_write", die)
    with pytest.raises(Killed):
        make(clip)
    kept = sorted((folder / filming.PIECES).glob("*.json"))
    stamps = [path.stat().st_mtime_ns for path in kept]
    monkeypatch.setattr(filming, "_write", write)
    seen: list[list[int]] = []

    def look(*given: Any) -> dict[str, Any]:
        seen.append([path.stat().st_mtime_ns for path in kept])
        return done(*given)

    done = filming._finished
    monkeypatch.setattr(filming, "_finished", look)
    again = make(clip)
    assert seen == [stamps]  # the pieces that were whole were not made again
    assert {name: again[name] for name in ("frames", "rows", "things")} == {
        name: whole[name] for name in ("frames", "rows", "things")
    }
    assert rows(folder) == expected
    assert [moment for moment, _ in frames(folder / filming.FILM)] == [moment for moment, _ in film]


def test_one_that_was_taken_for_dead_leaves_nothing_among_what_is_made_anew(
    folder: Path, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_settings: Callable[..., Settings]
) -> None:
    monkeypatch.setattr(filming, "_TELL_SECONDS", 0.0)
    expected = make(clips.write(tmp_path / "clip.mp4", 20))
    shutil.rmtree(folder / filming.PIECES)
    order = filming.order(folder, Handling(), make_settings(threads=1))
    made: list[dict[str, Any]] = []
    stamps: list[int] = []

    def meanwhile(**_: Any) -> None:
        if not made:
            made.append(filming.make(order, lambda **_: None))
            stamps.extend(path.stat().st_mtime_ns for path in sorted(folder.iterdir()))

    with pytest.raises(FileNotFoundError):
        filming.make(order, meanwhile)
    assert [made[0][name] for name in ("frames", "rows")] == [expected[name] for name in ("frames", "rows")]
    assert [path.stat().st_mtime_ns for path in sorted(folder.iterdir())] == stamps


def test_a_sound_of_an_unknown_codec_is_left_out_and_told(folder: Path, make: Make, tmp_path: Path) -> None:
    clip = clips.write(tmp_path / "clip.mkv", 20, sound="aac")
    clip.write_bytes(clip.read_bytes().replace(b"A_AAC", b"A_NEW"))
    result = make(clip)
    assert (result["frames"], result["sound"]) == (20, "the sound could not be kept: its codec is not known here")
    assert (folder / "film.mp4").is_file()


@pytest.mark.parametrize(("sound", "kept"), [("aac", "aac"), ("libmp3lame", "mp3"), ("pcm_s16le", "aac")])
def test_the_sound_is_kept(folder: Path, make: Make, tmp_path: Path, sound: str, kept: str) -> None:
    result = make(clips.write(tmp_path / "clip.mkv", 50, sound=sound))
    assert not result["sound"].startswith("the sound could not")
    with av.open(str(folder / filming.FILM)) as film:
        assert film.streams.audio[0].codec_context.codec.canonical_name == kept
        assert (film.duration or 0) / 1e6 == pytest.approx(2.0, abs=0.1)
        assert sum(frame.samples for frame in film.decode(audio=0)) / 48000 == pytest.approx(2.0, abs=0.1)


def test_frames_at_uneven_moments_keep_them(folder: Path, make: Make, tmp_path: Path) -> None:
    moments = [0, 3, 10, 11, 30, 31, 32, 50, 80, 81]
    make(clips.write(tmp_path / "clip.mkv", 10, moments=lambda number: moments[number], bf="0"))
    assert [round(100 * moment) for moment, _ in frames(folder / filming.FILM)] == moments


def test_odd_sides_become_even(folder: Path, make: Make, tmp_path: Path) -> None:
    def odd(_number: int) -> NDArray[np.uint8]:
        return np.full((63, 95, 3), 90, np.uint8)

    assert make(clips.write(tmp_path / "clip.mkv", 5, odd, codec="ffv1"))["frames"] == 5
    assert frames(folder / filming.FILM)[0][1].shape == (62, 94, 3)


def test_a_video_that_is_cut_off_gives_what_there_is_and_says_so(folder: Path, make: Make, tmp_path: Path) -> None:
    clip = clips.write(tmp_path / "clip.mp4", 100, _noise, first=True)
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    result = make(tmp_path / "cut.mp4")
    assert 20 < result["frames"] < 80
    assert result["broken"].startswith(f"the video is cut off or damaged: {result['frames']} of about 100 frames")
    assert len(frames(folder / filming.FILM)) == result["frames"]


def test_too_large_frames_are_refused_before_one_is_decoded(make: Make, tmp_path: Path) -> None:
    clip = clips.write(tmp_path / "clip.mp4", 2, lambda _: np.zeros((1002, 1000, 3), np.uint8))
    with pytest.raises(TooLarge, match="1000 x 1002"):
        make(clip)


def _noise(number: int) -> NDArray[np.uint8]:
    return np.random.default_rng(number).integers(0, 255, (64, 96, 3), np.uint8)
