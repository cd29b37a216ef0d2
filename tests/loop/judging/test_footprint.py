"""The memory that a package takes is its own, not what the process took before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tests import packages as made

from sightloop.loop.judging import footprint
from sightloop.store import packages
from sightloop.store.blobs import Blobs


def test_a_peak_from_before_is_not_the_packages(tmp_path: Path) -> None:
    url = f"file://{tmp_path}/blobs"
    package = packages.save(Blobs(url), made.digits())
    earlier = np.ones(300 * 2**20, np.uint8)
    assert earlier[-1]
    del earlier
    told = footprint.measure({"blobs": url, "package": package, "threads": 1, "runtime": "onnx"}, lambda **_event: None)
    assert told["bytes"] < 150 * 2**20
