"""What the routes of one process share, and the order in which it starts and stops."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import Depends, Request

from sightloop.loop.samples.checking import Checker
from sightloop.loop.samples.queue import Queue
from sightloop.serve.delivery import Delivery
from sightloop.serve.live import Live
from sightloop.serve.predictor import Predictor
from sightloop.serve.recorder import Recorder
from sightloop.settings import Settings
from sightloop.store.blobs import Blobs
from sightloop.store.database import Database
from sightloop.telemetry import Telemetry
from sightloop.wiring import Parts, build


class Service:
    """The stores, the models in memory, and the path from a request to its answer."""

    def __init__(self, settings: Settings) -> None:
        self.parts: Parts = build(settings)
        self.telemetry = Telemetry()
        self.recorder = Recorder(self.database, self.blobs, settings, self.telemetry)
        self.live = Live(self.database, self.blobs, self.parts.recipes, settings, self.telemetry)
        self.delivery = Delivery(self.database, self.blobs, self.parts.recipes, settings)
        self.predictor = Predictor(self.live, self.recorder, self.telemetry)
        self.queue = Queue(self.database, self.blobs)
        self.checker = Checker(self.database, self.blobs)
        self.stopping = False
        self.streams = 0
        self._began = time.monotonic()

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.parts.settings

    @property
    def database(self) -> Database:
        """The database."""
        return self.parts.database

    @property
    def blobs(self) -> Blobs:
        """The blob store."""
        return self.parts.blobs

    @property
    def uptime(self) -> float:
        """Seconds since the process began to serve."""
        return time.monotonic() - self._began

    def start(self) -> None:
        """Open the models, begin to record."""
        self.recorder.start()
        self.delivery.start()
        self.live.start()

    def stop(self) -> None:
        """Record what waits, and let go of everything."""
        self.delivery.stop()
        self.live.stop()
        self.recorder.stop()
        self.parts.close()


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


Here = Annotated[Service, Depends(_service)]
"""The service, as a parameter of a route."""
