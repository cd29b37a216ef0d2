"""Model packages: every file is the one that the card names, or the package is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sightloop.errors import PackageRefused
from sightloop.values.package import CARD, GOLDEN, GRAPH, Package, Parity, Sealed
from sightloop.values.recipe import Input
from sightloop.values.sample import digest_of


def sealed(graph: bytes = b"graph", golden: bytes = b"golden") -> Sealed:
    card = Package(
        project="digits",
        task="classification",
        classes=("0", "1"),
        input=Input(kind="image", height=28, width=28),
        trainer="keras",
        embedding=64,
        temperature=1.25,
        parity=Parity(samples=256, max_difference=1e-7, limit=1e-4),
        files={GRAPH: digest_of(graph), GOLDEN: digest_of(golden)},
    )
    return Sealed(card, graph, golden)


def test_a_package_comes_back_from_its_folder(tmp_path: Path) -> None:
    sealed().write(tmp_path / "package")
    assert Sealed.read(tmp_path / "package") == sealed()


def test_a_card_of_before_pictures_could_be_padded_stretches_them() -> None:
    text = sealed().card.to_bytes().decode()
    told = re.compile(r',\s*"fit": "stretch"')
    assert len(told.findall(text)) == 1
    assert Package.from_bytes(told.sub("", text).encode()) == sealed().card
    with pytest.raises(PackageRefused, match=r"'crop' - at `\$\.input\.fit`"):
        Package.from_bytes(text.replace('"stretch"', '"crop"').encode())


@pytest.mark.parametrize("name", [GRAPH, GOLDEN])
def test_one_changed_byte_is_named(tmp_path: Path, name: str) -> None:
    sealed().write(tmp_path)
    data = bytearray((tmp_path / name).read_bytes())
    data[0] ^= 1
    (tmp_path / name).write_bytes(bytes(data))
    with pytest.raises(PackageRefused, match=name):
        Sealed.read(tmp_path)


@pytest.mark.parametrize("name", [GRAPH, GOLDEN, CARD])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    sealed().write(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(PackageRefused, match=name):
        Sealed.read(tmp_path)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"not json"])
def test_a_card_that_is_none_is_refused(text: bytes) -> None:
    with pytest.raises(PackageRefused, match=CARD):
        Package.from_bytes(text)


def test_the_digest_covers_every_file() -> None:
    assert sealed(graph=b"a").card.digest != sealed(graph=b"b").card.digest
    assert sealed(golden=b"a").card.digest != sealed(golden=b"b").card.digest
