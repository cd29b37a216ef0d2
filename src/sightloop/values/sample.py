"""A sample: an image or a landmark vector, named by the SHA-256 of its content, on one side of the split for ever."""

from __future__ import annotations

import hashlib
from enum import StrEnum

from msgspec import Struct

from sightloop.values.box import Box


class Side(StrEnum):
    """The side of a split that a sample is on, for ever."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


def digest_of(data: bytes) -> str:
    """The SHA-256 of the content, as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


class Place(Struct, frozen=True):
    """Where bytes lie: a blob, and a range in it, since many small samples share one blob."""

    blob: str
    offset: int
    length: int


class Sample(Struct, frozen=True, kw_only=True):
    """A stored sample of a project."""

    digest: str
    side: Side
    place: Place


class Labelled(Struct, frozen=True, kw_only=True):
    """Bytes on their way in, with a person's label or boxes; `side` only where the data set itself keeps it on one."""

    content: bytes
    label: str
    side: Side | None = None
    origin: str = ""
    boxes: tuple[Box, ...] | None = None
