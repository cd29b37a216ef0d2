"""`sightloop video` makes the film in place, without a server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests import clips
from tests.cli.conftest import Command

from sightloop.wiring import Parts


def test_a_video_is_made_with_its_tables(home: Callable[..., Parts], command: Command, tmp_path: Path) -> None:
    home(trained=True)
    clip, out = clips.write(tmp_path / "clip.mp4", 20), tmp_path / "made" / "out.mp4"
    done = command("video", "tens", str(clip), "--out", str(out), "--every", "4", "--json")
    assert done.code == 0, done.err
    assert done.json["frames"] == 20
    assert sorted(path.name for path in out.parent.iterdir()) == ["out.csv", "out.json", "out.mp4"]
    assert len(json.loads(out.with_suffix(".json").read_text())["tracks"]) == 20


def test_what_cannot_be_made_is_told(home: Callable[..., Parts], command: Command, tmp_path: Path) -> None:
    home(trained=True)
    (tmp_path / "text.mp4").write_text("no video")
    for words, told in (
        ((str(tmp_path / "nothing.mp4"),), "is not there"),
        ((str(tmp_path / "text.mp4"),), "not a video that can be read"),
        ((str(tmp_path / "text.mp4"), "--every", "0"), "every"),
    ):
        done = command("video", "tens", *words, "--out", str(tmp_path / "out.mp4"))
        assert done.code == 2
        assert told in done.err
    assert not (tmp_path / "out.mp4").exists()


def test_of_a_video_that_is_cut_off_the_beginning_is_made(
    home: Callable[..., Parts], command: Command, tmp_path: Path
) -> None:
    home(trained=True)
    clip = clips.write(tmp_path / "clip.mkv", 100, g="5")
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    done = command("video", "tens", str(clip), "--out", str(tmp_path / "out.mp4"))
    assert done.code == 2
    assert "cut off or damaged" in done.err
    assert (tmp_path / "out.mp4").exists()
