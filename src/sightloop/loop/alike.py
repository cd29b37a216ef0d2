"""Photographs that the champion takes for the same: near duplicates that a comparison of pixels does not find.

How near is near depends on the model, so it is measured: some of the photographs are altered as copies in the wild are
(cropped, shrunk, lightened, compressed), and two samples are alike where their embeddings are nearer to each other than
half of the copies are to what they were made of, by the cosine.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.data import prints
from sightloop.data.checks import Finding
from sightloop.loop.embeddings import of_entries, of_inputs
from sightloop.store.blobs import Blobs
from sightloop.values.dataset import Entry
from sightloop.values.image import Image
from sightloop.values.package import Package, Sealed

KIND = "alike"
ALTERED = 64
"""How many photographs are altered to measure how near copies are."""

_ROWS = 512

Floats = NDArray[np.float32]


def find(package: Sealed, entries: Sequence[Entry], blobs: Blobs, *, threads: int = 0) -> list[Finding]:
    """Pairs of samples that are alike, the nearest first; those that are near duplicates by their prints are left out.

    Only photographs are compared, as by their prints: of small or flat pictures many different ones look alike.
    """
    contents = blobs.read_many([entry.place for entry in entries])
    printed = [
        (entry, content, print)
        for entry, content in zip(entries, contents, strict=True)
        if (print := prints.of(content))
    ]
    if package.card.task != "classification" or len(printed) < 2:
        return []
    session = plugins.load("runtimes", "onnx").open(package, threads=threads)
    known = [entry for entry, _, _ in printed]
    embedded = _unit(of_entries(session, package.card, known, blobs))
    rows = np.unique(np.linspace(0, len(known) - 1, ALTERED).astype(int))
    copies = np.stack([_altered(printed[row][1], package.card) for row in rows])
    within = float(np.median((embedded[rows] * _unit(of_inputs(session, copies))).sum(axis=1)))
    near = set(prints.pairs(prints.words([print for _, _, print in printed])))
    found = [(cosine, pair) for cosine, pair in _pairs(embedded, within) if pair not in near]
    return [_finding(known[one], known[other], cosine) for cosine, (one, other) in sorted(found, reverse=True)]


def _altered(content: bytes, card: Package) -> NDArray[np.uint8]:
    """A copy without a twentieth at each side, at three quarters of the size, lighter, and compressed."""
    pixels = Image.decode(content).pixels
    height, width = pixels.shape[:2]
    inner = pixels[height // 20 : height - height // 20, width // 20 : width - width // 20]
    small = cv2.resize(inner, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    light = cv2.convertScaleAbs(small, alpha=1.1, beta=8)
    _, written = cv2.imencode(".jpg", light[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 60])
    prepare = plugins.load("tasks", card.task).prepare
    return np.asarray(prepare(written.tobytes(), card.input, max_pixels=pixels.size))


def _unit(embeddings: Floats) -> Floats:
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    return np.asarray(embeddings / np.maximum(lengths, 1e-12), np.float32)


def _pairs(embedded: Floats, within: float) -> list[tuple[float, tuple[int, int]]]:
    """The cosines and rows of all pairs that are at least so near, the lower row first."""
    found = []
    for start in range(0, len(embedded), _ROWS):
        cosines = embedded[start : start + _ROWS] @ embedded.T
        for one, other in np.argwhere(cosines >= within):
            if start + one < other:
                found.append((float(cosines[one, other]), (start + int(one), int(other))))
    return found


def _finding(one: Entry, other: Entry, cosine: float) -> Finding:
    sides = f", on {one.side} and {other.side}" if one.side != other.side else ""
    message = f"the model takes them for the same: {one.label} and {other.label} (cosine {cosine:.4f}){sides}"
    return Finding(kind=KIND, message=message, samples=(one.digest, other.digest))
