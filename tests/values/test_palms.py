"""The numbers of MediaPipe's palm network are read as it means them."""

from __future__ import annotations

import numpy as np
import pytest

from sightloop.values.palms import anchors


def test_the_anchors_are_those_of_the_network() -> None:
    places = anchors()
    assert places.shape == (2016, 2)
    assert places[:2] == pytest.approx(0.5 / 24)
    assert places[-1] == pytest.approx(1 - 0.5 / 12)
    assert np.unique(places[:1152], axis=0).shape == (576, 2)
