"""Images become the model's input, and its output an answer."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sightloop import plugins
from sightloop.errors import BadImage, TooLarge
from sightloop.tasks.classification import TASK
from sightloop.values.image import Image
from sightloop.values.package import Package, Parity
from sightloop.values.recipe import Input

SPEC = Input(kind="image", height=28, width=20)


def _card(**commands: str) -> Package:
    parity = Parity(samples=1, max_difference=0, limit=1)
    return Package(
        project="p",
        task="classification",
        classes=("no", "yes"),
        input=SPEC,
        trainer="t",
        embedding=1,
        temperature=1,
        parity=parity,
        files={},
        commands=commands,
    )


def test_comes_through_the_plugin_door() -> None:
    assert plugins.load("tasks", "classification") is TASK


def test_an_image_is_brought_to_the_models_size() -> None:
    png = Image(np.full((56, 40, 3), 7, np.uint8)).encode()
    (prepared,) = TASK.prepare(png, SPEC, max_pixels=10_000).inputs
    assert prepared.shape == SPEC.shape
    assert prepared.dtype == np.uint8
    assert (prepared == 7).all()


@pytest.mark.parametrize(("height", "width"), [(300, 900), (900, 300), (600, 600), (64, 64)])
def test_a_padded_circle_stays_round_in_the_middle_between_black_bars(height: int, width: int) -> None:
    pixels = np.full((height, width, 3), 90, np.uint8)
    cv2.circle(pixels, (width // 2, height // 2), min(height, width) // 3, (255, 255, 255), -1)
    spec = Input(kind="image", height=120, width=120, fit="pad")
    (sent,) = TASK.prepare(Image(pixels).encode(), spec, max_pixels=10**6).inputs
    (framed,) = TASK.lay(pixels, spec).inputs
    np.testing.assert_array_equal(sent, framed)
    down, across = np.nonzero(sent[..., 0] > 200)
    assert abs(int(np.ptp(down)) - int(np.ptp(across))) <= 1
    assert (abs(down.mean() - 59.5), abs(across.mean() - 59.5)) < (1, 1)
    side = round(120 * min(height, width) / max(height, width))
    assert (sent > 0).any(axis=2).sum() == 120 * side
    (pressed,) = TASK.lay(pixels, Input(kind="image", height=120, width=120)).inputs
    assert (pressed > 0).all()


def test_more_pixels_than_allowed_are_refused() -> None:
    with pytest.raises(TooLarge):
        TASK.prepare(Image(np.zeros((56, 40, 3), np.uint8)).encode(), SPEC, max_pixels=56 * 40 - 1)


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(BadImage):
        TASK.prepare(b"hello", SPEC, max_pixels=10_000)


def test_the_answer_is_the_most_probable_class() -> None:
    answer = TASK.read([np.array([0.25, 0.75], np.float32)], _card(), (20, 28))
    assert (answer.label, answer.index, answer.confidence, answer.command) == ("yes", 1, 0.75, None)
    assert answer.probabilities == [0.25, 0.75]


def test_the_answer_carries_the_classs_command() -> None:
    assert TASK.read([np.array([0.25, 0.75], np.float32)], _card(yes="up"), (20, 28)).command == "up"
    assert TASK.read([np.array([0.75, 0.25], np.float32)], _card(yes="up"), (20, 28)).command is None


def test_scores() -> None:
    scores = TASK.score(np.array([[0.9, 0.1], [0.2, 0.8]], np.float32), np.array([0, 1]), ["no", "yes"])
    assert scores.accuracy == 1
