"""What follows from settings."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sightloop.settings import Settings


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
