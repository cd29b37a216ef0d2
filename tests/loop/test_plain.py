"""The records of the workflow are plain JSON."""

from __future__ import annotations

from sightloop.errors import Conflict, SightloopError
from sightloop.loop.plain import PlainJson


def test_plain_values_come_back_as_they_were() -> None:
    values = {"args": ["a", 1, 2.5, None, True], "kwargs": {"x": {"y": []}}}
    assert PlainJson().deserialize(PlainJson().serialize(values)) == values


def test_an_error_comes_back_as_its_sentence() -> None:
    told = PlainJson().deserialize(PlainJson().serialize(Conflict("taken", hint="Wait.")))
    assert isinstance(told, SightloopError)
    assert str(told) == "Conflict: taken. Wait."
