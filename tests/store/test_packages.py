"""Packages in the blob store: whole, or refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sightloop.errors import PackageRefused
from sightloop.store import packages
from sightloop.store.blobs import Blobs
from sightloop.values.package import GRAPH, Sealed
from sightloop.values.sample import digest_of


def test_a_package_comes_back_under_its_digest(blobs: Blobs, make_package: Callable[..., Sealed]) -> None:
    package = make_package()
    assert packages.save(blobs, package) == package.card.digest
    assert packages.load(blobs, package.card.digest) == package


def test_a_package_that_is_not_there_is_refused(blobs: Blobs) -> None:
    with pytest.raises(PackageRefused, match="not in the store"):
        packages.load(blobs, digest_of(b"other"))


def test_a_blob_that_is_no_package_is_refused(blobs: Blobs) -> None:
    with pytest.raises(PackageRefused):
        packages.load(blobs, blobs.put(b"no card"))


def test_an_altered_graph_is_refused(blobs: Blobs, make_package: Callable[..., Sealed], tmp_path: Path) -> None:
    package = make_package()
    digest, graph = packages.save(blobs, package), package.card.files[GRAPH]
    (tmp_path / "blobs" / graph[:2] / graph).write_bytes(b"other")
    with pytest.raises(PackageRefused, match=graph):
        packages.load(blobs, digest)


def test_a_package_without_its_graph_is_refused(
    blobs: Blobs, make_package: Callable[..., Sealed], tmp_path: Path
) -> None:
    package = make_package()
    digest, graph = packages.save(blobs, package), package.card.files[GRAPH]
    (tmp_path / "blobs" / graph[:2] / graph).unlink()
    with pytest.raises(PackageRefused, match=graph):
        packages.load(blobs, digest)
