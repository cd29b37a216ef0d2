"""Moments and ids: both sort by time."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from uuid import UUID

import uuid_utils


def now() -> str:
    """The present moment as ISO 8601 in UTC with microseconds, so that texts sort as times."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def age(id: str) -> float | None:
    """How many seconds ago an id of `new_id` was made, by this machine's clock; None for what is no such id."""
    try:
        made = UUID(id)
    except ValueError:
        return None
    return time.time() - (made.int >> 80) / 1000 if made.version == 7 else None


def new_id() -> str:
    """A new UUIDv7: unique, and later ones sort after earlier ones."""
    return str(uuid_utils.uuid7())


def id_after(id: str) -> str:
    """A new id that sorts right after this one of `new_id`, whatever the clock says."""
    return str(UUID(int=UUID(id).int + 1 + secrets.randbelow(2**32)))  # by chance: others may ask at once
