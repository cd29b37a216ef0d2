"""A request's body, of bounded size."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from sightloop.errors import TooLarge

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


CLIENT_GONE = 499
"""The status, for log and metrics, of a request whose client went away before there was an answer."""


class Gone(Exception):
    """The client went away while it was still sending; there is nobody to answer."""


def header(scope: Scope, name: bytes) -> str:
    """A header of the request, or an empty text."""
    for key, value in scope["headers"]:
        if key == name:
            found: str = value.decode("latin-1")
            return found
    return ""


def limited(scope: Scope, receive: Receive, most: int) -> Receive:
    """`receive`, which raises TooLarge as soon as more than `most` bytes are announced or came."""
    announced = header(scope, b"content-length")
    if announced.isdecimal() and int(announced) > most:
        raise _too_large(most, f"{int(announced):,} bytes")
    came = 0

    async def receive_some() -> MutableMapping[str, Any]:
        nonlocal came
        message = await receive()
        came += len(message.get("body", b""))
        if came > most:
            raise _too_large(most, "more")
        return message

    return receive_some


async def read(receive: Receive) -> bytes:
    """The whole body; `receive` limits it."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _too_large(most: int, got: str) -> TooLarge:
    return TooLarge(
        "the request's body is too large",
        expected=f"at most {most:,} bytes",
        got=got,
        hint="Send fewer or smaller files at once.",
    )
