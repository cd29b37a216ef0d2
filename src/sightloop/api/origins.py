"""Which web pages may change something here: the server's own, and those that the operator names."""

from __future__ import annotations

from sightloop.api.body import Scope, header
from sightloop.errors import Forbidden
from sightloop.settings import ANY

_LOOKING = frozenset({"GET", "HEAD", "OPTIONS"})


class Origins:
    """Refuses what other web pages send: a browser lets any page post to this machine, and names the page's origin."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self._allowed = allowed

    def check(self, scope: Scope) -> None:
        """Raise Forbidden where a page of another origin asks for a change or a stream; programs name no origin."""
        if scope["type"] == "http" and scope["method"] in _LOOKING:
            return
        origin = header(scope, b"origin").lower()
        if not origin or origin in self._allowed or ANY in self._allowed:
            return
        host = header(scope, b"host").lower()
        # Whatever the scheme: behind a proxy that ends TLS, the page's is another than this server's.
        if host and origin.partition("://")[2] == host:
            return
        raise Forbidden(
            "a web page of another origin may change nothing here",
            expected=f"a page of {host or 'this server'}",
            got=origin,
            hint="If the page is trusted, list its origin in SIGHTLOOP_ORIGINS.",
        )
