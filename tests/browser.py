"""A real browser, Chromium, where there is one: the machine's own, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

if TYPE_CHECKING:
    from playwright.sync_api import Page

_ALWAYS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
_CAMERA = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
DRAWN = """
([x, y]) => {
  const marks = document.getElementById('marks');
  const scale = marks.width / 96;
  const pen = marks.getContext('2d');
  return pen.getImageData(scale * x - 4, scale * y - 4, 9, 9).data.some((value) => value > 0);
}
"""
"""Asks a page whether marks are drawn about a point of its picture, which is 96 wide."""


@contextmanager
def opened(*, camera: Path | None = None, scheme: str = "light") -> Iterator[Page]:
    """An empty page; `camera` is what its webcam shows, as `film` writes it. Skips the test where no browser is."""
    drivers = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no browser is installed (apt-get install chromium)")
    words = [*_ALWAYS, *_CAMERA, f"--use-file-for-fake-video-capture={camera}"] if camera else list(_ALWAYS)
    with drivers.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=words)
        # What looks for faults from inside a page is a script that the page's own policy would not let through.
        page: Page = browser.new_context(color_scheme=scheme, bypass_csp=camera is None).new_page()
        yield page
        browser.close()


def film(path: Path, *pictures: NDArray[np.uint8]) -> Path:
    """Write RGB pictures as what a webcam shows, over and over."""
    frames = [cv2.imencode(".jpg", cv2.cvtColor(one, cv2.COLOR_RGB2BGR))[1].tobytes() for one in pictures]
    path.write_bytes(b"".join(frames))
    return path
