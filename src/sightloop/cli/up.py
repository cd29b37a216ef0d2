"""`sightloop up`: everything on one machine: a first model, the API, the worker."""

from __future__ import annotations

import signal
import time
from types import FrameType

import httpx

from sightloop.cli.bringing import bring_first
from sightloop.cli.keeping import Kept
from sightloop.cli.output import aside, say
from sightloop.cli.serve import refuse_taken
from sightloop.cli.session import opened
from sightloop.cli.train import summarise, work
from sightloop.errors import NotReady, SightloopError
from sightloop.settings import Settings
from sightloop.store import deployments, runs
from sightloop.values.run import Status
from sightloop.wiring import Parts

_LOOK_SECONDS = 0.2
_START_SECONDS = 60.0


def up() -> None:
    """Train a first model if there is none, then serve and work until Ctrl-C.

    The API and the worker are processes of their own; one that dies is started again.
    """
    with opened() as parts:
        settings = parts.settings
        refuse_taken(settings.host, settings.port)  # before a minute of training, and not after
        _prepare(parts)
    kept = [Kept(("serve",)), Kept(("worker",))]
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        for one in kept:
            one.start()
        _await(settings, kept[0])
        _greet(settings)
        while True:
            for told in filter(None, [one.revive() for one in kept]):
                aside().print(told)
            time.sleep(_LOOK_SECONDS)
    except KeyboardInterrupt:
        aside().print("stopping")
    finally:
        for one in kept:
            one.end()
        signal.signal(signal.SIGTERM, previous)


def _prepare(parts: Parts) -> None:
    """Train the default project's first model; a run that was cut off is left to the worker."""
    recipe = parts.recipe(parts.settings.default_project)
    with parts.database.read() as connection:
        last = runs.last(connection, recipe.name)
        if deployments.current(connection, recipe.name) is not None or (last and not last.status.ended):
            return
    bring_first(parts, recipe)
    first = recipe.train.first.epochs
    run = work(parts, recipe.name, {} if first is None else {"epochs": first})
    if run.status is Status.FAILED:
        raise SightloopError(f"the first training of {recipe.name} failed: {run.error}")
    if "version" in run.result:
        summarise(run)


def _await(settings: Settings, server: Kept) -> None:
    """Return when the API answers. Raises NotReady where it died, or is not there after a minute."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        code = server.died()
        if code is not None:
            raise NotReady(f"the API ended at once with exit code {code}", hint="What it said stands above.")
        try:
            httpx.get(f"{settings.url}/health", timeout=1.0)
        except httpx.HTTPError:
            time.sleep(_LOOK_SECONDS)
        else:
            return
    raise NotReady(f"the API does not answer at {settings.url}")


def _greet(settings: Settings) -> None:
    url = settings.url
    say(f"sightloop is up: {url}  (its documentation: {url}/docs, metrics: {url}/metrics)")
    say(f"try: curl -F file=@docs/digit.png {url}/predict")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
