"""Samples as pictures in a page."""

from __future__ import annotations

import base64
from xml.etree import ElementTree

import numpy as np
import pytest
from tests import packages

from sightloop.errors import BadInput
from sightloop.tasks import thumbnails
from sightloop.values.image import Image
from sightloop.values.landmarks import Landmarks


def opened(url: str) -> tuple[str, bytes]:
    """The kind and the bytes in a `data:` URL."""
    kind, data = url.removeprefix("data:").split(";base64,")
    return kind, base64.b64decode(data)


def test_a_drawing_is_kept_and_a_photograph_scaled_down() -> None:
    small = np.random.default_rng(1).integers(0, 255, (28, 20, 3), np.uint8)
    kind, data = opened(thumbnails.url(Image(small).encode(), "image"))
    assert kind == "image/png"
    assert (Image.decode(data).pixels == small).all()
    large = np.full((300, 600, 3), 200, np.uint8)
    kind, data = opened(thumbnails.url(Image(large).encode(), "image"))
    assert kind == "image/jpeg"
    assert Image.decode(data).pixels.shape == (thumbnails.SIZE // 2, thumbnails.SIZE, 3)


@pytest.mark.parametrize("scale", [0.001, 1, 5000])
def test_a_hand_is_drawn_whole_whatever_its_scale(scale: float) -> None:
    points = packages.hand(3) * np.float32(scale)
    kind, data = opened(thumbnails.url(Landmarks(points).to_bytes(), "landmarks"))
    assert kind == "image/svg+xml"
    joints = list(ElementTree.fromstring(data).iter("{http://www.w3.org/2000/svg}circle"))
    assert len(joints) == 21
    places = np.array([[float(joint.get(axis, "nan")) for axis in ("cx", "cy")] for joint in joints])
    assert places.min() >= 5
    assert places.max() <= thumbnails.SIZE - 5
    flat = points[:, :2] - points[:, :2].min(axis=0)
    assert np.corrcoef(flat.ravel(), (places - places.min(axis=0)).ravel())[0, 1] > 0.999


def test_what_is_neither_is_refused() -> None:
    with pytest.raises(BadInput):
        thumbnails.url(b"nothing", "image")
    with pytest.raises(BadInput):
        thumbnails.url(b"nothing", "landmarks")
