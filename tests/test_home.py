"""A home in Python: a project is trained, asked, judged and rolled back without a command or a server."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests import packages, tens
from tests.deploying import Home as Deployed
from tests.deploying import write_recipes

import sightloop
from sightloop.errors import BadInput, NotFound, NotReady, PackageRefused
from sightloop.settings import Settings
from sightloop.values.image import Image
from sightloop.values.prediction import Answer, Detections
from sightloop.values.run import Event, Status
from sightloop.values.scores import Scores

TELLING = """
import dataclasses
from sightloop.settings import Settings
from sightloop.trainers.sklearn.trainer import TRAINER

class Telling:
    check = staticmethod(TRAINER.check)

    def train(self, *given):
        return dataclasses.replace(TRAINER.train(*given), parameters={"hands": str(Settings().hands)})

plugin = Telling()
"""


@pytest.fixture
def home(
    make_settings: Callable[..., Settings], tens_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[sightloop.Home]:
    """A home in which `tens` was trained once."""
    make_settings()
    shutil.copytree(tens_home, tmp_path / "home")
    monkeypatch.setenv("SIGHTLOOP_RECIPES", str(tens.write(tmp_path / "recipes")))
    monkeypatch.setenv("SIGHTLOOP_OFFLINE", "true")
    with sightloop.open(tmp_path / "home") as opened:
        yield opened


def test_a_project_is_trained_and_asked(home: sightloop.Home) -> None:
    project = home.project("tens")
    scores = project.evaluate()
    assert isinstance(scores, Scores)
    assert scores.accuracy > 0.8
    assert scores.samples == project.model().card.scores.samples  # type: ignore[union-attr] # it was judged
    assert set(project.figures()) >= {"confusion", "classes"}
    added = project.add(tens.samples(700), author="ann")
    assert (added.added, added.known) == (100, 600)
    seen: list[Event] = []
    run = project.train(told=seen.append)
    assert run.status is Status.SUCCEEDED
    assert (seen[0].kind, seen[-1].kind) == ("begun", "finished")
    assert [model.number for model in project.models] == [2, 1]
    assert project.model().number == 2
    assert project.rollback("to see the first again").champion.version == 1
    assert project.promote(2, "enough").champion.version == 2
    with pytest.raises(NotFound, match="3"):
        project.promote(3, "there is none")


def test_a_training_looks_for_its_parts_in_this_home(
    home: sightloop.Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, install: Callable[[str, str, str], None]
) -> None:
    install("trainers", "telling", TELLING)
    monkeypatch.setenv("SIGHTLOOP_HOME", str(tmp_path / "other"))
    text = tens.RECIPE.replace('trainer = "sklearn"', 'trainer = "telling"')
    monkeypatch.setenv("SIGHTLOOP_RECIPES", str(tens.write(tmp_path / "telling", text)))
    with sightloop.open(tmp_path / "home") as opened:
        found = opened.project("tens").train().result
    assert found["parameters"]["hands"] == str(tmp_path / "home" / "hands")
    assert not (tmp_path / "other").exists()


def test_an_image_is_a_file_bytes_or_pixels(home: sightloop.Home, tmp_path: Path) -> None:
    project = home.project("tens")
    content = packages.drawn()[0][0]
    (tmp_path / "digit.png").write_bytes(content)
    answer = project.predict(tmp_path / "digit.png")
    assert isinstance(answer, Answer)
    assert answer == project.predict(str(tmp_path / "digit.png")) == project.predict(content)
    assert answer == project.predict(Image.decode(content).pixels, version=1)
    for bad in (tmp_path / "nothing.png", b"text", np.zeros((4, 4), np.uint8), [1, 2]):
        with pytest.raises(BadInput):
            project.predict(bad)


def test_hands_and_boxes(
    make_settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings(recipes=write_recipes(tmp_path / "recipes"))
    deployed = Deployed(settings)
    for sealed in (packages.gestures(), packages.squares()):
        deployed.deploy(sealed)
    deployed.database.close()
    monkeypatch.setenv("SIGHTLOOP_RECIPES", str(settings.recipes))
    monkeypatch.setenv("SIGHTLOOP_HOME", str(settings.home))
    hand = packages.hand()
    (tmp_path / "hand.json").write_bytes(msgspec.json.encode({"landmarks": hand.tolist()}))
    with sightloop.open() as home:
        answer = home.project("gestures").predict(hand)
        assert answer == home.project("gestures").predict(hand.ravel().tolist())
        assert answer == home.project("gestures").predict(tmp_path / "hand.json")
        found = home.project("squares").predict(packages.painted(("red", 1, 2)))
    assert isinstance(found, Detections)
    assert [box.label for box in found.boxes] == ["red"]


def test_a_licence_that_is_not_allowed_is_not_promoted(
    make_settings: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings(recipes=write_recipes(tmp_path / "recipes"))
    deployed = Deployed(settings)
    deployed.deploy(packages.squares())
    deployed.database.close()
    monkeypatch.setenv("SIGHTLOOP_RECIPES", str(settings.recipes))
    monkeypatch.setenv("SIGHTLOOP_ALLOWED_LICENCES", "MIT")
    with sightloop.open(settings.home) as home, pytest.raises(PackageRefused, match="expected MIT"):
        home.project("squares").promote(1, "it is good")


def test_what_is_not_there_is_named(home: sightloop.Home) -> None:
    assert "tens" in home.projects
    assert "tens" in repr(home)
    with pytest.raises(NotFound, match="'tens'"):
        home.project("ten")
    with pytest.raises(NotReady, match="sightloop train leaf"):
        home.project("leaf").evaluate()
    with pytest.raises(AttributeError, match="no attribute 'close'"):
        sightloop.close  # noqa: B018 - asked for on purpose


def test_a_setting_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLOOP_THREADS", "many")
    with pytest.raises(BadInput, match="SIGHTLOOP_THREADS"):
        sightloop.open(tmp_path)
