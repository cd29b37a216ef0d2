"""An annotation: what a person says that a sample is. Annotations are added, never changed; the newest one counts."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Source = Literal["import", "upload", "feedback"]


class Annotation(Struct, frozen=True, kw_only=True):
    """A person's label of one sample, with who, when (ISO 8601, UTC) and by which way it came."""

    id: str
    sample: str
    label: str
    author: str
    source: Source
    at: str
    prediction: str | None = None
