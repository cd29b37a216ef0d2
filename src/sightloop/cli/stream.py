"""`sightloop stream`: what a project says of a camera, as it happens."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from rich.text import Text

from sightloop.cli.evaluate import Version
from sightloop.cli.output import Project, aside
from sightloop.cli.screen import Lines, Window
from sightloop.cli.session import opened
from sightloop.errors import BadInput
from sightloop.serve import hands
from sightloop.serve.sight import Sight
from sightloop.serve.streams.camera import Camera
from sightloop.serve.streams.watching import with_model, with_server
from sightloop.settings import in_force
from sightloop.store import packages

Source = Annotated[str, typer.Option(help="A camera's number, a video file, or an address (http://, rtsp://).")]
Server = Annotated[str | None, typer.Option(help="The server's address; that of the settings if left out.")]


def stream(
    project: Project,
    source: Source = "0",
    headless: Annotated[bool, typer.Option("--headless", help="No window: a line of JSON for each answer.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the lines of JSON to this file; no window.")] = None,
    local: Annotated[bool, typer.Option("--local", help="Answer in this process, without a server.")] = False,
    server: Server = None,
    version: Version = None,
    record: Annotated[bool, typer.Option("--record", help="Have the server record the predictions.")] = False,
    limit: Annotated[int | None, typer.Option(help="End after so many answers.", min=1)] = None,
) -> None:
    """Answer the newest frame of a camera, a video or an address, until it ends or Ctrl-C."""
    if local and (server or record):
        raise BadInput("--local asks no server", hint="Leave out --server and --record.")
    if version is not None and not local:
        raise BadInput("a server's deployment says which version answers", hint="--version goes with --local.")
    sight = _sight(project, version) if local else None
    with Camera(source) as camera, Lines(out) if headless or out else Window(project) as screen:
        seen = with_model(camera, sight) if sight else with_server(camera, _address(server, project, record), _tell)
        with suppress(KeyboardInterrupt):
            for count, one in enumerate(seen, 1):
                screen.show(one)
                if screen.closed or count == limit:
                    break


def _sight(project: str, version: int | None) -> Sight:
    with opened() as parts:
        package = packages.load(parts.blobs, parts.version(project, version).package)
        given, folder = parts.settings, parts.settings.hands
        runtime = given.runtime(project)
        return Sight(package, runtime=runtime, threads=given.threads, hands=lambda: hands.opened(folder))


def _address(server: str | None, project: str, record: bool) -> str:
    url = (server or in_force().url).rstrip("/")
    scheme, found, rest = url.partition("://")
    if not found or scheme not in ("http", "https", "ws", "wss"):
        raise BadInput("the server's address cannot be used", expected="http://HOST:PORT", got=url)
    wanted = "wss" if scheme in ("https", "wss") else "ws"
    return f"{wanted}://{rest}/v1/{quote(project, safe='')}/stream{'?record=true' if record else ''}"


def _tell(message: str) -> None:
    aside().print(Text(message))
