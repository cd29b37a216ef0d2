"""Recipes are found, and refused where they cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests import tens

from sightloop.data import recipes
from sightloop.errors import BadRecipe


def test_recipes_ship_with_the_package() -> None:
    shipped = recipes.load()
    assert {"digits", "gestures"} <= set(shipped)
    assert all(name == recipe.name for name, recipe in shipped.items())


def test_a_persons_own_recipe_takes_the_place_of_one_that_ships(tmp_path: Path) -> None:
    folder = tens.write(tmp_path, tens.RECIPE.replace('name = "tens"', 'name = "digits"'))
    known = recipes.load(folder)
    assert known["digits"].train.trainer == "sklearn"
    assert "gestures" in known


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.toml").mkdir()
    with pytest.raises(BadRecipe, match=r"a\.toml cannot be read: Is a directory"):
        recipes.load(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRecipe, match="is not there"):
        recipes.load(tmp_path / "nowhere")


def test_two_files_with_one_project_are_refused(tmp_path: Path) -> None:
    folder = tens.write(tmp_path)
    (folder / "again.toml").write_text(tens.RECIPE)
    with pytest.raises(BadRecipe, match="another file declares too"):
        recipes.load(folder)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('task = "classification"', 'task = "classificaton"', "did you mean 'classification'"),
        ('trainer = "sklearn"', 'trainer = "sklern"', "did you mean 'sklearn'"),
        ("accuracy = 0.6", "acuracy = 0.6", "did you mean 'accuracy'"),
        ("accuracy = 0.6", "'recall.11' = 0.6", "gate.floors names 'recall.11'"),
        ("[train]", "[train]\nepoch = 3", "did you mean 'epochs'"),
    ],
)
def test_an_unknown_name_is_refused_with_its_nearest_neighbour(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tens.write(tmp_path, tens.RECIPE.replace(old, new)) / "tens.toml"
    with pytest.raises(BadRecipe) as refused:
        recipes.read(path)
    assert told in str(refused.value)
    assert "tens.toml" in str(refused.value)


def test_what_is_no_text_and_what_is_no_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "odd.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadRecipe, match="not UTF-8"):
        recipes.read(tmp_path / "odd.toml")
    with pytest.raises(BadRecipe, match="is not a file"):
        recipes.read(tmp_path / "none.toml")
