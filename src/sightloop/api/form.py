"""A form, taken apart into its fields and files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from sightloop.errors import BadInput

# A form of one file as curl, browsers and HTTP libraries write it; any other is the parser's.
_PLAIN_TYPE = re.compile(r"multipart/form-data; *boundary=([\w.'+-]{1,70})", re.ASCII)
_PLAIN_HEAD = re.compile(
    rb'content-disposition: form-data; name="([\w.-]*)"(?:; filename="([\w .()-]*)")?'
    rb"(?:\r\ncontent-type: [\w/.+-]+)?",
    re.ASCII | re.IGNORECASE,
)


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


def parts(content_type: str, body: bytes, *, most: int) -> list[Part]:
    """The parts of a multipart form. Raises BadInput for what is none, and for more than `most` parts."""
    only = plain(content_type, body)
    return parsed(content_type, body, most=most) if only is None else [only]


def plain(content_type: str, body: bytes) -> Part | None:
    """The one part of a form of the plainest kind, as clients send one file; None for any other form.

    The parser looks at bytes in Python, which takes longer than a small model's answer.
    """
    told = _PLAIN_TYPE.fullmatch(content_type)
    if told is None:
        return None
    mark = b"--" + told[1].encode()
    end = body.find(b"\r\n" + mark)
    if not body.startswith(mark + b"\r\n") or body[end:] not in (b"\r\n" + mark + b"--\r\n", b"\r\n" + mark + b"--"):
        return None
    begin = body.find(b"\r\n\r\n", 0, end)
    head = _PLAIN_HEAD.fullmatch(body, len(mark) + 2, begin) if begin > 0 else None
    if head is None:
        return None
    name, file = head.groups()
    return Part(name.decode(), None if file is None else file.decode(), bytearray(body[begin + 4 : end]))


def parsed(content_type: str, body: bytes, *, most: int) -> list[Part]:
    """The parts of any form. Raises what `parts` raises."""
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
