"""Model versions: numbered without gaps, once per run, kept with the gate's reason."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from sightloop.errors import NotFound
from sightloop.store import runs, versions
from sightloop.store.database import Database
from sightloop.values.package import Sealed
from sightloop.values.version import Verdict


def test_a_version_comes_back_as_it_was_registered(database: Database, make_package: Callable[..., Sealed]) -> None:
    card = make_package().card
    with database.write() as c:
        run = runs.open(c, "digits", "hand", "ann").id
        made = versions.register(c, "digits", card.digest, card, Verdict.REFUSED, "worse by 0.4 points", run)
    with database.read() as c:
        assert versions.get(c, "digits", 1) == made
    assert made.card == card
    assert (made.number, made.package, made.verdict, made.run) == (1, card.digest, Verdict.REFUSED, run)


def test_numbers_count_up_in_each_project(database: Database, register: Callable[..., int]) -> None:
    assert [register(), register(), register("gestures"), register()] == [1, 2, 1, 3]
    with database.read() as c:
        assert [version.number for version in versions.list(c, "digits")] == [3, 2, 1]
        assert list(versions.list(c, "leaf")) == []


def test_a_run_registers_once(database: Database, make_package: Callable[..., Sealed]) -> None:
    card = make_package().card
    with database.write() as c:
        run = runs.open(c, "digits", "hand", "ann").id
    made = []
    for _ in range(2):
        with database.write() as c:
            made.append(versions.register(c, "digits", card.digest, card, Verdict.ACCEPTED, "first", run))
    assert made[0] == made[1]


def test_threads_get_numbers_of_their_own(database: Database, register: Callable[..., int]) -> None:
    numbers: list[int] = []
    threads = [threading.Thread(target=lambda: numbers.append(register())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 9))


def test_an_unknown_version_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound), database.read() as c:
        versions.get(c, "digits", 7)
