"""Model packages in the blob store: graph, golden answers and card, a blob each; the card's digest names the whole."""

from __future__ import annotations

from sightloop.errors import BadData, NotFound, PackageRefused
from sightloop.store.blobs import Blobs
from sightloop.values.package import GOLDEN, GRAPH, Package, Sealed


def save(blobs: Blobs, sealed: Sealed) -> str:
    """Keep a package; its digest. The card is written last, so that a package with a card is whole."""
    blobs.put(sealed.graph)
    blobs.put(sealed.golden)
    return blobs.put(sealed.card.to_bytes())


def load(blobs: Blobs, digest: str) -> Sealed:
    """The package of this digest, every file checked. Raises PackageRefused where one is missing or altered."""
    try:
        card = Package.from_bytes(blobs.get(digest))
        return Sealed(card, *(blobs.get(card.files[name]) for name in (GRAPH, GOLDEN)))
    except (NotFound, BadData, KeyError) as error:
        raise PackageRefused(f"package {digest} cannot be read from the store: {error}") from error
