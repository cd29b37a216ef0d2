"""`sightloop hands`: the models that find a hand in a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightloop.cli.output import aside, say
from sightloop.settings import in_force
from sightloop.trainers.hands.fetching import WHEEL, fetch

app = typer.Typer(no_args_is_help=True, help="Hands in pictures.")


@app.callback()
def options() -> None:
    """The models that find a hand in a picture."""


@app.command()
def install(
    wheel: Annotated[Path | None, typer.Option(help=f"The wheel of {WHEEL}, if it is here already.")] = None,
) -> None:
    """Bring MediaPipe's two models of hands (Apache-2.0) out of its wheel, which itself is not installed."""
    given = in_force()
    if wheel is None and not given.offline:
        aside().print(f"downloading {WHEEL}")
    fetch(given.hands, wheel=wheel, offline=given.offline)
    say(f"hands can be found in pictures: the models are in {given.hands}")
