"""`sightloop hands install` takes two models out of a wheel, and no others."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Command

from sightloop.trainers.hands import fetching
from sightloop.values.landmarks import HAND, PALM
from sightloop.wiring import Parts


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with two small files in the places of the models, which are taken for the right ones."""
    path = tmp_path / "mediapipe.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in fetching.FILES:
            archive.writestr(name, name)
            monkeypatch.setitem(fetching.FILES, name, hashlib.sha256(name.encode()).hexdigest())
    return path


def test_the_models_are_taken_out_of_a_wheel(home: Callable[..., Parts], command: Command, wheel: Path) -> None:
    parts = home()
    done = command("hands", "install", "--wheel", str(wheel))
    assert done.code == 0, done.err
    assert sorted(path.name for path in (parts.settings.home / "hands").iterdir()) == [HAND, PALM]


def test_other_models_are_refused(home: Callable[..., Parts], command: Command, wheel: Path) -> None:
    home()
    fetching.FILES[next(iter(fetching.FILES))] = "0" * 64
    done = command("hands", "install", "--wheel", str(wheel))
    assert done.code == 2
    assert "is another file" in done.err


def test_what_is_no_wheel_and_being_offline_are_told(
    home: Callable[..., Parts], command: Command, tmp_path: Path
) -> None:
    home()
    (tmp_path / "no.whl").write_text("no archive")
    assert "is not the wheel of mediapipe" in command("hands", "install", "--wheel", str(tmp_path / "no.whl")).err
    done = command("hands", "install")
    assert done.code == 5
    assert "--wheel" in done.err
