"""What a command works with: the settings of the environment, and the parts built over them."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

from sightloop import wiring
from sightloop.errors import BadInput
from sightloop.settings import Settings
from sightloop.wiring import Parts


def settings() -> Settings:
    """The settings in force. Raises BadInput for a value that a setting cannot have."""
    try:
        return Settings()  # type: ignore[call-arg]  # all of them have defaults, from Field
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        name = name if name.startswith(("SIGHTLOOP_", "PORT")) else f"SIGHTLOOP_{name}"
        raise BadInput(f"the setting {name} cannot be used: {first['msg']}", got=str(first["input"])) from error


@contextmanager
def opened() -> Iterator[Parts]:
    """The parts, closed at the end."""
    parts = wiring.build(settings())
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
