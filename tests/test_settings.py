"""What an operator sets is checked where it is read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from sightloop.cli import session
from sightloop.errors import BadInput
from sightloop.settings import Settings


def test_a_project_may_be_given_a_runtime(make_settings: Callable[..., Settings]) -> None:
    settings = make_settings(runtimes="football=openvino-bf16, rps = openvino")
    assert settings.chosen_runtimes == {"football": "openvino-bf16", "rps": "openvino"}
    assert [settings.runtime(project) for project in ("football", "rps", "leaf")] == [
        "openvino-bf16",
        "openvino",
        "onnx",
    ]


@pytest.mark.parametrize("given", ["openvino", "football=", "=openvino", "football=openvino,rps"])
def test_a_runtime_for_no_project_is_refused(
    given: str, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValidationError, match="PROJECT=RUNTIME"):
        make_settings(runtimes=given)
    monkeypatch.setenv("SIGHTLOOP_RUNTIMES", given)
    with pytest.raises(BadInput, match="SIGHTLOOP_RUNTIMES cannot be used"):
        session.settings()
