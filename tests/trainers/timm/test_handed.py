"""The shape of a hand answers where one is found; where none is, or none can be looked for, the network does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from tests.trainers.timm.test_trainer import pictures, recipe

from sightloop.data import folders
from sightloop.errors import BadRecipe
from sightloop.runtimes.onnx import RUNTIME
from sightloop.trainers.hands.shapes import PAIRS
from sightloop.trainers.packaging import pack
from sightloop.trainers.timm.answering import shrunk
from sightloop.trainers.timm.handed import Handed
from sightloop.trainers.timm.linear import Linear
from sightloop.trainers.timm.trainer import TRAINER
from sightloop.trainers.trainer import Arrays
from sightloop.values.image import Image
from sightloop.values.landmarks import POINTS

SHAPES = ("rock", "paper", "scissors")
SHOWN = {"palm": 1, "stop": 1, "stop_inverted": 1, "fist": 0, "peace": 2, "peace_inverted": 2}
SIDE = 224


class Bright(torch.nn.Module):
    """Finds the same hand in every picture, the surer the brighter its first pixel is."""

    def forward(self, pixels: Any) -> tuple[Any, Any]:
        """The points and how sure they are."""
        points = torch.linspace(0, 1, 2 * POINTS).reshape(1, POINTS, 2).expand(len(pixels), -1, -1)
        return points, pixels[:, 0, 0, 0].float() / 255


def test_the_hand_counts_as_far_as_it_is_surely_there() -> None:
    head = Linear(np.zeros((2, len(PAIRS)), np.float32), np.array([5, -5], np.float32))
    handed = Handed(Bright(), head, temperature=2.0, found={})
    pictures = np.zeros((3, 8, 8, 3), np.uint8)
    pictures[:, 0, 0, 0] = (0, 127.5, 255)
    logits = np.array([[-4, 4]] * 3, np.float32)
    answered = handed.weigh(pictures, logits)
    np.testing.assert_allclose(answered[0], [-2, 2], atol=1e-5)
    np.testing.assert_allclose(answered[1], [1.5, -1.5], atol=0.1)
    np.testing.assert_allclose(answered[2], [5, -5], atol=1e-5)


def test_a_recipe_that_asks_for_hands_is_trained_without_them_where_there_are_none_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLOOP_HOME", str(tmp_path))
    monkeypatch.setenv("SIGHTLOOP_OFFLINE", "true")
    told: list[str] = []
    fitted = TRAINER.train(
        recipe(head="logistic", copies=1, hands=True),
        pictures(30, 1),
        pictures(12, 2),
        lambda **event: told.append(event.get("message", "")),
    )
    assert any("WITHOUT hands" in message and "SIGHTLOOP_OFFLINE" in message for message in told)
    assert fitted.parameters["hands_found"] == "not looked for"


def test_pictures_without_hands_are_learned_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hand_networks: Path
) -> None:
    shutil.copytree(hand_networks, tmp_path / "hands")
    monkeypatch.setenv("SIGHTLOOP_HOME", str(tmp_path))
    fitted = TRAINER.train(
        recipe(head="logistic", copies=1, hands=True), pictures(30, 1), pictures(12, 2), lambda **_: None
    )
    assert fitted.parameters["hands_found"] == "too few"


def test_the_backbone_sees_means_of_squares(tmp_path: Path) -> None:
    asked = recipe(head="logistic", copies=1, shrink=2)
    train, validation = pictures(60, 1), pictures(30, 2)
    fitted = TRAINER.train(asked, train, validation, lambda **_: None)
    sealed = pack(fitted, asked, validation, open=RUNTIME.open, dataset="d", code="c", folder=tmp_path)
    small = shrunk(validation.inputs, 2)
    assert small.shape == (30, 32, 32, 3)
    assert small[0, 0, 0, 0] == np.rint(validation.inputs[0, :2, :2, 0].mean())
    again = np.repeat(np.repeat(small, 2, axis=1), 2, axis=2)
    session = RUNTIME.open(sealed, threads=1)
    np.testing.assert_allclose(session.run(again)[0], session.run(validation.inputs)[0], atol=1e-6)


def test_a_size_that_cannot_be_shrunk_is_refused() -> None:
    asked = recipe(shrink=4)
    odd = msgspec.structs.replace(asked, input=msgspec.structs.replace(asked.input, width=66))
    with pytest.raises(BadRecipe, match=r"cannot be shrunk by 4.*multiples of 4.*64 x 66"):
        TRAINER.check(odd)


def test_other_peoples_hands_in_other_rooms_are_told_from_few_photographs_before_one_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hand_networks: Path, shared_data: Path
) -> None:
    shutil.copytree(hand_networks, tmp_path / "hands")
    monkeypatch.setenv("SIGHTLOOP_HOME", str(tmp_path))
    asked = recipe(head="logistic", copies=1, hands=True, shrink=4)
    asked = msgspec.structs.replace(
        asked, classes=SHAPES, input=msgspec.structs.replace(asked.input, height=SIDE, width=SIDE)
    )
    train, validation = photographs(shared_data / "rps", 0, 8), photographs(shared_data / "rps", 8, 12)
    fitted = TRAINER.train(asked, train, validation, lambda **_: None)
    sealed = pack(fitted, asked, validation, open=RUNTIME.open, dataset="d", code="c", folder=tmp_path / "package")
    folder = shared_data / "gestures" / "photos"
    others = [(file, target) for name, target in SHOWN.items() for file in sorted((folder / name).glob("*.jpg"))]
    inputs = np.stack([Image.decode(file.read_bytes()).resized(SIDE, SIDE) for file, _ in others])
    found = RUNTIME.open(sealed, threads=1).run(inputs)[0].argmax(axis=1)
    right = sum(int(got == target) for got, (_, target) in zip(found, others, strict=True))
    assert (len(others), right >= 10) == (12, True)


def photographs(folder: Path, first: int, last: int) -> Arrays:
    """Some photographs of each class."""
    by_class: dict[str, list[bytes]] = {shape: [] for shape in SHAPES}
    for item in folders.read(folder):
        by_class[item.label].append(item.content)
    rows = [(shape, content) for shape in SHAPES for content in by_class[shape][first:last]]
    pixels = np.stack([Image.decode(content).resized(SIDE, SIDE) for _, content in rows])
    return Arrays(pixels, np.array([SHAPES.index(shape) for shape, _ in rows]))
