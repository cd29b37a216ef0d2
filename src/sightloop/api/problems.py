"""Every error as `application/problem+json` (RFC 9457), on the fast path and on all others."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from fastapi.exceptions import RequestValidationError
from msgspec import Struct
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sightloop.errors import BadInput, Busy, NotReady, SightloopError
from sightloop.store.database import is_away, is_busy, reason

MEDIA_TYPE = "application/problem+json"

_log = structlog.get_logger()


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong: a kind, a title, the HTTP status, the story; what was expected, what came, what helps."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    expected: str | None = None
    got: str | None = None
    hint: str | None = None


def problem(error: Exception, path: str, request_id: str = "") -> Problem:
    """The problem in an error that was raised while `path` was answered."""
    # FastAPI wraps what is raised while it reads a body.
    wrapped = isinstance(error, HTTPException) and isinstance(error.__cause__, SightloopError)
    meant = error.__cause__ if wrapped else error
    if isinstance(meant, SightloopError):
        return _ours(meant, path)
    if isinstance(meant, RequestValidationError):
        return _invalid(meant, path)
    if isinstance(meant, HTTPException):
        return _of_status(meant.status_code, path)
    if meant is not None and is_away(meant):
        away = NotReady("the database does not answer", hint="Ask again; what was stored is not stored twice.")
        return _ours(away, path)
    if meant is not None and is_busy(meant):
        return _ours(Busy("too much waits for the database", hint="Ask again in a moment."), path)
    if isinstance(meant, DataError):
        # A value that one database takes and another does not, as a zero byte in a text.
        unfit = BadInput("a value cannot be stored", got=reason(meant))
        return _ours(unfit, path)
    _log.error("internal error", id=request_id, path=path, exc_info=meant)
    return Problem(
        type=_type("internal-error"),
        title=SightloopError.title,
        status=500,
        detail="The server made a mistake; it was logged.",
        instance=path,
        hint=f"Tell the operator the request's id: {request_id}." if request_id else None,
    )


def response(error: Exception, path: str, request_id: str = "") -> Response:
    """The HTTP answer to an error that was raised while `path` was answered."""
    found = problem(error, path, request_id)
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if found.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = "1"
    return Response(msgspec.json.encode(found), found.status, headers, MEDIA_TYPE)


async def handle(request: Request, error: Exception) -> Response:
    """FastAPI's handler of every kind of error."""
    return response(error, request.url.path, request.scope["state"]["request_id"])


def _type(name: str) -> str:
    return f"urn:problem-type:sightloop:{name}"


def _ours(error: SightloopError, path: str) -> Problem:
    return Problem(
        type=_type(re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower()),
        title=error.title,
        status=error.status,
        detail=error.message,
        instance=path,
        expected=error.expected,
        got=error.got,
        hint=error.hint,
    )


def _invalid(error: RequestValidationError, path: str) -> Problem:
    """The first thing that was wrong, by its place: FastAPI lists them all, a person mends one after the other."""
    first: dict[str, Any] = error.errors()[0]
    place = ".".join(str(step) for step in first["loc"])
    return Problem(
        type=_type("bad-request"),
        title="The request is not as the route wants it",
        status=422,
        detail=f"{place}: {first['msg']}",
        instance=path,
        got=repr(first.get("input"))[:200],
        hint="See /docs for what the route takes.",
    )


def _of_status(status: int, path: str) -> Problem:
    phrase = HTTPStatus(status)
    return Problem(
        type="about:blank",
        title=phrase.phrase,
        status=status,
        detail=phrase.description or phrase.phrase,
        instance=path,
        hint="See /docs for the routes that there are.",
    )
