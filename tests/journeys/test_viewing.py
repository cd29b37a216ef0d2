"""A browser's webcam is answered on the project's page: what was found is drawn, and a cut is mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests import browser, packages
from tests.deploying import Home, write_recipes
from tests.house import House

from sightloop.settings import Settings
from sightloop.values.image import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.journey, pytest.mark.filterwarnings("ignore::ResourceWarning")]

SECONDS = 30_000.0


@pytest.fixture
def house(make_settings: Callable[..., Settings], tmp_path: Path) -> Iterator[House]:
    """A server with the detector of squares and the classifier of digits."""
    home = Home(make_settings(home=tmp_path / "house" / "home", recipes=write_recipes(tmp_path / "recipes")))
    for sealed in (packages.squares(), packages.digits()):
        home.deploy(sealed)
    house = House(home.settings.home, recipes=home.settings.recipes, default_project="squares")
    house.start("serve")
    house.ready()
    yield house
    house.stop()
    home.database.close()


def started(page: Page, house: House, project: str) -> list[str]:
    """Open a project's page and switch the camera on by the keyboard; what the page finds wrong with itself."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{house.url}/v1/{project}/live")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("status").get_by_text("Live.").wait_for(timeout=SECONDS)
    return faults


def test_boxes_are_drawn_where_they_are_and_a_cut_is_mended(house: House, tmp_path: Path) -> None:
    picture = packages.painted(("red", 1, 2), ("green", 3, 0), height=320, width=480)
    with browser.opened(camera=browser.film(tmp_path / "squares.mjpeg", picture)) as page:
        faults = started(page, house, "squares")
        page.locator("#said").get_by_text("2 found").wait_for(timeout=SECONDS)
        assert page.evaluate(browser.DRAWN, [16, 40])  # the red square's left edge
        assert not page.evaluate(browser.DRAWN, [80, 40])
        page.get_by_label("Mirror").check()
        assert page.evaluate(browser.DRAWN, [80, 40])
        assert page.locator("#age").inner_text().endswith(" ms")
        house.kill("serve")
        page.get_by_role("status").get_by_text("was cut").wait_for(timeout=SECONDS)
        house.start("serve")
        page.get_by_role("status").get_by_text("Live.").wait_for(timeout=SECONDS)
        page.get_by_role("button", name="Stop").click()
        page.get_by_role("status").get_by_text("The camera is off.").wait_for(timeout=SECONDS)
        assert not page.evaluate(browser.DRAWN, [80, 40])
    assert faults == []


def test_a_classifier_names_what_it_sees(house: House, tmp_path: Path) -> None:
    content, label = packages.drawn()[0]
    picture = Image.decode(content).resized(280, 280)
    with browser.opened(camera=browser.film(tmp_path / "digit.mjpeg", picture)) as page:
        faults = started(page, house, "digits")
        page.locator("#said").get_by_text(f"{label} ").wait_for(timeout=SECONDS)
        assert page.locator("#version").inner_text() == "1"
        assert page.get_by_label("Follow things").is_hidden()
    assert faults == []


def test_a_project_without_a_model_says_why(house: House, tmp_path: Path) -> None:
    picture = packages.painted(height=320, width=480)
    with browser.opened(camera=browser.film(tmp_path / "grey.mjpeg", picture)) as page:
        page.goto(f"{house.url}/v1/gestures/live")
        page.get_by_role("button", name="Start").click()
        page.get_by_role("status").get_by_text("sightloop train gestures").wait_for(timeout=SECONDS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_can_be_used_by_all(house: House, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    with browser.opened(scheme=scheme) as page:
        page.goto(f"{house.url}/v1/squares/live")
        found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
