"""Live streams of a real server: frames in, answers about the newest out, and an end that says why."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from tests import packages
from tests.deploying import Home, write_recipes
from tests.house import House, until
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from sightloop.settings import Settings
from sightloop.store import predictions
from sightloop.values.image import Image
from sightloop.values.package import Sealed

PNG, LABEL = packages.drawn()[0]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server with digits and gestures deployed, for all tests that leave the settings as they are."""
    folder = tmp_path_factory.mktemp("streams")
    recipes = write_recipes(folder / "recipes")
    home = Home(Settings(home=folder / "home", recipes=recipes, _env_file=None))  # type: ignore[call-arg]
    for sealed in (packages.digits(), packages.gestures()):
        home.deploy(sealed)
    house = House(home.settings.home, recipes=recipes)
    house.start("serve")
    house.ready()
    yield house
    house.stop()
    home.database.close()


@pytest.fixture
def serve(make_home: Callable[..., Home]) -> Iterator[Callable[..., House]]:
    """Start a server with digits, gestures and these packages deployed; keywords are settings."""
    houses: list[House] = []

    def start(*further: Sealed, **settings: object) -> House:
        home = make_home(packages.digits(), packages.gestures(), *further)
        house = House(home.settings.home, recipes=home.settings.recipes, **settings)
        houses.append(house)
        house.start("serve")
        house.ready()
        return house

    yield start
    for house in houses:
        house.stop()


def watch(house: House, project: str, options: str = "") -> ClientConnection:
    return connect(f"ws://127.0.0.1:{house.port}/v1/{project}/stream{options}")


def heard(socket: ClientConnection) -> dict[str, Any]:
    said: dict[str, Any] = msgspec.json.decode(socket.recv(timeout=20))
    return said


def refusal(house: House, project: str) -> tuple[dict[str, Any], int]:
    """The problem and the close code of a stream that is refused."""
    with watch(house, project) as socket:
        problem = heard(socket)["problem"]
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=20)
    assert closed.value.rcvd is not None
    return problem, closed.value.rcvd.code


def test_frames_are_answered_with_their_number_and_age(house: House) -> None:
    with watch(house, "digits") as socket:
        for number in range(1, 4):
            socket.send(PNG)
            said = heard(socket)
            assert (said["frame"], said["prediction"]["label"]) == (number, LABEL)
            assert said["age_ms"] > 0
            assert said["prediction"]["version"] == 1


def test_the_newest_frame_wins_and_every_frame_is_accounted_for(serve: Callable[..., House]) -> None:
    house, count = serve(), 300
    with watch(house, "digits") as socket:
        for _ in range(count):
            socket.send(PNG)
        answers = [heard(socket)]
        while answers[-1]["frame"] < count:
            answers.append(heard(socket))
    assert len(answers) + answers[-1].get("dropped", 0) == count
    page = until(lambda: (text := house.client.get("/metrics").text) and "sightloop_streams 0.0" in text and text)
    outcomes = dict(
        line.removeprefix("sightloop_stream_frames_total{outcome=").split('",project="digits"} ')
        for line in page.splitlines()
        if line.startswith("sightloop_stream_frames_total{")
    )
    assert sum(float(number) for number in outcomes.values()) == count
    assert f'sightloop_stream_frame_seconds_count{{project="digits"}} {len(answers)}.0' in page


def test_landmarks_come_as_json(house: House) -> None:
    with watch(house, "gestures") as socket:
        socket.send(msgspec.json.encode({"landmarks": packages.hand().tolist()}).decode())
        assert heard(socket)["prediction"]["label"] in packages.GESTURES.classes


def test_things_are_followed_on_request(serve: Callable[..., House]) -> None:
    house = serve(packages.squares())
    frame = Image(packages.painted(("red", 1, 2), ("green", 3, 0))).encode()
    for options, ids in (("?track=true", [1, 2]), ("", None)):
        with watch(house, "squares", options) as socket:
            for _ in range(4):
                socket.send(frame)
                said = heard(socket)
            assert len(said["prediction"]["boxes"]) == 2
            assert said.get("ids") == ids
    with watch(house, "digits", "?track=true") as socket:  # nothing to follow
        socket.send(PNG)
        assert "ids" not in heard(socket)


def test_a_bad_frame_is_told_of_and_the_stream_goes_on(serve: Callable[..., House]) -> None:
    house = serve(max_request_bytes=100_000, max_image_pixels=1000)
    noise = Image(np.zeros((40, 40, 3), np.uint8)).encode()
    with watch(house, "digits") as socket:
        for bad, kind in ((b"no image", "bad-image"), (b"x" * 100_001, "too-large"), (noise, "too-large")):
            socket.send(bad)
            assert heard(socket)["problem"]["type"].endswith(kind)
        for text in ("{", "{}", '{"items": []}', '{"landmarks": [1]}'):
            socket.send(text)
            assert heard(socket)["problem"]["status"] == 422
        socket.send(PNG)
        assert heard(socket)["prediction"]["label"] == LABEL


def test_a_project_that_cannot_answer_is_refused_with_its_reason(house: House) -> None:
    problem, code = refusal(house, "digit")
    assert (code, problem["status"]) == (4404, 404)
    assert "'digits'" in problem["detail"]
    problem, code = refusal(house, "leaf")
    assert (code, problem["hint"]) == (4503, "Train one: sightloop train leaf")


def test_only_so_many_streams_are_open_at_once(serve: Callable[..., House]) -> None:
    house = serve(max_streams=1)
    with watch(house, "digits") as socket:
        socket.send(PNG)
        heard(socket)
        problem, code = refusal(house, "digits")
        assert (code, problem["title"]) == (4503, "Too busy")
    until(lambda: "sightloop_streams 0.0" in house.client.get("/metrics").text)
    with watch(house, "digits") as socket:
        socket.send(PNG)
        assert heard(socket)["prediction"]["label"] == LABEL


def test_frames_are_recorded_only_if_asked_for(serve: Callable[..., House], home: Home) -> None:
    house = serve()
    for options, expected in (("", 0), ("?record=true", 1)):
        with watch(house, "digits", options) as socket:
            socket.send(PNG)
            made = heard(socket)["prediction"]["id"]
        if expected:
            assert house.client.post(f"/v1/predictions/{made}/feedback", json={"label": LABEL}).status_code == 201
        time.sleep(0.5)
        with home.database.read() as connection:
            assert len(predictions.page(connection, "digits")) == expected


def test_a_client_that_takes_no_answers_holds_up_nobody(house: House) -> None:
    with watch(house, "digits") as deaf:
        for _ in range(600):
            deaf.send(PNG)
        with watch(house, "digits") as socket:
            socket.send(PNG)
            assert heard(socket)["prediction"]["label"] == LABEL


def test_a_server_that_is_asked_to_stop_ends_its_streams(serve: Callable[..., House]) -> None:
    house = serve()
    with watch(house, "digits") as socket:
        socket.send(PNG)
        heard(socket)
        house.processes["serve"].terminate()
        assert house.processes["serve"].wait(20) == 0
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=20)
