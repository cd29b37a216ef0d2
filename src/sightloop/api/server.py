"""Serves the application with Granian."""

from __future__ import annotations

import gc
import os
import signal
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from granian import Granian
from granian.constants import Interfaces

from sightloop.api.app import create
from sightloop.lifeline import tie
from sightloop.settings import Settings
from sightloop.telemetry import SHARED_FOLDER, configure_logs

KILL_SECONDS = 30
"""How long a process may take to end its requests and record what waits, once it is asked to stop."""
_NEW_OBJECTS = 5_000
"""How many further objects have Python look for garbage: answers that wait to be recorded are many, and none of it."""


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; then end the running requests, record what waits, and return."""
    with ExitStack() as stack:
        if settings.processes > 1:
            os.environ[SHARED_FOLDER] = stack.enter_context(tempfile.TemporaryDirectory(prefix="sightloop-metrics-"))
        server = Granian(
            "sightloop.api.app",
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGI,
            workers=settings.processes,
            websockets=True,
            log_enabled=False,
            workers_kill_timeout=KILL_SECONDS,
        )
        server.serve(target_loader=partial(load, settings), wrap_loader=False)


def load(settings: Settings) -> Callable[..., Any]:
    """The application of one serving process, with its logs."""
    tie(signal.SIGTERM)  # a serving process that outlives its master would keep the port
    configure_logs(settings.log_level, settings.log_format)
    app = create(settings)
    # What is here now stays to the end: to look through all of it for garbage again and again stalls every client.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)
    return app
