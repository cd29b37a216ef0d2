"""A request's body, of bounded size: read, and taken apart where it is a form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from sightloop.errors import BadInput, TooLarge

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


CLIENT_GONE = 499
"""The status, for log and metrics, of a request whose client went away before there was an answer."""


class Gone(Exception):
    """The client went away while it was still sending; there is nobody to answer."""


@dataclass
class Part:
    """One part of a form: the field's name, the file's name where it is a file, and the bytes."""

    name: str = ""
    file: str | None = None
    data: bytearray = field(default_factory=bytearray)

    @property
    def text(self) -> str:
        """The part as text. Raises BadInput where it is none."""
        try:
            return self.data.decode()
        except UnicodeDecodeError as error:
            raise BadInput(f"the field {self.name!r} is not UTF-8 text") from error


def header(scope: Scope, name: bytes) -> str:
    """A header of the request, or an empty text."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


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


def parts(content_type: str, body: bytes, *, most: int) -> list[Part]:
    """The parts of a multipart form. Raises BadInput for what is none, and for more than `most` parts."""
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise BadInput("the form has no boundary", hint="Let your HTTP client set the Content-Type header itself.")
    form = _Form(most)
    try:
        parser = MultipartParser(boundary, form.callbacks())  # type: ignore[arg-type]
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise BadInput(f"the form cannot be read: {error}", hint="Was it sent whole?") from error
    if not form.whole:
        raise BadInput("the form is cut off", expected="a closing boundary", hint="Was it sent whole?")
    return form.parts


def named(found: Sequence[Part], *names: str) -> list[Part]:
    """The parts of these names, at least one. Raises BadInput, naming the fields that came."""
    wanted = [part for part in found if part.name in names]
    if not wanted:
        came = ", ".join(sorted({repr(part.name) for part in found})) or "no fields"
        raise BadInput(
            f"the form has no field {' or '.join(map(repr, names))}",
            expected=f"a field {' or '.join(map(repr, names))}",
            got=came,
        )
    return wanted


class _Form:
    """Collects what python-multipart finds."""

    def __init__(self, most: int) -> None:
        self.parts: list[Part] = []
        self.whole = False
        self._most = most
        self._name = bytearray()
        self._value = bytearray()

    def callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_part_data": lambda data, start, end: self.parts[-1].data.extend(data[start:end]),
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.parts) >= self._most:
            raise BadInput("the form has too many parts", expected=f"at most {self._most}")
        self.parts.append(Part())

    def _header(self) -> None:
        if self._name.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            part, file = self.parts[-1], options.get(b"filename")
            part.name = options.get(b"name", b"").decode(errors="replace")
            part.file = None if file is None else file.decode(errors="replace")
        self._name.clear()
        self._value.clear()

    def _end(self) -> None:
        self.whole = True


def _too_large(most: int, got: str) -> TooLarge:
    return TooLarge(
        "the request's body is too large",
        expected=f"at most {most:,} bytes",
        got=got,
        hint="Send fewer or smaller files at once.",
    )
