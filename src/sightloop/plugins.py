"""Finds exchangeable parts by name, through entry points; sightloop's own parts come in through the same door.

A plug-in is imported when it is first asked for, so that naming `keras` in a recipe costs a server nothing.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from sightloop.errors import MissingExtra, NotFound

Kind = Literal["tasks", "trainers", "runtimes", "compute", "triggers"]


@cache
def _registered(kind: Kind) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"sightloop.{kind}")}


def names(kind: Kind) -> list[str]:
    """The names of the plug-ins of one kind, sorted."""
    return sorted(_registered(kind))


def load(kind: Kind, name: str) -> Any:
    """The plug-in of this kind and name, imported now if it was not before.

    Raises NotFound for a name that nobody registered and MissingExtra where its libraries are not installed.
    """
    point = _registered(kind).get(name)
    if point is None:
        raise NotFound(f"no plug-in {name!r} among {kind}", expected=f"one of {', '.join(names(kind))}", got=name)
    try:
        return point.load()
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"the {kind} plug-in {name!r} needs {error.name!r}, which is not installed",
            hint="Install sightloop with the extra that carries it, for example sightloop[train].",
        ) from error
