"""A film that was made plays in a real browser, on a page that gets it from the server, and can be sought in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests import browser, clips, packages
from tests.deploying import Home, write_recipes
from tests.house import House

from sightloop.serve.video.studio import Studio
from sightloop.settings import Settings

PAGE = """
async () => {
  const film = document.createElement('video');
  film.muted = true;
  film.src = '%s';
  document.body.append(film);
  const heard = (name) => new Promise((done, failed) => {
    film.addEventListener(name, done, {once: true});
    film.addEventListener('error', () => failed(new Error(film.error.message)), {once: true});
  });
  await heard('canplaythrough');
  const ended = heard('ended');
  await film.play();
  await ended;
  film.currentTime = 0.5;
  await heard('seeked');
  const canvas = document.createElement('canvas');
  canvas.width = film.videoWidth; canvas.height = film.videoHeight;
  const drawing = canvas.getContext('2d');
  drawing.drawImage(film, 0, 0);
  const middle = [...drawing.getImageData(24, 40, 1, 1).data];
  return {width: film.videoWidth, height: film.videoHeight, seconds: film.duration, at: film.currentTime, middle};
}
"""


@pytest.fixture
def house(make_settings: Callable[..., Settings], tmp_path: Path) -> Iterator[House]:
    """A server with the detector of squares."""
    home = Home(make_settings(home=tmp_path / "house" / "home", recipes=write_recipes(tmp_path / "recipes")))
    home.deploy(packages.squares())
    house = House(home.settings.home, recipes=home.settings.recipes, default_project="squares")
    house.start("serve")
    house.ready()
    yield house
    house.stop()
    home.database.close()


@pytest.mark.journey
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_film_plays_in_a_browser(house: House, make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    clip = clips.write(tmp_path / "clip.mp4", 50, sound="aac").read_bytes()
    id = house.client.post("/v1/squares/videos", content=clip).json()["video"]["id"]
    home = Home(make_settings(home=house.home, recipes=house.environment["SIGHTLOOP_RECIPES"]))
    assert Studio(home.settings, home.database, home.blobs, "ann").work()
    home.database.close()
    with browser.opened() as page:
        page.goto(f"{house.url}/health")
        seen = page.evaluate(PAGE % f"/v1/videos/{id}/film.mp4")
    assert (seen["width"], seen["height"], seen["at"]) == (96, 64, 0.5)
    assert seen["seconds"] == pytest.approx(2.0, abs=0.1)
    red, green, blue, _ = seen["middle"]
    assert red > 150 > max(green, blue)  # the red square, at its place
