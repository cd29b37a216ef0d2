"""A real server changes nothing for a web page of another origin; programs and its own pages notice nothing."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from tests import packages
from tests.deploying import Home, write_recipes
from tests.house import House
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from sightloop.api.origins import Origins
from sightloop.settings import Settings

PNG, _ = packages.drawn()[0]
LISTED = "https://label.example"
FOREIGN = [
    "http://evil.example",
    "null",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "https://label.example.evil.example",
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server with digits deployed, which lets one other origin in."""
    folder = tmp_path_factory.mktemp("origins")
    recipes = write_recipes(folder / "recipes")
    home = Home(Settings(home=folder / "home", recipes=recipes, _env_file=None))  # type: ignore[call-arg]
    home.deploy(packages.digits())
    house = House(home.settings.home, recipes=recipes, origins=LISTED)
    house.start("serve")
    house.ready()
    yield house
    house.stop()
    home.database.close()


def predict(house: House, origin: str | None) -> httpx.Response:
    """The answer to a prediction that a page of this origin, or a program, asks for."""
    headers = {} if origin is None else {"origin": origin}
    return house.client.post("/v1/digits/predict", files={"file": PNG}, headers=headers)


def own(house: House) -> list[str | None]:
    return [None, house.url, house.url.replace("http:", "https:"), LISTED, LISTED.upper()]


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_page_of_another_origin_changes_nothing_and_is_told_why(house: House, origin: str) -> None:
    for path in ("/v1/digits/rollback", "/upload", "/v1/digits/samples", "/retrain"):
        answer = house.client.post(path, headers={"origin": origin})
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
        problem = answer.json()
        assert (problem["got"], problem["expected"]) == (origin, f"a page of 127.0.0.1:{house.port}")
        assert "SIGHTLOOP_ORIGINS" in problem["hint"]
    assert predict(house, origin).status_code == 403
    assert house.client.get("/v1/digits/models", headers={"origin": origin}).status_code == 200


def test_programs_and_the_servers_own_pages_are_answered(house: House) -> None:
    assert [predict(house, origin).status_code for origin in own(house)] == [200] * 5
    # Nothing was champion before: what stands behind the origin answers.
    assert house.client.post("/v1/digits/rollback", headers={"origin": house.url}).status_code == 409


def test_a_stream_is_opened_for_the_same(house: House) -> None:
    place = f"ws://127.0.0.1:{house.port}/v1/digits/stream"
    for origin in own(house):
        with connect(place, origin=None if origin is None else Origin(origin)) as socket:
            socket.send(PNG)
            assert '"prediction"' in socket.recv(timeout=20)
    for foreign in FOREIGN:
        with pytest.raises(InvalidStatus) as refused, connect(place, origin=Origin(foreign)):
            pytest.fail("it was opened")
        assert refused.value.response.status_code == 403
    assert "stream refused" in house.log("serve")


def test_all_origins_may_be_let_in() -> None:
    headers = [(b"origin", b"http://evil.example"), (b"host", b"127.0.0.1:8000")]
    Origins(frozenset("*")).check({"type": "http", "method": "POST", "headers": headers})
