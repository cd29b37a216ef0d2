"""What cannot be used is refused with a problem that says what was expected, what came, and what helps."""

from __future__ import annotations

import base64
import resource
import struct
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import DataError, OperationalError
from tests import packages
from tests.deploying import Home
from tests.house import free_port
from tests.inprocess import Client

from sightloop.api import problems
from sightloop.store import database, runs
from sightloop.store.database import Database

PNG, _ = packages.drawn()[0]
JSON = {"content-type": "application/json"}


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem in an answer."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["instance"] == answer.request.url.path
    assert found["title"]
    assert found["detail"]
    assert "Traceback" not in answer.text
    return found


def huge_png(side: int = 14_200) -> bytes:
    """A PNG of under 1 KB that declares 200 megapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(10_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"hello", "not an image"), (b"", "empty"), (PNG[: len(PNG) // 2], ""), (b"\x89PNG\r\n\x1a\n", "")],
    ids=["text", "empty", "truncated", "a header alone"],
)
def test_what_is_no_whole_image(client: Client, content: bytes, says: str) -> None:
    found = problem(client.post("/v1/digits/predict", files={"file": ("x.png", content, "image/png")}), 422)
    assert found["title"] == "Not a usable image"
    assert found["type"] == "urn:problem-type:sightloop:bad-image"
    assert says in found["detail"]


def test_many_megapixels_in_a_small_file_take_no_memory(client: Client) -> None:
    bomb = huge_png()
    assert len(bomb) < 1024
    client.post("/v1/digits/predict", files={"file": PNG})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(5):
        found = problem(client.post("/v1/digits/predict", files={"file": bomb}), 413)
    assert "too many pixels" in found["detail"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
    assert client.post("/v1/digits/predict", files={"file": PNG}).status_code == 200


def test_a_wrong_field_names_those_that_came(client: Client) -> None:
    found = problem(client.post("/v1/digits/predict", files={"picture": PNG, "image": PNG}), 422)
    assert found["got"] == "'image', 'picture'"
    assert "'file'" in found["expected"]


def test_an_empty_form(client: Client) -> None:
    kind = {"content-type": "multipart/form-data; boundary=x"}
    assert problem(client.post("/predict", content=b"--x--\r\n", headers=kind), 422)["got"] == "no fields"


@pytest.mark.parametrize("content", [b"", b"nonsense", b"--x\r\nContent-Disposition: form-data; name=file\r\n\r\nhalf"])
def test_a_form_that_is_cut_off(client: Client, content: bytes) -> None:
    kind = {"content-type": "multipart/form-data; boundary=x"}
    problem(client.post("/predict", content=content, headers=kind), 422)


def test_a_form_without_a_boundary(client: Client) -> None:
    headers = {"content-type": "multipart/form-data"}
    assert "boundary" in problem(client.post("/predict", content=b"x", headers=headers), 422)["detail"]


def test_a_body_of_another_kind(client: Client) -> None:
    found = problem(client.post("/predict", content=b"x", headers={"content-type": "text/plain"}), 422)
    assert found["got"] == "text/plain"


def test_an_unknown_project_names_the_nearest(client: Client) -> None:
    found = problem(client.post("/v1/digit/predict", files={"file": PNG}), 404)
    assert "did you mean 'digits'" in found["detail"]
    assert "did you mean 'digits'" in problem(client.get("/v1/digit/models"), 404)["detail"]


@pytest.mark.parametrize(
    "numbers",
    [[0.1] * 62, [], "hand", None, [None] * 63, [[1, 2]] * 20, [0.5] * 63, [[1, 2, 3]] * 20 + [[1]], [1e39] * 63],
    ids=["62", "none", "text", "null", "nulls", "20 points", "one place", "ragged", "too large"],
)
def test_landmarks_that_are_no_hand(client: Client, numbers: Any) -> None:
    found = problem(client.post("/v1/gestures/predict", json={"landmarks": numbers}), 422)
    assert found["title"] == "Not usable landmarks"


@pytest.mark.parametrize("word", ["NaN", "Infinity", "1e999"])
def test_numbers_that_are_none(client: Client, word: str) -> None:
    body = f'{{"landmarks": [{word}{", 0.5" * 62}]}}'.encode()
    found = problem(client.post("/v1/gestures/predict", content=body, headers=JSON), 422)
    if word != "1e999":
        assert "NaN" in found["hint"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"items": []}',
        b'{"items": [{}]}',
        b'{"image": 5}',
        b'{"image": "%%%"}',
        b'{"landmark": [1]}',
        b'{"image": "aGk=", "landmarks": [1]}',
        b'{"items": [{"image": "aGk="}], "image": "aGk="}',
        b"\xff\xfe",
    ],
)
def test_json_that_is_not_as_wanted(client: Client, body: bytes) -> None:
    problem(client.post("/v1/digits/predict", content=body, headers=JSON), 422)


def test_what_stands_beside_items_is_refused(client: Client) -> None:
    body = {"items": [{"image": base64.b64encode(PNG).decode()}], "label": "7"}
    assert "beside `items`" in problem(client.post("/v1/digits/samples", json=body), 422)["detail"]


def test_a_value_that_the_database_does_not_take_is_no_mistake_of_the_server(postgres_url: str) -> None:
    opened = Database(postgres_url)
    with pytest.raises(DataError) as raised, opened.read() as connection:
        runs.page(connection, before="a zero byte \0")
    opened.close()
    assert problems.problem(raised.value, "/v1/runs").status == 422


@pytest.mark.parametrize("path", ["/v1/digits/predict", "/v1/digits/samples"])
def test_a_client_that_goes_away_while_it_sends(client: Client, path: str) -> None:
    told: list[MutableMapping[str, Any]] = []
    coming: Iterator[MutableMapping[str, Any]] = iter(
        [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> MutableMapping[str, Any]:
        return next(coming)

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
    client.run(client.app(scope, receive, send))
    assert [message["status"] for message in told if "status" in message] in ([], [499])
    counted = [line for line in client.get("/metrics").text.splitlines() if "sightloop_request_seconds_count" in line]
    assert [line for line in counted if path.rpartition("/")[2] in line and 'status="499"' in line]


def test_an_event_that_cannot_be_numbered_so(client: Client) -> None:
    answer = client.get("/v1/runs/x/events", headers={"last-event-id": "9" * 30})
    assert "last-event-id" in problem(answer, 422)["detail"]


def test_width_without_height(client: Client) -> None:
    body = {"landmarks": packages.hand().tolist(), "width": 640}
    problem(client.post("/v1/gestures/predict", json=body), 422)
    problem(client.post("/v1/gestures/predict", json=body | {"height": 0}), 422)


def test_the_wrong_kind_of_input_for_a_project(client: Client) -> None:
    found = problem(client.post("/v1/digits/predict", json={"landmarks": packages.hand().tolist()}), 422)
    assert (found["expected"], found["got"]) == ("image", "landmarks")
    found = problem(client.post("/v1/gestures/predict", files={"file": PNG}), 501)
    assert "sightloop hands install" in found["hint"]


def test_two_images_at_the_plain_route(client: Client) -> None:
    found = problem(client.post("/predict", files=[("files", PNG), ("files", PNG)]), 422)
    assert "/v1/{project}/predict" in found["hint"]


def test_more_items_than_allowed(make_home: Callable[..., Home], open_client: Callable[[Home], Client]) -> None:
    client = open_client(make_home(packages.digits(), max_items=3))
    assert problem(client.post("/v1/digits/predict", files=[("files", PNG)] * 4), 413)["expected"] == "at most 3"
    problem(client.post("/v1/digits/predict", files=[("files", PNG)] * 40), 422)


@pytest.mark.parametrize("path", ["/v1/digits/predict", "/predict", "/v1/digits/samples", "/upload"])
def test_a_body_that_is_announced_too_large(
    make_home: Callable[..., Home], open_client: Callable[[Home], Client], path: str
) -> None:
    client = open_client(make_home(packages.digits(), max_request_bytes=1000))
    found = problem(client.post(path, files={"file": bytes(2000)}), 413)
    assert found["expected"] == "at most 1,000 bytes"


@pytest.mark.parametrize("path", ["/predict", "/v1/digits/samples", "/v1/digits/retrain"])
def test_a_body_that_grows_too_large_is_not_read_to_its_end(
    make_home: Callable[..., Home], open_client: Callable[[Home], Client], path: str
) -> None:
    client = open_client(make_home(packages.digits(), max_request_bytes=10_000))
    sent = 0

    async def without_end() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1000
            yield bytes(1000)

    kind = "application/json" if path.endswith("retrain") else "image/png"
    problem(client.post(path, content=without_end(), headers={"content-type": kind}), 413)
    assert sent < 20_000


def test_other_methods_and_paths(client: Client) -> None:
    answer = client.get("/predict")
    assert problem(answer, 405)["title"] == "Method Not Allowed"
    assert answer.headers["allow"] == "POST"
    problem(client.get("/v1/digits/predict"), 405)
    problem(client.ask("DELETE", "/v1/projects"), 405)
    problem(client.get("/nowhere"), 404)


def test_a_parameter_that_is_none(client: Client) -> None:
    found = problem(client.get("/v1/runs?limit=many"), 422)
    assert "query.limit" in found["detail"]
    assert found["got"] == "'many'"
    problem(client.get("/v1/digits/models/zero"), 422)


def test_an_error_within_is_told_without_its_traceback(client: Client, home: Home, monkeypatch: Any) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(client.app._service.live, "choose", broken)
    monkeypatch.setattr(client.app._service.live, "serving", broken)
    for answer in (client.post("/predict", files={"file": PNG}), client.get("/v1/projects")):
        found = problem(answer, 500)
        assert "secret" not in answer.text
        assert answer.headers["x-request-id"] in found["hint"]


def test_a_database_that_is_away_is_no_mistake_of_the_server() -> None:
    nowhere = Database(f"postgresql://ann:secret@127.0.0.1:{free_port()}/sightloop")
    with pytest.raises(OperationalError) as raised, nowhere.read():
        pytest.fail("nobody listens there")
    nowhere.close()
    found = problems.problem(raised.value, "/v1/digits/samples")
    assert (found.status, found.detail) == (503, "the database does not answer")
    assert problems.response(raised.value, "/").headers["retry-after"] == "1"


def test_a_database_that_is_locked_for_too_long(
    make_home: Callable[..., Home], open_client: Callable[[Home], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    home = make_home(packages.digits())
    client = open_client(home)
    with home.database.write():
        answer = client.post("/v1/digits/samples", files={"files": PNG}, data={"labels": "1"})
    assert problem(answer, 503)["detail"] == "too much waits for the database"
    assert answer.headers["retry-after"] == "1"


def test_more_requests_than_connections(
    make_home: Callable[..., Home], open_client: Callable[[Home], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.2)
    client = open_client(make_home(packages.digits()))
    with ExitStack() as held:
        for _ in range(15):
            held.enter_context(client.app._service.database.read())
        answer = client.get("/v1/digits/models")
        assert client.get("/metrics").status_code == 200
    assert problem(answer, 503)["title"] == "Too busy"
    assert client.get("/v1/digits/models").status_code == 200
