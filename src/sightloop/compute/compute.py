"""The interface of a place where heavy work runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

Listener = Callable[[dict[str, Any]], None]
"""Called for each progress event of the work: a dictionary of plain values."""


class Compute(Protocol):
    """Runs a function of ours where there is room for it."""

    def run(
        self,
        function: str,
        payload: dict[str, Any],
        *,
        environment: Mapping[str, str],
        listener: Listener,
        cancelled: Callable[[], bool],
    ) -> dict[str, Any]:
        """What `function` ("package.module:name") returns for `payload`.

        It is called as `function(payload, report)` where the variables in `environment` are set, those of the settings
        that it works under; a `report(**event)` in it reaches `listener`. All values are plain (JSON). Raises what the
        function raised if that was a SightloopError, Cancelled as soon as `cancelled()` is true, and SightloopError
        with the end of its output when the work died.
        """
        ...
