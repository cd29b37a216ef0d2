"""What an operator sets is checked where it is read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from sightloop.errors import BadInput
from sightloop.settings import Settings, in_force
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


def test_a_project_may_be_given_a_runtime(make_settings: Callable[..., Settings]) -> None:
    settings = make_settings(runtimes="football=openvino-bf16, rps = openvino")
    assert settings.chosen_runtimes == {"football": "openvino-bf16", "rps": "openvino"}
    assert [settings.runtime(project) for project in ("football", "rps", "leaf")] == [
        "openvino-bf16",
        "openvino",
        "onnx",
    ]


def test_origins_are_listed_by_commas(make_settings: Callable[..., Settings]) -> None:
    assert make_settings(origins="https://Label.example, *").allowed_origins == {"https://label.example", "*"}


@pytest.mark.parametrize("given", ["label.example", "https://label.example/", "https://a b", "https://"])
def test_what_is_no_origin_is_refused(given: str, make_settings: Callable[..., Settings]) -> None:
    with pytest.raises(ValidationError, match="expected origins"):
        make_settings(origins=given)


def test_hosts_are_listed_by_commas(make_settings: Callable[..., Settings]) -> None:
    assert make_settings(hosts="Label.example, shop, *").allowed_hosts == {"label.example", "shop", "*"}


@pytest.mark.parametrize("given", ["https://label.example", "label.example:8000", ".example", "a b", "*.example"])
def test_what_is_no_host_is_refused(given: str, make_settings: Callable[..., Settings]) -> None:
    with pytest.raises(ValidationError, match="expected names"):
        make_settings(hosts=given)


@pytest.mark.parametrize("given", ["openvino", "football=", "=openvino", "football=openvino,rps"])
def test_a_runtime_for_no_project_is_refused(
    given: str, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValidationError, match="PROJECT=RUNTIME"):
        make_settings(runtimes=given)
    monkeypatch.setenv("SIGHTLOOP_RUNTIMES", given)
    with pytest.raises(BadInput, match="SIGHTLOOP_RUNTIMES cannot be used"):
        in_force()
