"""The command `sightloop`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer
from sqlalchemy.exc import DBAPIError

from sightloop import __version__
from sightloop.cli import airflow, data, hands, ledger, models, projects, runs, step
from sightloop.cli.doctor import doctor
from sightloop.cli.evaluate import evaluate
from sightloop.cli.output import say, tell
from sightloop.cli.predict import predict
from sightloop.cli.queue import queue
from sightloop.cli.serve import serve, worker
from sightloop.cli.stream import stream
from sightloop.cli.train import retrain, train
from sightloop.cli.triggers import triggers
from sightloop.cli.up import up
from sightloop.cli.video import video
from sightloop.errors import NotReady, SightloopError
from sightloop.store.database import is_unfit, may_pass, reason
from sightloop.telemetry import configure_logs

app = typer.Typer(
    name="sightloop",
    help="The closed loop for vision models: collect, label, version, train, judge, serve, watch, retrain.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"sightloop {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The closed loop for vision models."""
    configure_logs("WARNING", "console")


_COMMANDS = (
    up,
    serve,
    worker,
    train,
    retrain,
    evaluate,
    predict,
    stream,
    video,
    queue,
    projects.projects,
    triggers,
    ledger.why,
    doctor,
)
for _command in _COMMANDS:
    app.command()(_command)
for _name, _group in {
    "data": data.app,
    "models": models.app,
    "runs": runs.app,
    "ledger": ledger.app,
    "hands": hands.app,
    "recipe": projects.app,
    "step": step.app,
    "airflow": airflow.app,
}.items():
    app.add_typer(_group, name=_name)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command. An error that sightloop raises on purpose is one sentence, and its exit code the command's."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="sightloop")
    except SightloopError as error:
        _end(error)
    except DBAPIError as error:
        if not (may_pass(error) or is_unfit(error)):
            raise
        _end(NotReady("the database does not answer any more", got=reason(error), hint="Try again when it does."))
    except OSError as error:  # a full disk, a folder that may not be written
        where = f"{error.filename}: " if error.filename else ""
        _end(NotReady(f"{where}{error.strerror or error}", hint="Look at the disk, and at who may write there."))


def _end(error: SightloopError) -> NoReturn:
    tell(error)
    sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
