"""A table of plain values, as TOML gives it, read as a struct; an unknown key is refused with the nearest known one."""

from __future__ import annotations

import difflib
import re
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import Struct

from sightloop.errors import BadRecipe

Kind = TypeVar("Kind", bound=Struct)


def read(table: dict[str, Any], kind: type[Kind], origin: str, inside: str = "") -> Kind:
    """The struct in a table that stands `inside` (as `train.options`) a recipe from `origin`. Raises BadRecipe."""
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise _explained(str(error), kind, origin, inside) from error


def nearest(word: str, known: tuple[str, ...]) -> str:
    """A phrase that names the known words nearest to this one, or all of them."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"not known; did you mean {near[0]!r}?" if near else f"not known; known are {', '.join(known)}"


def _explained(message: str, kind: type[Struct], origin: str, inside: str) -> BadRecipe:
    unknown = re.search(r"unknown field `(.+?)`(?: - at `\$\.?(.*?)`)?$", message)
    if not unknown:
        place = f"[{inside}]: " if inside else ""
        return BadRecipe(f"{origin}: {place}{message}", expected=_choices(message, kind))
    key, where = unknown.group(1), unknown.group(2) or ""
    full = ".".join(filter(None, (inside, where)))
    return BadRecipe(
        f"{origin}: unknown key {key!r} in {f'[{full}]' if full else 'the recipe'}",
        hint=f"It is {nearest(key, _within(kind, where).__struct_fields__)}.",
    )


def _choices(message: str, kind: type[Struct]) -> str | None:
    """What may stand where a message says that something else stands; None where that is not one of a few."""
    wrong = re.search(r"^Invalid enum value .+ - at `\$\.(.+)`$", message)
    if not wrong:
        return None
    where, _, key = wrong.group(1).rpartition(".")
    return " or ".join(repr(choice) for choice in get_args(_type(_within(kind, where), key)))


def _within(kind: type[Struct], where: str) -> type[Struct]:
    for name in filter(None, where.replace("[...]", "").split(".")):  # a table of tables is `slices[...]`
        kind = _struct_in(_type(kind, name))
    return kind


def _type(kind: type[Struct], name: str) -> Any:
    return next(field.type for field in msgspec.structs.fields(kind) if field.encode_name == name)


def _struct_in(kind: Any) -> type[Struct]:
    """The struct that a field's type is, may be, or maps names to."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        return kind
    return next(one for one in get_args(kind) if isinstance(one, type) and issubclass(one, Struct))
