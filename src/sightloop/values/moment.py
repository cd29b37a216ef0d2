"""Moments and ids: both sort by time."""

from __future__ import annotations

from datetime import UTC, datetime

import uuid_utils


def now() -> str:
    """The present moment as ISO 8601 in UTC with microseconds, so that texts sort as times."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def new_id() -> str:
    """A new UUIDv7: unique, and later ones sort after earlier ones."""
    return str(uuid_utils.uuid7())
