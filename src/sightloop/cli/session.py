"""What a command works with: the settings of the environment, and the parts built over them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sightloop import wiring
from sightloop.settings import in_force
from sightloop.wiring import Parts


@contextmanager
def opened() -> Iterator[Parts]:
    """The parts, closed at the end."""
    parts = wiring.build(in_force())
    try:
        yield parts
    finally:
        parts.close()
