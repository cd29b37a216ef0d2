"""Deployments: one champion always, once per run, and a way back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from sightloop.errors import Conflict, NotFound, PackageRefused
from sightloop.store import deployments, runs
from sightloop.store.database import Database
from sightloop.values.deployment import Deployment, Member, Role
from sightloop.values.version import Verdict


@pytest.fixture
def promote(database: Database) -> Callable[..., Deployment]:
    """Promotes a version of the digits."""

    def do(version: int, run: str | None = None, **given: Any) -> Deployment:
        with database.write() as c:
            return deployments.promote(c, "digits", version, "ann", "better", run, **{"licences": frozenset()} | given)

    return do


@pytest.fixture
def roll_back(database: Database) -> Callable[[], int]:
    """Rolls the digits back; the version of the champion then."""

    def do() -> int:
        with database.write() as c:
            return deployments.rollback(c, "digits", "ann", "worse in the field").champion.version

    return do


def together(work: Callable[[int], object], times: int) -> list[object]:
    """What so many threads got, or raised, that did the work at once."""
    got: list[object] = []

    def run(number: int) -> None:
        try:
            got.append(work(number))
        except Conflict as error:
            got.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def test_before_the_first_deployment_nobody_answers(database: Database) -> None:
    with database.read() as c:
        assert deployments.current(c, "digits") is None
        assert deployments.revisions(c) == {}
        assert deployments.history(c, "digits") == []


def test_a_promoted_version_is_the_champion(
    database: Database, register: Callable[..., int], promote: Callable[..., Deployment]
) -> None:
    first, second = promote(register()), promote(register())
    with database.read() as c:
        assert deployments.current(c, "digits") == second
        assert deployments.history(c, "digits") == [second, first]
        assert deployments.revisions(c) == {"digits": 2}
    assert second.champion == Member(role=Role.CHAMPION, version=2, share=1.0)
    assert (second.actor, second.reason) == ("ann", "better")


def test_promoting_the_champion_changes_nothing(
    register: Callable[..., int], promote: Callable[..., Deployment]
) -> None:
    number = register()
    assert promote(number) == promote(number)


def test_members_come_back_in_their_order(database: Database, register: Callable[..., int]) -> None:
    for _ in range(3):
        register()
    members = (
        Member(role=Role.CHAMPION, version=2, share=0.9),
        Member(role=Role.SHADOW, version=3, share=0.0),
        Member(role=Role.CANARY, version=1, share=0.1),
    )
    with database.write() as c:
        made = deployments.deploy(c, "digits", members, "ann", "a canary")
    with database.read() as c:
        assert deployments.current(c, "digits") == made
    assert made.members == members


def test_a_refused_version_is_promoted_by_force_only(
    register: Callable[..., int], promote: Callable[..., Deployment]
) -> None:
    number = register(verdict=Verdict.REFUSED, reason="worse by 2 points")
    with pytest.raises(Conflict, match="worse by 2 points"):
        promote(number)
    assert promote(number, force=True).champion.version == number


def test_a_licence_that_is_not_allowed_is_not_promoted_even_by_force(
    register: Callable[..., int], promote: Callable[..., Deployment]
) -> None:
    number = register()
    with pytest.raises(PackageRefused, match=r"expected MIT; got Apache-2\.0"):
        promote(number, force=True, licences=frozenset({"MIT"}))
    assert promote(number, licences=frozenset({"MIT", "Apache-2.0"})).champion.version == number


def test_a_version_that_is_not_there_is_not_deployed(
    database: Database, register: Callable[..., int], promote: Callable[..., Deployment]
) -> None:
    register("gestures")
    with pytest.raises(NotFound):
        promote(1)
    with pytest.raises(NotFound), database.write() as c:
        deployments.deploy(c, "digits", [Member(role=Role.CHAMPION, version=1, share=1.0)], "ann", "")


@pytest.mark.parametrize("champions", [0, 2])
def test_two_champions_and_none_are_refused(database: Database, register: Callable[..., int], champions: int) -> None:
    members = [Member(role=Role.CHAMPION, version=register(), share=1 / champions) for _ in range(champions)]
    with pytest.raises(Conflict, match="exactly one champion"), database.write() as c:
        deployments.deploy(c, "digits", members, "ann", "")
    with database.read() as c:
        assert deployments.current(c, "digits") is None


def test_rolling_back_goes_further_back_each_time(
    register: Callable[..., int], promote: Callable[..., Deployment], roll_back: Callable[[], int]
) -> None:
    for _ in range(3):
        promote(register())
    assert [roll_back(), roll_back()] == [2, 1]
    with pytest.raises(Conflict, match="no champion before"):
        roll_back()


def test_rolling_back_after_a_promotion_comes_back_to_where_one_was(
    register: Callable[..., int], promote: Callable[..., Deployment], roll_back: Callable[[], int]
) -> None:
    for _ in range(3):
        promote(register())
    roll_back()
    promote(register())
    assert [roll_back(), roll_back()] == [2, 1]
    promote(3)
    promote(1)
    assert [roll_back(), roll_back()] == [3, 1]


def test_rolling_back_from_nothing_is_refused(roll_back: Callable[[], int]) -> None:
    with pytest.raises(Conflict, match="no champion before"):
        roll_back()


def test_a_run_deploys_once_whoever_tries(
    database: Database, register: Callable[..., int], promote: Callable[..., Deployment]
) -> None:
    first, second = register(), register()
    with database.write() as c:
        run = runs.open(c, "digits", "hand", "ann").id
    done = together(lambda _: promote(first, run), 6)
    promote(second)
    assert promote(first, run) in done
    with database.read() as c:
        assert [revision.champion.version for revision in deployments.history(c, "digits")] == [second, first]


def test_threads_that_promote_and_roll_back_at_once_leave_one_champion_in_each_revision(
    database: Database, register: Callable[..., int], promote: Callable[..., Deployment], roll_back: Callable[[], int]
) -> None:
    numbers = [register() for _ in range(8)]
    promote(numbers[0])
    got = together(lambda turn: roll_back() if turn % 4 == 3 else promote(numbers[turn]), 8)
    with database.read() as c:
        history = deployments.history(c, "digits")
    assert [revision.revision for revision in history] == list(range(len(history), 0, -1))
    assert all(sum(member.role is Role.CHAMPION for member in revision.members) == 1 for revision in history)
    assert len(got) == 8
