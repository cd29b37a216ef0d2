"""A run: one turn of the loop for one project, from its trigger to the decision, with all that happened on the way."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import Struct


class Status(StrEnum):
    """Where a run stands. A refused run worked, but its model was not good enough to serve."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self not in (Status.QUEUED, Status.RUNNING)


STEPS = ("freeze", "prepare", "archive", "train", "check", "register", "roll-out")


class Run(Struct, frozen=True, kw_only=True):
    """A turn of the loop; its finished steps put what they found into `result`.

    `scheduler` begins its steps: "" is the built-in worker, anything else a program that calls `sightloop step`. The
    process `worker` works on it, and was last heard of at the moment `heard`.
    """

    id: str
    project: str
    status: Status
    trigger: str
    actor: str
    created: str
    step: str = ""
    progress: float = 0.0
    cancelling: bool = False
    parameters: dict[str, Any] = {}
    result: dict[str, Any] = {}
    error: str | None = None
    started: str | None = None
    finished: str | None = None
    scheduler: str = ""
    worker: str | None = None
    heard: str | None = None


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened in a run, in the order of `seq`: a step begun or ended, progress, a line of the log."""

    run: str
    seq: int
    at: str
    kind: str
    step: str
    message: str = ""
    data: dict[str, Any] = {}
