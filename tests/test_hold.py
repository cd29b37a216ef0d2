"""The hold on a home: one worker has it, under a name that nobody alive shares, and who only looks takes nothing."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from sightloop import hold
from sightloop.errors import NotReady
from sightloop.hold import Hold, Pulse, holder
from sightloop.settings import Settings


def settings(home: Path) -> Settings:
    return Settings(home=home, _env_file=None)  # type: ignore[call-arg]


def test_a_worker_that_starts_again_has_the_name_that_it_had(tmp_path: Path) -> None:
    first = Hold(settings(tmp_path / "home"))
    first.take()
    first.free()
    again = Hold(settings(tmp_path / "home"))
    again.take()
    assert again.name == first.name
    again.free()


def test_workers_of_copies_of_one_home_have_names_of_their_own(tmp_path: Path) -> None:
    """As where a home is baked into an image that runs twice on one PostgreSQL."""
    first = Hold(settings(tmp_path / "home"))
    first.take()
    shutil.copytree(tmp_path / "home", tmp_path / "copy")
    other = Hold(settings(tmp_path / "copy"))
    other.take()
    assert other.name != first.name
    for one in (first, other):
        one.free()


def test_workers_of_two_machines_in_one_folder_have_names_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Hold(settings(tmp_path / "home"))
    elsewhere = tmp_path / "boot_id"
    elsewhere.write_text("3f0c5a9e-0000-4000-8000-000000000000\n")
    monkeypatch.setattr(hold, "_BOOT", elsewhere)
    assert Hold(settings(tmp_path / "home")).name != here.name
    monkeypatch.setattr(hold, "_BOOT", tmp_path / "none")  # a system that tells no start
    assert Hold(settings(tmp_path / "home")).name != here.name
    assert Hold(settings(tmp_path / "home")).name == Hold(settings(tmp_path / "home")).name


def test_who_looks_keeps_nobody_from_taking_and_takes_nobody_for_a_worker(tmp_path: Path) -> None:
    given, over, wrong = settings(tmp_path / "home"), threading.Event(), []

    def look() -> None:
        while not over.is_set():
            wrong.append(holder(given))

    free = [threading.Thread(target=look) for _ in range(2)]
    for one in free:
        one.start()
    over.wait(0.3)
    assert {one for one in wrong if one is not None} == set()
    for _ in range(20):
        taking = Hold(given)
        taking.take()  # raises where a look is taken for a worker
        taking.free()
    over.set()
    for one in free:
        one.join()


def test_a_pulse_that_a_loss_of_power_cut_off_is_none(tmp_path: Path) -> None:
    given = settings(tmp_path / "home")
    held = Hold(given)
    held.take()
    (tmp_path / "home" / "worker.json").write_bytes(b"")
    assert holder(given) == Pulse(process=0, since="", at="")
    held.free()


def test_a_home_that_cannot_be_locked_is_told(tmp_path: Path) -> None:
    (tmp_path / "home" / "worker.lock").mkdir(parents=True)
    with pytest.raises(NotReady, match="cannot be locked: Is a directory"):
        Hold(settings(tmp_path / "home"))
