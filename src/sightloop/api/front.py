"""The first to see a request: numbers, times and logs every one, answers the predict routes, hands on the rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from sightloop.api import body, predict, problems, videos
from sightloop.api.body import Gone, Receive, Scope
from sightloop.api.hosts import Hosts
from sightloop.api.origins import Origins
from sightloop.api.service import Service
from sightloop.errors import Forbidden
from sightloop.values.moment import new_id

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_REQUEST_ID = b"x-request-id"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_log = structlog.get_logger()


class Front:
    """The ASGI application: predict routes here, everything else in `app`."""

    def __init__(self, app: FastAPI, service: Service) -> None:
        self._app = app
        self._service = service
        self._hosts = Hosts(service.settings)
        self._origins = Origins(service.settings.allowed_origins)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document of all routes."""
        return self._app.openapi()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on the lifespan."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan" or await self._admits(scope, receive, send):
                await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = new_id()
        if predict.matches(scope["path"]):
            route, status = await self._predict(scope, receive, send, request_id)
        else:
            route, status = await self._pass_on(scope, receive, send, request_id)
        self._tell(scope, route, status, request_id, time.perf_counter() - began)

    async def _admits(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Whether a WebSocket may be opened; one that may not is closed unopened, which its client sees as 403."""
        try:
            self._hosts.check(scope)
            self._origins.check(scope)
        except Forbidden as error:
            _log.warning("stream refused", path=scope["path"], reason=str(error))
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return False
        return True

    async def _predict(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> tuple[str, int]:
        route = "/predict" if scope["path"] == "/predict" else "/v1/{project}/predict"
        try:
            self._hosts.check(scope)
            if scope["method"] != "POST":
                raise HTTPException(405, headers={"allow": "POST"})
            self._origins.check(scope)
            kind, content = await predict.respond(self._service, scope, receive)
        except Gone:
            return route, body.CLIENT_GONE
        except Exception as error:  # every error becomes an answer
            return route, await _refuse(error, scope, receive, send, request_id)
        headers = [
            (b"content-type", kind),
            (b"content-length", b"%d" % len(content)),
            (_REQUEST_ID, request_id.encode()),
        ]
        # Who was answered in the same batch comes as far first: the answers go out one right after another and wake the
        # server's thread for HTTP once; between the making of two, each would wake it anew.
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})
        return route, 200

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> tuple[str, int]:
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def send_on(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (_REQUEST_ID, request_id.encode())]
            await send(message)

        settings = self._service.settings
        film = videos.matches(scope["method"], scope["path"])
        most = settings.max_video_bytes if film else settings.max_request_bytes
        try:
            self._hosts.check(scope)
            self._origins.check(scope)
            await self._app(scope, body.limited(scope, receive, most), send_on)
        except Exception as error:  # what no handler answered; one that did has raised it again
            if not status:
                await _refuse(error, scope, receive, send_on, "")
        return getattr(scope.get("route"), "path", "other"), status

    def _tell(self, scope: Scope, route: str, status: int, request_id: str, seconds: float) -> None:
        # A client may make up methods; each would be a time series of its own.
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._service.telemetry.requests(route, method, status).observe(seconds)
        _log.info(
            "request",
            id=request_id,
            method=method,
            path=scope["path"],
            status=status,
            ms=round(seconds * 1000, 3),
        )


async def _refuse(error: Exception, scope: Scope, receive: Receive, send: Send, request_id: str) -> int:
    response = problems.response(error, scope["path"], request_id)
    if request_id:
        response.headers["x-request-id"] = request_id
    await response(scope, receive, send)
    return response.status_code
