"""A client of an ASGI application in this process: requests without sockets, on an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx

from sightloop.api.front import Front

Answer = TypeVar("Answer")


class Client:
    """Sends requests to an application whose lifespan has begun; `ask` may be called from many threads at once."""

    def __init__(self, app: Front) -> None:
        self.app = app
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._events: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self._done: asyncio.Queue[str] = asyncio.Queue()
        self._life = asyncio.run_coroutine_threadsafe(self._live(), self._loop)
        assert self._tell("lifespan.startup") == "lifespan.startup.complete"
        # As a server does, errors that leave the application are answered, not raised here.
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://test", timeout=60)

    def ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        """The answer to a request."""
        return self.run(self._http.request(method, path, **content))

    def get(self, path: str, **content: Any) -> httpx.Response:
        """The answer to a GET."""
        return self.ask("GET", path, **content)

    def post(self, path: str, **content: Any) -> httpx.Response:
        """The answer to a POST."""
        return self.ask("POST", path, **content)

    def run(self, coroutine: Coroutine[Any, Any, Answer]) -> Answer:
        """What a coroutine gives, run on the application's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def stop(self) -> None:
        """End the application's lifespan and the loop."""
        self.run(self._http.aclose())
        assert self._tell("lifespan.shutdown") == "lifespan.shutdown.complete"
        self._life.result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _live(self) -> None:
        async def send(message: Any) -> None:
            await self._done.put(message["type"])

        await self.app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, self._events.get, send)

    def _tell(self, event: str) -> str:
        async def tell() -> str:
            await self._events.put({"type": event})
            return await self._done.get()

        return self.run(tell())
