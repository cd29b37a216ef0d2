"""Forms: what the quick way takes, the parser would have given; the rest is the parser's."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightloop.api import form
from sightloop.errors import BadInput

HEAD = b'Content-Disposition: form-data; name="file"; filename="7.png"\r\nContent-Type: image/png'
TYPE = "multipart/form-data; boundary=b7f3"
BITS = st.sampled_from(
    [b"--b7f3", b"\r\n", b"--", b"\r\n\r\n", b"--b7f3--", b"x", b"", HEAD, b"\x00\xff", b'name="a"', b":"]
)


def sent(**content: object) -> tuple[str, bytes]:
    """A form as an HTTP library writes it."""
    request = httpx.Request("POST", "http://test", **content)  # type: ignore[arg-type]
    return request.headers["content-type"], request.read()


def whole(data: bytes, head: bytes = HEAD, end: bytes = b"\r\n--b7f3--\r\n") -> bytes:
    """A form of one part."""
    return b"--b7f3\r\n" + head + b"\r\n\r\n" + data + end


def test_a_file_as_clients_send_it_needs_no_parser() -> None:
    found = form.plain(*sent(files={"file": ("a picture.png", b"\x89PNG\r\n\r\n--", "image/png")}))
    assert found == form.Part("file", "a picture.png", bytearray(b"\x89PNG\r\n\r\n--"))
    assert form.plain(TYPE, whole(b"")) == form.Part("file", "7.png", bytearray())
    assert form.plain(TYPE, whole(b"x", end=b"\r\n--b7f3--")) == form.Part("file", "7.png", bytearray(b"x"))


@given(st.binary(max_size=60))
def test_any_bytes_come_back_either_way(data: bytes) -> None:
    kind, body = sent(files={"file": ("7.png", data)})
    assert form.plain(kind, body) == form.parsed(kind, body, most=9)[0] == form.Part("file", "7.png", bytearray(data))


@given(st.lists(BITS, max_size=12).map(b"".join))
def test_what_the_quick_way_takes_the_parser_takes_alike(body: bytes) -> None:
    for tried in (body, whole(body), b"--b7f3\r\n" + HEAD + body):
        found = form.plain(TYPE, tried)
        assert found is None or form.parsed(TYPE, tried, most=9) == [found]


@pytest.mark.parametrize(
    "head",
    [
        b'Content-Type: image/png\r\nContent-Disposition: form-data; name="file"; filename="7.png"',
        b'Content-Disposition: form-data; name=file; filename="7.png"',
        b'Content-Disposition: form-data; name="file"; filename="C:\\\\7.png"',
        b'Content-Disposition: form-data; name="file"; filename="a\\"b.png"',
        'Content-Disposition: form-data; name="file"; filename="sieb\u00e9n.png"'.encode(),
        b'X-More: 1\r\nContent-Disposition: form-data; name="file"; filename="7.png"',
    ],
)
def test_other_forms_are_left_to_the_parser(head: bytes) -> None:
    assert form.plain(TYPE, whole(b"x", head)) is None
    (found,) = form.parts(TYPE, whole(b"x", head), most=9)
    assert (found.name, bytes(found.data)) == ("file", b"x")


def test_several_parts_are_left_to_the_parser() -> None:
    kind, body = sent(files=[("files", ("a.png", b"1")), ("files", ("b.png", b"2"))], data={"label": "7"})
    assert form.plain(kind, body) is None
    assert {(one.name, bytes(one.data)) for one in form.parts(kind, body, most=9)} == {
        ("files", b"1"), ("files", b"2"), ("label", b"7"),
    }  # fmt: skip


@pytest.mark.parametrize("end", [b"", b"\r\n", b"\r\n--b7f3", b"\r\n--b7f3-"])
def test_a_form_that_is_cut_off_is_refused(end: bytes) -> None:
    with pytest.raises(BadInput, match="the form"):
        form.parts(TYPE, whole(b"x", end=end), most=9)
