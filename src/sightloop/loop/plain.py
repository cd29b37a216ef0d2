"""How the durable workflow's records are written: as JSON, since what lies in a store is never unpickled."""

from __future__ import annotations

from typing import Any

import msgspec

from sightloop.errors import SightloopError


class PlainJson:
    """Plain values as JSON; an error, which no step should let through, as its sentence."""

    def serialize(self, data: Any) -> str:
        """The JSON of plain values."""
        if isinstance(data, BaseException):
            data = {"error": f"{type(data).__name__}: {data}"}
        return msgspec.json.encode(data).decode()

    def deserialize(self, serialized_data: str) -> Any:
        """The values, or the error, in the JSON."""
        data = msgspec.json.decode(serialized_data)
        if isinstance(data, dict) and set(data) == {"error"}:
            return SightloopError(data["error"])
        return data

    def name(self) -> str:
        """The format's name, under which the records are kept."""
        return "sightloop_json"
