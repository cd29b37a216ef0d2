"""An annotation: what a person says that a sample is. Annotations are added, never changed; the newest one counts."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from sightloop.values.box import Box

Source = Literal["import", "upload", "feedback"]


class Annotation(Struct, frozen=True, kw_only=True):
    """A person's word on one sample, with who, when (ISO 8601, UTC) and by which way it came.

    It is a class for the whole sample, or `boxes` (none at all where nothing is to be seen) with `label` empty.
    """

    id: str
    sample: str
    label: str
    author: str
    source: Source
    at: str
    prediction: str | None = None
    boxes: tuple[Box, ...] | None = None
