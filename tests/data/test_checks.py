"""What is wrong with data is found and named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests import tens
from tests.data.test_prints import jpeg, photo

from sightloop.data import idx
from sightloop.data.checks import Finding, check
from sightloop.values.image import Image
from sightloop.values.recipe import Recipe
from sightloop.values.sample import Labelled, Side


@pytest.fixture
def recipe() -> Recipe:
    return Recipe.parse(tens.RECIPE)


def painted(value: int, label: str, side: Side | None = None, origin: str = "") -> Labelled:
    return Labelled(content=Image(np.full((4, 4, 3), value, np.uint8)).encode(), label=label, side=side, origin=origin)


def even(recipe: Recipe) -> list[Labelled]:
    """Data with nothing wrong in it: each class twice, on every side."""
    sides = (Side.TRAIN, Side.TEST, Side.VALIDATION)
    return [
        painted(10 * number + copy, label, sides[copy])
        for number, label in enumerate(recipe.classes)
        for copy in range(3)
    ]


def test_nothing_is_found_in_good_data(recipe: Recipe) -> None:
    found = check(recipe, even(recipe))
    assert found.findings == ()
    assert found.samples == 30
    assert found.sides == {"train": 10, "validation": 10, "test": 10}
    assert found.classes == dict.fromkeys(recipe.classes, 3)


def test_broken_and_unknown_samples_are_named(recipe: Recipe) -> None:
    broken = Labelled(content=b"no image", label="3", origin="cat.jpg")
    found = check(recipe, [*even(recipe), broken, painted(200, "ten", origin="ten.png")])
    assert [(one.kind, one.samples) for one in found.findings] == [("broken", ("cat.jpg",)), ("unknown", ("ten.png",))]
    assert "not an image" in found.findings[0].message
    assert found.samples == 30


def test_the_same_content_twice_is_doubled(recipe: Recipe) -> None:
    found = check(recipe, [*even(recipe), painted(0, "0", Side.TRAIN, "again")])
    assert [one.kind for one in found.findings] == ["doubled"]


def test_the_same_content_with_other_labels_contradicts(recipe: Recipe) -> None:
    found = check(recipe, [*even(recipe), painted(0, "8", Side.TRAIN, "again")])
    (contradiction,) = found.of("contradicting")
    assert contradiction.message == "the same content is labelled 0 and 8"


def test_the_same_content_on_two_sides_leaks(recipe: Recipe) -> None:
    found = check(recipe, [*even(recipe), painted(0, "0", Side.TEST, "again")])
    assert found.of("leaking") == [
        Finding(kind="leaking", message="the same content is on train and test", samples=("", "again"))
    ]


def test_a_rare_class_and_an_empty_side_are_lopsided(recipe: Recipe) -> None:
    many = [painted(value, "0", Side.TRAIN) for value in range(100, 140)]
    found = check(recipe, [*(item for item in even(recipe) if item.side is not Side.TEST), *many])
    told = [one.message for one in found.of("lopsided")]
    assert "no sample is on the test side" in told
    assert "1 has 2 samples, the largest class 42" in told


def test_no_data_is_lopsided_and_nothing_else(recipe: Recipe) -> None:
    assert {one.kind for one in check(recipe, []).findings} == {"lopsided"}


def test_mnist_has_nothing_serious_wrong(recipe: Recipe, shared_data: Path) -> None:
    test_set = [item for item in idx.read(shared_data / "mnist") if item.side is Side.TEST]
    found = check(recipe, test_set)
    assert found.sides["test"] == found.samples >= 9990
    assert {one.kind for one in found.findings} <= {"doubled", "lopsided"}


def test_near_duplicates_are_told_and_serious_only_where_their_sides_are_fixed(recipe: Recipe) -> None:
    one, other = (jpeg(photo(3), quality) for quality in (60, 95))
    loose = check(recipe, [Labelled(content=content, label="1") for content in (one, other)])
    assert len(loose.of("near")) == 1
    assert not loose.of("near-leaking")
    fixed = zip((one, other), (Side.TRAIN, Side.TEST), strict=True)
    found = check(recipe, [Labelled(content=content, label="1", side=side) for content, side in fixed])
    assert "on train and test" in found.of("near-leaking")[0].message
