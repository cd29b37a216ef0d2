"""Everything with one command: it is up, what dies is started again, and it goes down as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psutil
import pytest
from tests.house import House, until

from sightloop.wiring import Parts


@pytest.fixture
def house(make_parts: Callable[..., Parts]) -> Iterator[House]:
    """A house over a home with a champion, so that nothing needs training first."""
    settings = make_parts(trained=True).settings
    house = House(settings.home, recipes=settings.recipes, default_project="tens")
    yield house
    house.stop()


def child(parent: int, name: str) -> psutil.Process | None:
    """The child process that runs `sightloop NAME`."""
    alive = [one for one in psutil.Process(parent).children() if one.status() != psutil.STATUS_ZOMBIE]
    return next((one for one in alive if name in one.cmdline()), None)


@pytest.mark.journey
def test_what_dies_is_started_again_and_all_of_it_stops_together(house: House) -> None:
    process = house.start("up")
    until(lambda: f"sightloop is up: {house.url}" in house.log("up"))
    first = child(process.pid, "serve")
    assert first is not None
    first.kill()
    until(lambda: (again := child(process.pid, "serve")) and again.pid != first.pid)
    house.ready()
    assert until(lambda: child(process.pid, "worker"))
    all_of_it = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    assert process.wait(40) == 0
    assert not [one for one in all_of_it if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert "sightloop serve ended with exit code -9; it starts again in 0.5 s" in house.log("up")


@pytest.mark.journey
def test_a_port_that_is_taken_is_told_at_once(house: House) -> None:
    house.start("serve")
    house.ready()
    second = house.command("up", check=False)
    assert second.returncode == 4
    assert f"cannot listen on 127.0.0.1:{house.port}: Address already in use" in second.stderr


@pytest.mark.journey
def test_a_serving_process_does_not_outlive_its_master(house: House) -> None:
    process = house.start("serve")
    house.ready()
    all_of_it = psutil.Process(process.pid).children(recursive=True)
    assert all_of_it
    house.kill("serve")
    _, alive = psutil.wait_procs(all_of_it, timeout=30)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.journey
def test_the_api_and_the_worker_do_not_outlive_up(house: House) -> None:
    process = house.start("up")
    house.ready()
    until(lambda: child(process.pid, "worker"))
    all_of_it = psutil.Process(process.pid).children(recursive=True)
    house.kill("up")
    _, alive = psutil.wait_procs(all_of_it, timeout=30)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]
