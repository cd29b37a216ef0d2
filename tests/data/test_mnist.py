"""MNIST comes from real mirrors that break off, lie, or are gone."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from sightloop.data import mnist
from sightloop.errors import BadData

DATA = bytes(range(256)) * 2000
FILE = mnist.File("digits.gz", len(DATA), hashlib.md5(DATA).hexdigest())


class Mirror:
    """A real HTTP server with one file: it may break off midway, lie, or not know of ranges."""

    def __init__(self, data: bytes, *, breaks: int = 0, ranges: bool = True, status: int = 200) -> None:
        self.data, self.breaks, self.ranges, self.status = data, breaks, ranges, status
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers.get("Range", "")
                mirror.asked.append(asked)
                start = int(re.findall(r"\d+", asked)[0]) if asked and mirror.ranges else 0
                body = mirror.data[start:]
                self.send_response(206 if start else mirror.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if mirror.breaks:
                    mirror.breaks -= 1
                    body = body[: len(body) // 2]
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        return Handler


@pytest.fixture
def mirror() -> Iterator[Callable[..., Mirror]]:
    """Starts mirrors, and stops them after the test."""
    started: list[Mirror] = []

    def start(data: bytes = DATA, **how: Any) -> Mirror:
        started.append(Mirror(data, **how))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def dead() -> str:
    """The address of a port where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


def fetch(folder: Path, *mirrors: str) -> bytes:
    return (mnist.download(folder, mirrors=mirrors, files=[FILE]) / FILE.name).read_bytes()


def test_a_file_is_fetched_and_not_fetched_again(mirror: Callable[..., Mirror], tmp_path: Path) -> None:
    one = mirror()
    assert fetch(tmp_path / "new", one.url) == DATA
    assert fetch(tmp_path / "new", one.url) == DATA
    assert one.asked == [""]
    assert [path.name for path in (tmp_path / "new").iterdir()] == [FILE.name]


def test_of_several_who_fetch_at_once_one_does(mirror: Callable[..., Mirror], tmp_path: Path) -> None:
    one = mirror()
    with ThreadPoolExecutor(4) as pool:
        assert {*pool.map(lambda _: fetch(tmp_path / "new", one.url), range(4))} == {DATA}
    assert one.asked == [""]
    assert [path.name for path in (tmp_path / "new").iterdir()] == [FILE.name]


def test_a_broken_connection_is_taken_up_where_it_stopped(mirror: Callable[..., Mirror], tmp_path: Path) -> None:
    one = mirror(breaks=2)
    assert fetch(tmp_path, one.url) == DATA
    assert one.asked == ["", f"bytes={len(DATA) // 2}-", f"bytes={len(DATA) * 3 // 4}-"]


def test_what_an_earlier_call_left_is_gone_on_with(mirror: Callable[..., Mirror], tmp_path: Path) -> None:
    (tmp_path / f"{FILE.name}.part").write_bytes(DATA[:1000])
    one = mirror()
    assert fetch(tmp_path, one.url) == DATA
    assert one.asked == ["bytes=1000-"]


def test_a_mirror_without_ranges_begins_anew(mirror: Callable[..., Mirror], tmp_path: Path) -> None:
    (tmp_path / f"{FILE.name}.part").write_bytes(DATA[:1000])
    assert fetch(tmp_path, mirror(ranges=False).url) == DATA


def test_wrong_bytes_left_behind_are_thrown_away(mirror: Callable[..., Mirror], tmp_path: Path) -> None:
    (tmp_path / f"{FILE.name}.part").write_bytes(b"<html>")
    assert fetch(tmp_path, mirror().url) == DATA


def test_a_damaged_file_is_fetched_again(mirror: Callable[..., Mirror], tmp_path: Path) -> None:
    (tmp_path / FILE.name).write_bytes(DATA[:-1] + b"x")
    assert fetch(tmp_path, mirror().url) == DATA


@pytest.mark.parametrize(
    "data", [DATA[:-1] + b"x", DATA + b"more", b"<html>gone</html>"], ids=["false", "long", "page"]
)
def test_a_lying_mirror_is_passed_over(mirror: Callable[..., Mirror], tmp_path: Path, data: bytes) -> None:
    assert fetch(tmp_path, mirror(data).url, mirror().url) == DATA


def test_a_dead_mirror_is_passed_over(mirror: Callable[..., Mirror], tmp_path: Path, dead: str) -> None:
    assert fetch(tmp_path, dead, mirror().url) == DATA


def test_when_no_mirror_helps_each_is_named(mirror: Callable[..., Mirror], tmp_path: Path, dead: str) -> None:
    gone = mirror(b"", status=404)
    with pytest.raises(BadData, match="cannot be downloaded") as raised:
        fetch(tmp_path, dead, gone.url)
    assert dead in str(raised.value.got)
    assert "404" in str(raised.value.got)
    assert "SIGHTLOOP_DATA" in str(raised.value.hint)


def test_progress_is_told(mirror: Callable[..., Mirror], tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    mnist.download(tmp_path, lambda *args: told.append(args), mirrors=[mirror().url], files=[FILE])
    assert told[-1] == (FILE.name, len(DATA), len(DATA))
    assert [held for _, held, _ in told] == sorted(held for _, held, _ in told)


def test_the_published_checksums_are_those_of_the_real_files(shared_data: Path, tmp_path: Path, dead: str) -> None:
    for file in mnist.FILES:
        (tmp_path / file.name).write_bytes((shared_data / "mnist" / file.name).read_bytes())
    assert mnist.download(tmp_path, mirrors=[dead]) == tmp_path
