"""`sightloop serve` and `sightloop worker`: the two processes that stay."""

from __future__ import annotations

import signal
import socket
from importlib import import_module
from typing import Annotated

import typer

from sightloop.cli.output import aside
from sightloop.cli.session import opened
from sightloop.errors import Conflict, MissingExtra
from sightloop.settings import in_force
from sightloop.telemetry import configure_logs
from sightloop.worker import Worker

Host = Annotated[str | None, typer.Option(help="The address to bind to, in place of SIGHTLOOP_HOST.")]
Port = Annotated[int | None, typer.Option(help="The port, in place of SIGHTLOOP_PORT.", min=0, max=65535)]


def serve(host: Host = None, port: Port = None) -> None:
    """Answer requests over HTTP until stopped."""
    given = {name: value for name, value in {"host": host, "port": port}.items() if value is not None}
    try:
        # By name: the server's libraries are an extra that a machine for training goes without.
        server = import_module("sightloop.api.server")
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"serving needs {error.name!r}, which is not installed", hint="Install `sightloop[serve]`."
        ) from error
    chosen = in_force().model_copy(update=given)
    refuse_taken(chosen.host, chosen.port)
    server.run(chosen)


def refuse_taken(host: str, port: int) -> None:
    """Raise Conflict where another process listens: the server itself would share the port with it without a word."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Conflict(
                f"cannot listen on {host}:{port}: {error.strerror}", hint="Set SIGHTLOOP_PORT to another port."
            ) from error


def worker() -> None:
    """Look at the triggers and work off runs until stopped; a run that was killed half way is gone on with."""
    configure_logs(in_force().log_level, in_force().log_format)
    with opened() as parts, Worker(parts) as working:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: working.stop())
        aside().print(f"working on {parts.settings.home}")
        working.run()
