"""A page whose name was made to lead here is not answered; those who mean this server are, by whatever name."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
from tests import packages
from tests.deploying import Home, write_recipes
from tests.house import House
from tests.inprocess import Client
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from sightloop.settings import Settings

Make = Callable[..., Home]
Open = Callable[[Home], Client]

PNG, _ = packages.drawn()[0]
OURS = [
    "127.0.0.1:8000",
    "10.1.2.3",
    "[::1]:8000",
    "[fe80::1]",
    "localhost:8000",
    "LOCALHOST.",
    "label.localhost:8000",
    "workshop",
    "",
]
FOREIGN = [
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "localhost.example.",
    "[evil.example]:8000",
]


def statuses(client: Client, hosts: list[str]) -> list[int]:
    return [client.get("/health", headers={"host": host}).status_code for host in hosts]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server with digits deployed, behind a proxy as label.example."""
    folder = tmp_path_factory.mktemp("hosts")
    recipes = write_recipes(folder / "recipes")
    home = Home(Settings(home=folder / "home", recipes=recipes, _env_file=None))  # type: ignore[call-arg]
    home.deploy(packages.digits())
    house = House(home.settings.home, recipes=recipes, hosts="label.example")
    house.start("serve")
    house.ready()
    yield house
    house.stop()
    home.database.close()


def test_a_server_on_loopback_knows_its_names(make_home: Make, open_client: Open) -> None:
    client = open_client(make_home())
    assert statuses(client, OURS) == [200] * len(OURS)
    assert statuses(client, FOREIGN) == [403] * len(FOREIGN)


def test_names_are_listed_by_themselves_or_as_origins(make_home: Make, open_client: Open) -> None:
    client = open_client(make_home(hosts="Label.example", origins="https://shop.example:8443"))
    assert statuses(client, ["label.example", "LABEL.example:8000", "shop.example"]) == [200] * 3
    assert statuses(client, ["x.label.example", "label.example.evil.example"]) == [403] * 2


@pytest.mark.parametrize(
    "given", [{"hosts": "*"}, {"origins": "*"}, {"host": "0.0.0.0"}, {"host": "sightloop.internal"}]
)
def test_all_names_are_let_in(make_home: Make, open_client: Open, given: dict[str, str]) -> None:
    assert statuses(open_client(make_home(**given)), FOREIGN) == [200] * len(FOREIGN)


def test_a_server_on_another_address_heeds_a_list(make_home: Make, open_client: Open) -> None:
    client = open_client(make_home(host="sightloop.internal", hosts="label.example"))
    ours = [*OURS, "label.example", "sightloop.internal:8000"]
    assert statuses(client, ours) == [200] * len(ours)
    assert statuses(client, FOREIGN) == [403] * len(FOREIGN)


def test_names_without_end_are_judged_one_by_one(make_home: Make, open_client: Open) -> None:
    client = open_client(make_home())
    assert set(statuses(client, [f"127.0.0.1:{port}" for port in range(300)])) == {200}
    assert set(statuses(client, [f"evil{number}.example" for number in range(300)])) == {403}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path", ["/", "/health", "/metrics", "/docs", "/predict", "/v1/digits/predict", "/v1/digits/queue", "/v2/nothing"]
)
def test_a_real_server_answers_no_page_with_a_name_of_its_own(house: House, method: str, path: str) -> None:
    host = f"evil.example:{house.port}"
    answer = house.client.request(method, path, headers={"host": host, "origin": f"http://{host}"})
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    problem = answer.json()
    assert (problem["title"], problem["got"]) == ("Not allowed", "evil.example")
    assert problem["hint"].endswith("set SIGHTLOOP_HOSTS=evil.example.")


def test_a_real_server_answers_by_the_name_that_its_proxy_passes_on(house: House) -> None:
    headers = {"host": "label.example", "origin": "https://label.example"}
    assert house.client.post("/v1/digits/predict", files={"file": PNG}, headers=headers).status_code == 200


def test_a_stream_is_opened_by_the_same_names(house: House) -> None:
    def opened(host: str) -> int:
        with (
            socket.create_connection(("127.0.0.1", house.port)) as plug,
            connect(f"ws://{host}:{house.port}/v1/digits/stream", sock=plug) as stream,
        ):
            stream.send(PNG)
            return len(stream.recv(timeout=20))

    assert all(opened(host) for host in ("127.0.0.1", "localhost", "label.example"))
    with pytest.raises(InvalidStatus) as refused:
        opened("evil.example")
    assert refused.value.response.status_code == 403
