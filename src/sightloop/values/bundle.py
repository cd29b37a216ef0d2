"""A model package as one file, a zip, for places that keep single objects: a bucket, a mail."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePosixPath

from sightloop.errors import PackageRefused
from sightloop.values.package import CARD, GOLDEN, GRAPH, Package, Sealed
from sightloop.values.zipped import content

LARGEST = 2 * 2**30
"""The most bytes that a package may unpack to."""

_EPOCH = (1980, 1, 1, 0, 0, 0)  # no time goes in: the same package gives the same bytes


def to_zip(package: Sealed) -> bytes:
    """The package's three files as a zip, not compressed, since weights hardly shrink."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as bundle:
        for name, data in ((CARD, package.card.to_bytes()), (GRAPH, package.graph), (GOLDEN, package.golden)):
            bundle.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return file.getvalue()


def from_zip(data: bytes) -> Sealed:
    """The package in a zip, at its top or in a folder of it, every file checked against the card.

    Raises PackageRefused for anything else.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as bundle:
            found = {PurePosixPath(member.filename).name: member for member in bundle.infolist()}
            missing = [name for name in (CARD, GRAPH, GOLDEN) if name not in found]
            if missing:
                raise PackageRefused(f"the zip is no model package: {', '.join(missing)} missing")
            members = [found[name] for name in (CARD, GRAPH, GOLDEN)]
            size = sum(member.file_size for member in members)
            if size > LARGEST:
                raise PackageRefused("the package is too large", expected=f"at most {LARGEST} bytes", got=str(size))
            card, graph, golden = (content(bundle, member) for member in members)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise PackageRefused(
            f"the bytes are no zip of a model package: {error}",
            hint="`sightloop models export PROJECT FILE.zip` writes one.",
        ) from error
    return Sealed(Package.from_bytes(card), graph, golden)
