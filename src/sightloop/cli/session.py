"""What a command works with: the settings of the environment, and the parts built over them."""

from __future__ import annotations

import getpass
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


def login() -> str:
    """The name of whoever types; "command line" where the machine knows none, as a container may not."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command line"
