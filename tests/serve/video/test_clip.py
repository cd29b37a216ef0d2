"""Twenty kinds of broken video: each ends in an error that says what is wrong, or in what could be decoded."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tests import clips

from sightloop.errors import BadVideo, SightloopError
from sightloop.serve.video.clip import Clip


def noise(number: int) -> NDArray[np.uint8]:
    return np.random.default_rng(number).integers(0, 255, (64, 96, 3), np.uint8)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A video of 60 frames whose index comes first."""
    path = clips.write(tmp_path_factory.mktemp("clips") / "whole.mp4", 60, noise, first=True)
    return path.read_bytes()


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A video of 60 frames whose index comes last."""
    return clips.write(tmp_path_factory.mktemp("clips") / "late.mp4", 60, noise).read_bytes()


def altered(data: bytes, start: int, end: int, by: bytes = b"\0") -> bytes:
    return data[:start] + by * (end - start) + data[end:]


def resized(data: bytes, width: int, height: int) -> bytes:
    """The video with another size in the description of its track and of its pictures."""
    at = data.index(b"avc1", data.index(b"stsd")) + 28
    return data[:at] + width.to_bytes(2, "big") + height.to_bytes(2, "big") + data[at + 4 :]


def renamed(data: bytes, name: bytes) -> bytes:
    """The video with another codec's name."""
    at = data.index(b"avc1", data.index(b"stsd"))
    return data[:at] + name + data[at + 4 :]


NO_VIDEO: dict[str, Callable[[bytes, bytes], bytes]] = {
    "nothing": lambda whole, late: b"",
    "one byte": lambda whole, late: b"\0",
    "text": lambda whole, late: b"this is no video, but a text of some length\n" * 50,
    "zeros": lambda whole, late: bytes(100_000),
    "noise": lambda whole, late: np.random.default_rng(1).bytes(100_000),
    "html": lambda whole, late: b"<!doctype html><html><body>404 Not Found</body></html>",
    "an archive": lambda whole, late: b"PK\x03\x04" + bytes(5000),
    "a picture": lambda whole, late: cv2.imencode(".png", noise(1))[1].tobytes(),
    "a playlist": lambda whole, late: (
        b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
    ),
    "a list of files": lambda whole, late: b"ffconcat version 1.0\nfile /etc/passwd\n",
    "only the first bytes": lambda whole, late: whole[:40],
    "no index, since it came last": lambda whole, late: late[: len(late) // 2],
    "no index at all": lambda whole, late: altered(whole, whole.index(b"moov"), whole.index(b"moov") + 4, b"x"),
    "an index that is cut": lambda whole, late: whole[: whole.index(b"moov") + 60],
    "an index that is overwritten": lambda whole, late: altered(
        whole, whole.index(b"moov") + 4, whole.index(b"mdat") - 4
    ),
    "a codec that nobody knows": lambda whole, late: renamed(whole, b"zzzz"),
    "pictures without content": lambda whole, late: altered(whole, whole.index(b"mdat") + 4, len(whole)),
    "pictures of another codec": lambda whole, late: renamed(whole, b"vp09"),
    "only the index": lambda whole, late: whole[: whole.index(b"mdat") + 4],
}
PARTLY: dict[str, Callable[[bytes, bytes], bytes]] = {
    "cut in the middle": lambda whole, late: whole[: len(whole) // 2],
    "a hole in the middle": lambda whole, late: altered(whole, len(whole) // 3, len(whole) // 2, b"\xff"),
    "one frame's bytes overwritten": lambda whole, late: altered(whole, len(whole) // 2, len(whole) // 2 + 3000),
}


def decoded(path: Path, data: bytes) -> tuple[Clip, int]:
    path.write_bytes(data)
    clip = Clip(path, max_pixels=1_000_000)
    return clip, sum(1 for _ in clip.stills())


@pytest.mark.parametrize("kind", NO_VIDEO)
def test_what_is_no_video_is_refused(kind: str, whole: bytes, late: bytes, tmp_path: Path) -> None:
    with pytest.raises(BadVideo) as refused:
        decoded(tmp_path / "source", NO_VIDEO[kind](whole, late))
    assert re.search(r"video|decoded", str(refused.value))
    assert "passwd" not in str(refused.value)


@pytest.mark.parametrize("kind", PARTLY)
def test_of_what_is_partly_broken_the_rest_is_decoded(kind: str, whole: bytes, late: bytes, tmp_path: Path) -> None:
    clip, count = decoded(tmp_path / "source", PARTLY[kind](whole, late))
    assert 0 < count <= 60
    assert clip.damaged or count < 59


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadVideo, match="no video in it; expected a video stream; got audio"):
        Clip(clips.sound_only(tmp_path / "sound.mp4"), max_pixels=1_000_000)


@pytest.mark.parametrize("size", [(60000, 60000), (0, 0)])
def test_a_size_that_is_not_so_is_refused_or_corrected(size: tuple[int, int], whole: bytes, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(resized(whole, *size))
    found: str | tuple[int, ...]
    try:
        clip = Clip(tmp_path / "source", max_pixels=1_000_000)
        found = (clip.shape.width, clip.shape.height, sum(1 for _ in clip.stills()))
    except SightloopError as error:
        found = error.message
    # The pictures themselves say how large they are; where the decoder goes by that, all is well.
    assert found in ("the video's frames have too many pixels", (96, 64, 60))


def test_a_whole_one_is_whole(whole: bytes, tmp_path: Path) -> None:
    clip, count = decoded(tmp_path / "source", whole)
    assert (count, clip.damaged, clip.shape.frames, clip.shape.width) == (60, 0, 60, 96)


def test_frames_can_be_had_from_the_middle_on(whole: bytes, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(whole)
    clip = Clip(tmp_path / "source", max_pixels=1_000_000)
    all_of_them: list[Any] = list(clip.stills())
    rest = list(clip.stills(40))
    assert [one.number for one in rest] == list(range(40, 60))
    assert all(a.ticks == b.ticks and (a.pixels == b.pixels).all() for a, b in zip(all_of_them[40:], rest, strict=True))
