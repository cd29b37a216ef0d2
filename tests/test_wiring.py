"""Parts are built in one place, and say what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.house import free_port

from sightloop import wiring
from sightloop.errors import NotFound, NotReady
from sightloop.settings import Settings
from sightloop.store import samples
from sightloop.wiring import Parts


def test_the_home_is_made_and_the_database_ready(make_parts: Callable[..., Parts]) -> None:
    parts = make_parts()
    assert parts.settings.home.is_dir()
    with parts.database.read() as connection:
        assert samples.count(connection, "tens") == {"train": 0, "validation": 0, "test": 0}
    assert {"digits", "gestures", "tens"} <= set(parts.recipes)


def test_building_twice_finds_what_was_there(make_parts: Callable[..., Parts]) -> None:
    digest = make_parts().blobs.put(b"kept")
    assert make_parts().blobs.get(digest) == b"kept"


def test_an_unknown_project_is_told_with_the_nearest(make_parts: Callable[..., Parts]) -> None:
    parts = make_parts()
    with pytest.raises(NotFound, match="did you mean 'gestures'"):
        parts.recipe("gesture")
    with pytest.raises(NotFound, match="known are digits, football, gestures"):
        parts.recipe("xyz")


def test_a_home_that_cannot_be_made_is_told_of(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotReady, match=r"cannot be made.*SIGHTLOOP_HOME"):
        wiring.build(make_settings(home=tmp_path / "file" / "home"))


@pytest.mark.parametrize("place", ["text", "folder", "file/in/the/way"])
def test_a_file_that_is_no_database_is_told_of(
    make_settings: Callable[..., Settings], tmp_path: Path, place: str
) -> None:
    (tmp_path / "text").write_text("no database " * 100)
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(NotReady, match=r"database .*(does not answer|cannot be made)"):
        wiring.build(make_settings(database_url=f"sqlite:///{tmp_path}/{place}"))


def test_a_database_that_does_not_answer_is_told_of_without_its_password(
    make_settings: Callable[..., Settings],
) -> None:
    url = f"postgresql://ann:secret@127.0.0.1:{free_port()}/sightloop"
    with pytest.raises(NotReady, match=r"does not answer.*SIGHTLOOP_DATABASE_URL") as told:
        wiring.build(make_settings(database_url=url))
    assert "secret" not in str(told.value)
