"""Answers in JSON, written by msgspec, and their description in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from starlette.responses import Response

_REFERENCE = "#/components/schemas/{name}"


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A value as a JSON answer."""
    return Response(msgspec.json.encode(value), status, headers, "application/json")


def returns(kind: Any, description: str, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI describes an answer of this kind; `schemas` must be given the kind too."""
    return {status: {"description": description, "content": {"application/json": {"schema": reference(kind)}}}}


def reference(kind: Any) -> dict[str, Any]:
    """The schema of a kind, by reference to the document's components."""
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REFERENCE)
    return schema


def schemas(kinds: Iterable[Any]) -> dict[str, Any]:
    """The components that the schemas of these kinds refer to."""
    return msgspec.json.schema_components(kinds, ref_template=_REFERENCE)[1]
