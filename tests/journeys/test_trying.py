"""On the page at `/` a picture or a video is chosen, and what the model sees in it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests import browser, clips, packages
from tests.deploying import Home, write_recipes
from tests.house import House

from sightloop.serve.video.studio import Studio
from sightloop.settings import Settings
from sightloop.values.image import Image

pytestmark = [pytest.mark.journey, pytest.mark.filterwarnings("ignore::ResourceWarning")]

SECONDS = 30_000.0


@pytest.fixture
def home(make_settings: Callable[..., Settings], tmp_path: Path) -> Iterator[Home]:
    """A home with the detector of squares and the classifier of digits."""
    home = Home(make_settings(home=tmp_path / "house" / "home", recipes=write_recipes(tmp_path / "recipes")))
    for sealed in (packages.squares(), packages.digits()):
        home.deploy(sealed)
    yield home
    home.database.close()


@pytest.fixture
def house(home: Home) -> Iterator[House]:
    """Its server, but no worker."""
    house = House(home.settings.home, recipes=home.settings.recipes, default_project="squares")
    house.start("serve")
    house.ready()
    yield house
    house.stop()


def test_a_picture_is_answered_by_the_project_that_is_chosen(house: House, tmp_path: Path) -> None:
    picture = tmp_path / "squares.jpg"
    picture.write_bytes(Image(packages.painted(("red", 1, 2), ("green", 3, 0), height=320, width=480)).as_jpeg())
    digit, label = packages.drawn()[0]
    (tmp_path / "digit.png").write_bytes(digit)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with browser.opened() as page:
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(house.url)
        page.get_by_label("A picture or a video").set_input_files(picture)
        page.get_by_role("status").get_by_text("2 found").wait_for(timeout=SECONDS)
        assert page.evaluate(browser.DRAWN, [16, 40])  # the red square's left edge
        assert not page.evaluate(browser.DRAWN, [80, 40])
        assert {row.split("\t")[0] for row in page.locator("#rows tr").all_inner_texts()} == {"red", "green"}
        page.get_by_label("A picture or a video").set_input_files(tmp_path / "broken.png")
        page.get_by_role("status").get_by_text("image").wait_for(timeout=SECONDS)
        assert page.locator("#answer").is_hidden()
        page.get_by_role("combobox", name="Project").select_option("digits")
        page.wait_for_url("**/?project=digits")
        page.get_by_label("A picture or a video").set_input_files(tmp_path / "digit.png")
        page.locator("#caption").get_by_text(f"It is {label}").wait_for(timeout=SECONDS)
    assert faults == []


def test_a_video_is_seen_with_what_was_found_in_it(house: House, home: Home, tmp_path: Path) -> None:
    with browser.opened() as page:
        page.goto(house.url)
        page.get_by_label("A picture or a video").set_input_files(clips.write(tmp_path / "clip.mp4", 25))
        page.get_by_role("status").get_by_text("Waiting for a worker").wait_for(timeout=SECONDS)
        assert Studio(home.settings, home.database, home.blobs, "ann").work()
        page.get_by_role("status").get_by_text("The video is done.").wait_for(timeout=SECONDS)
        page.wait_for_function("document.getElementById('film').readyState >= 2", timeout=SECONDS)
        assert page.get_by_role("link", name="tracks.csv").is_visible()
