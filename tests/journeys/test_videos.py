"""A worker that is killed in the middle of a video: the next one goes on after the last whole piece."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests import clips
from tests.house import House, until

FRAMES = 1500


@pytest.mark.journey
def test_a_video_outlives_the_worker(open_house: Callable[..., House], tmp_path: Path) -> None:
    house = open_house("serve", "worker")
    clip = clips.write(tmp_path / "clip.mp4", FRAMES, preset="ultrafast").read_bytes()
    id = house.client.post("/v1/digits/videos", content=clip).json()["video"]["id"]

    def video() -> dict[str, Any]:
        found: dict[str, Any] = house.client.get(f"/v1/videos/{id}").json()["video"]
        return found

    pieces = house.home / "videos" / id / "pieces"
    until(lambda: len(list(pieces.glob("*.json"))) >= 2, 60, 0.02)
    house.kill("worker")
    done = {path.name: path.stat().st_mtime_ns for path in pieces.glob("*.json")}
    assert video()["stage"] == "running"
    house.start("worker")
    until(lambda: len(list(pieces.glob("*.json"))) > len(done) or video()["stage"] == "succeeded", 60, 0.02)
    again = {path.name: path.stat().st_mtime_ns for path in pieces.glob("*.json") if path.name in done}
    assert again == done or not again  # what was whole was not made anew
    ended = until(lambda: (now := video())["finished"] and now, 120)
    assert (ended["stage"], ended["result"]["frames"], ended["error"]) == ("succeeded", FRAMES, None)
    table = house.client.get(f"/v1/videos/{id}/tracks.csv").text.splitlines()
    assert [int(line.split(",")[0]) for line in table[1:]] == list(range(FRAMES))
