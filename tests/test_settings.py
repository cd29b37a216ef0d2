"""What follows from settings."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from sightloop.settings import Settings
from sightloop.values.image import MAX_PIXELS


def test_no_picture_may_be_larger_than_what_is_stored_can_be_read(make_settings: Callable[..., Settings]) -> None:
    assert make_settings(max_image_pixels=MAX_PIXELS).max_image_pixels == MAX_PIXELS
    with pytest.raises(ValidationError):
        make_settings(max_image_pixels=MAX_PIXELS + 1)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8765"),
        ("0.0.0.0", "http://127.0.0.1:8765"),
        ("::", "http://127.0.0.1:8765"),
        ("::1", "http://[::1]:8765"),
        ("loop.example", "http://loop.example:8765"),
    ],
)
def test_the_api_is_reached_where_it_listens(make_settings: Callable[..., Settings], host: str, url: str) -> None:
    assert make_settings(host=host, port=8765).url == url
