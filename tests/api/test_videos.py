"""Videos over HTTP: sent whole or in parts, refused with a reason, and fetched when a worker is done with them."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from tests import clips, packages
from tests.deploying import Home
from tests.inprocess import Client

from sightloop.serve.video.studio import Studio, folder_of

SQUARES = "/v1/squares/videos"
PART = {"content-type": "application/offset+octet-stream"}


@pytest.fixture
def home(make_home: Callable[..., Home]) -> Home:
    """A home in which squares is deployed."""
    return make_home(packages.squares(), max_video_bytes=1_000_000)


@pytest.fixture
def clip(tmp_path: Path) -> bytes:
    return clips.write(tmp_path / "clip.mp4", 30, sound="aac").read_bytes()


def work(home: Home) -> None:
    """Do what a worker does: work off the next video."""
    assert Studio(home.settings, home.database, home.blobs, "ann").work()


def shown(client: Client, id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/v1/videos/{id}").json()
    return found


def test_a_video_is_sent_worked_off_and_fetched(client: Client, home: Home, clip: bytes) -> None:
    sent = client.post(f"{SQUARES}?name=clip.mp4&every=2", content=clip)
    assert sent.status_code == 202
    id = sent.json()["video"]["id"]
    assert sent.headers["location"] == f"/v1/videos/{id}"
    assert (sent.json()["video"]["stage"], sent.json()["files"]) == ("queued", {})
    work(home)
    done = shown(client, id)
    assert (done["video"]["stage"], done["progress"], done["video"]["version"]) == ("succeeded", 1.0, 1)
    assert done["video"]["result"]["things"] == 2
    film = client.get(done["files"]["film.mp4"])
    assert film.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(film.content), "r") as opened:
        assert len(list(opened.decode(video=0))) == 30
    part = client.get(done["files"]["film.mp4"], headers={"range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, film.content[:10])
    assert len(client.get(done["files"]["tracks.json"]).json()["tracks"]) == done["video"]["result"]["rows"]
    assert client.get(done["files"]["tracks.csv"]).text.startswith("frame,time,id,class,score")
    assert client.get("/v1/videos?project=squares").json()["videos"] == [done]
    assert client.ask("DELETE", f"/v1/videos/{id}").status_code == 204
    assert client.get(f"/v1/videos/{id}").status_code == 404
    assert not folder_of(home.settings, id).exists()


def test_a_video_is_sent_in_parts_and_goes_on_where_it_broke_off(client: Client, home: Home, clip: bytes) -> None:
    name = base64.b64encode(b"clip.mp4").decode()
    made = client.post(SQUARES, headers={"upload-length": str(len(clip)), "upload-metadata": f"filename {name}"})
    assert (made.status_code, made.headers["tus-resumable"]) == (201, "1.0.0")
    url = made.headers["location"]

    async def broken() -> Any:
        yield clip[:1000]
        raise ConnectionResetError

    assert client.ask("PATCH", url, content=broken(), headers=PART | {"upload-offset": "0"}).status_code >= 499
    here = client.ask("HEAD", url)
    assert (here.headers["upload-offset"], here.headers["upload-length"]) == ("1000", str(len(clip)))
    wrong = client.ask("PATCH", url, content=clip, headers=PART | {"upload-offset": "0"})
    assert (wrong.status_code, wrong.json()["expected"]) == (409, "1000")
    more = client.ask("PATCH", url, content=clip[1000:] + b"x", headers=PART | {"upload-offset": "1000"})
    assert more.status_code == 413
    now = client.ask("HEAD", url).headers["upload-offset"]
    rest = client.ask("PATCH", url, content=clip[int(now) :], headers=PART | {"upload-offset": now})
    assert (rest.status_code, rest.headers["upload-offset"]) == (204, str(len(clip)))
    video = client.get(url).json()["video"]
    assert (video["stage"], video["name"], video["received"]) == ("queued", "clip.mp4", len(clip))
    assert client.ask("PATCH", url, content=b"", headers=PART | {"upload-offset": "0"}).status_code == 409
    work(home)
    assert client.get(url).json()["video"]["stage"] == "succeeded"


def test_what_cannot_be_taken_is_refused_with_a_reason(client: Client, home: Home) -> None:
    cases: list[tuple[str, dict[str, Any], int, str]] = [
        ("/v1/nope/videos", {"content": b"x"}, 404, "'nope'"),
        (SQUARES, {"content": b""}, 422, "empty"),
        (SQUARES, {"content": b"x" * 1_000_001}, 413, "too large"),
        (SQUARES, {"headers": {"upload-length": "1000001"}}, 413, "too large"),
        (SQUARES, {"files": {"file": b"x"}}, 422, "as a form"),
        (f"{SQUARES}?every=26", {"content": b"x"}, 422, "every"),
        (f"{SQUARES}?least=2", {"content": b"x"}, 422, "least"),
    ]
    for path, given, status, told in cases:
        refused = client.post(path, **given)
        assert refused.status_code == status, (path, refused.text)
        assert told in refused.json()["detail"]
    assert client.get("/v1/videos").json()["videos"] == []
    assert not list((home.settings.home / "videos").glob("*"))


def test_a_broken_video_ends_in_an_error(client: Client, home: Home, clip: bytes) -> None:
    id = client.post(SQUARES, content=b"no video").json()["video"]["id"]
    work(home)
    video = shown(client, id)["video"]
    assert (video["stage"], video["error"].partition(";")[0]) == ("failed", "not a video that can be read")
    missing = client.get(f"/v1/videos/{id}/film.mp4")
    assert (missing.status_code, missing.json()["expected"]) == (404, "film.mp4, tracks.json, tracks.csv")
    assert client.get(f"/v1/videos/{id}/source").status_code == 404


def test_a_cancelled_video_is_not_worked_off(client: Client, home: Home, clip: bytes) -> None:
    id = client.post(SQUARES, content=clip).json()["video"]["id"]
    assert client.post(f"/v1/videos/{id}/cancel").json()["video"]["stage"] == "cancelled"
    assert not Studio(home.settings, home.database, home.blobs, "ann").work()
    assert client.post(f"/v1/videos/{id}/cancel").status_code == 409


def test_a_project_without_a_model_says_so(make_home: Any, open_client: Any, clip: bytes) -> None:
    home = make_home()
    client = open_client(home)
    id = client.post(SQUARES, content=clip).json()["video"]["id"]
    work(home)
    assert shown(client, id)["video"]["error"].startswith("squares has no model yet")
