"""A package as one file: whole, or refused."""

from __future__ import annotations

import io
import zipfile

import pytest
from tests import packages

from sightloop.errors import PackageRefused
from sightloop.values import bundle
from sightloop.values.bundle import from_zip, to_zip
from sightloop.values.package import CARD, GOLDEN, GRAPH


def zipped(**files: bytes) -> bytes:
    """A zip that another program wrote, with a folder in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(f"model/{name}", data)
    return file.getvalue()


def test_a_package_goes_in_and_comes_out_as_it_was() -> None:
    package = packages.digits()
    assert from_zip(to_zip(package)) == package
    assert to_zip(package) == to_zip(package)
    files = {CARD: package.card.to_bytes(), GRAPH: package.graph, GOLDEN: package.golden, "readme.txt": b"mine"}
    assert from_zip(zipped(**files)) == package


def test_what_is_no_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    package = packages.digits()
    with pytest.raises(PackageRefused, match="models export"):
        from_zip(b"a pickle, say")
    with pytest.raises(PackageRefused, match="models export"):
        from_zip(to_zip(package)[5:])
    with pytest.raises(PackageRefused, match=f"{CARD} cannot be read"):
        from_zip(zipped(**{CARD: b'{"project": "\xff"}', GRAPH: package.graph, GOLDEN: package.golden}))
    with pytest.raises(PackageRefused, match=f"{GOLDEN} missing"):
        from_zip(zipped(**{CARD: b"", GRAPH: b""}))
    with pytest.raises(PackageRefused, match="not the file"):
        from_zip(zipped(**{CARD: package.card.to_bytes(), GRAPH: b"other", GOLDEN: package.golden}))
    whole = zipped(**{CARD: package.card.to_bytes(), GRAPH: package.graph, GOLDEN: package.golden})
    with pytest.raises(PackageRefused, match="no zip of a model package"):
        from_zip(whole[:80] + b"\xff" * 60 + whole[140:])
    monkeypatch.setattr(bundle, "LARGEST", 1000)
    with pytest.raises(PackageRefused, match="too large"):
        from_zip(to_zip(package))
