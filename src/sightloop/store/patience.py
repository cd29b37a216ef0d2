"""Patience with a database that is away for a while (restarted, failed over), or locked."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sightloop.store.database import may_pass

Done = TypeVar("Done")

AWAY_SECONDS = 600.0
"""How long a database is waited for."""
_PAUSE_SECONDS = 0.5


def patiently(act: Callable[[], Done], heed: Callable[[], object]) -> Done:
    """What `act` gives, tried again while the database is away or locked, ten minutes at most.

    `heed` is called before each further try, and raises where there is no time to wait.
    """
    deadline = time.monotonic() + AWAY_SECONDS
    while True:
        try:
            return act()
        except Exception as error:
            if not may_pass(error) or time.monotonic() > deadline:
                raise
            heed()
        time.sleep(_PAUSE_SECONDS)
