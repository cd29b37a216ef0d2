"""Everything with one command: it is up, what dies is started again, and it goes down as a whole."""

from __future__ import annotations

from collections.abc import Callable

import psutil
import pytest
from tests.house import House, until


def child(parent: int, name: str) -> psutil.Process | None:
    """The child process that runs `sightloop NAME`."""
    return next((one for one in psutil.Process(parent).children() if one.cmdline()[-1] == name), None)


@pytest.mark.journey
def test_what_dies_is_started_again_and_all_of_it_stops_together(open_house: Callable[..., House]) -> None:
    house = open_house()
    process = house.start("up")
    house.ready()
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
    log = house.log("up")
    assert f"sightloop is up: {house.url}" in log
    assert "sightloop serve ended with exit code -9; it starts again in 0.5 s" in log


@pytest.mark.journey
def test_a_server_that_cannot_start_is_told_and_ends_it_all(open_house: Callable[..., House]) -> None:
    house = open_house("serve")
    second = house.command("up", check=False)
    assert second.returncode == 5
    assert "the API ended at once" in second.stderr
