"""A video that was sent, how it is to be worked on, and what became of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from sightloop.errors import BadInput


class Stage(StrEnum):
    """Where a video stands. Those after `running` are ends."""

    UPLOADING = "uploading"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self in (Stage.SUCCEEDED, Stage.FAILED, Stage.CANCELLED)


class Handling(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a video is worked on.

    With `track` things are followed and have ids. The model sees every `every`-th frame; in between, boxes of things
    that are followed are interpolated, all else holds until the next. Boxes of
    a score below `least` are left out. With `trails` the way of each thing is drawn behind it for a second.
    """

    every: Annotated[int, Meta(ge=1, le=25)] = 1
    least: Annotated[float, Meta(ge=0, le=1)] = 0.0
    trails: bool = True
    track: bool = True

    @classmethod
    def of(cls, table: dict[str, Any]) -> Handling:
        """The handling in plain values. Raises BadInput."""
        try:
            return msgspec.convert(table, cls, strict=False)
        except msgspec.ValidationError as error:
            raise BadInput(f"the video cannot be handled so: {error}") from error


class Video(Struct, frozen=True, kw_only=True):
    """A video: `received` of its `size` bytes are here, `done` of about `frames` frames are worked off.

    `eta` is the seconds until the end as far as can be told, `result` says what came out, `error` why nothing did. The
    process `worker` works on it, and was last heard of at the moment `heard`.
    """

    id: str
    project: str
    name: str
    stage: Stage
    created: str
    size: int = 0
    received: int = 0
    handling: Handling = Handling()
    version: int | None = None
    done: int = 0
    frames: int = 0
    eta: float | None = None
    cancelling: bool = False
    result: dict[str, Any] = {}
    error: str | None = None
    started: str | None = None
    finished: str | None = None
    worker: str | None = None
    heard: str | None = None

    @property
    def progress(self) -> float:
        """The share that is done, 0 to 1; the number of frames is an estimate until the end."""
        if self.stage is Stage.SUCCEEDED:
            return 1.0
        return min(self.done / self.frames, 0.99) if self.frames else 0.0
