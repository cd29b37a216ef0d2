"""Cropped and mirrored copies of photographs, which prints alone do not find.

The champion's embedding says which photographs may be copies of each other: a few nearest ones for each. Since a model
also takes for the same what is only of one kind, each such pair is then compared by prints: one of the two, cut by some
hundredths all round or mirrored, must be a near duplicate of the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.data import prints
from sightloop.data.checks import Finding
from sightloop.loop.samples.embeddings import of_entries
from sightloop.store.blobs import Blobs
from sightloop.values.dataset import Entry
from sightloop.values.image import Image
from sightloop.values.package import Sealed

KIND = "alike"
NEIGHBOURS = 8
"""How many of the nearest photographs, by the cosine of the embeddings, are compared with each."""

_ROWS = 512

Floats = NDArray[np.float32]


def find(package: Sealed, entries: Sequence[Entry], blobs: Blobs, *, threads: int = 0) -> list[Finding]:
    """Pairs of samples that are cropped or mirrored copies; near duplicates by their prints alone are left out.

    Only photographs are compared, as by their prints: of small or flat pictures many different ones look alike.
    """
    if package.card.task != "classification":
        return []
    known: list[Entry] = []
    cuts: list[prints.Prints] = []
    for entry in entries:
        content = blobs.read(entry.place)
        if prints.of(content):
            known.append(entry)
            cuts.append(prints.cuts(Image.decode(content).pixels))
    if len(known) < 2:
        return []
    session = plugins.load("runtimes", "onnx").open(package, threads=threads)
    near = _neighbours(of_entries(session, package.card, known, blobs))
    return [_finding(known[one], known[other]) for one, other in near if _copied(cuts[one], cuts[other])]


def _neighbours(embeddings: Floats) -> list[tuple[int, int]]:
    """Each row with its nearest ones, as pairs in order, the lower row first."""
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    unit = embeddings / np.maximum(lengths, 1e-12)
    found = set()
    for start in range(0, len(unit), _ROWS):
        cosines = unit[start : start + _ROWS] @ unit.T
        cosines[np.arange(len(cosines)), np.arange(start, start + len(cosines))] = -2
        count = min(NEIGHBOURS, len(unit) - 1)
        for row, others in enumerate(np.argpartition(-cosines, count - 1, axis=1)[:, :count], start):
            found |= {(min(row, int(other)), max(row, int(other))) for other in others}
    return sorted(found)


def _copied(one: prints.Prints, other: prints.Prints) -> bool:
    """Whether the whole of one is near a cut or mirrored view of the other, and not simply near the whole of it."""
    if prints.distance(one[:1], other[:1]) <= prints.NEAR:
        return False
    return min(prints.distance(one[:1], other), prints.distance(one, other[:1])) <= prints.NEAR


def _finding(one: Entry, other: Entry) -> Finding:
    sides = f", on {one.side} and {other.side}" if one.side != other.side else ""
    message = f"a cropped or mirrored copy: {one.label} and {other.label}{sides}"
    return Finding(kind=KIND, message=message, samples=(one.digest, other.digest))
