"""Which names this server answers to: another one in `Host` is that of a page which had its name lead here."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from sightloop.api.body import Scope
from sightloop.errors import Forbidden
from sightloop.settings import ANY, Settings

_KEPT = 256  # verdicts, since a client may make up names


class Hosts:
    """Refuses names that are not the server's (DNS rebinding), so that no page reads here as if it came from here.

    A page can have a name of its own lead to any address, and its browser then takes this server for that page's own;
    it cannot have an address, `localhost` or a name without a dot. A server that others reach has names that it does
    not know of, so where it listens on more than loopback, names are looked at only if the settings list some.
    """

    def __init__(self, settings: Settings) -> None:
        hosts, origins = settings.allowed_hosts, settings.allowed_origins
        looking = (hosts or _is_loopback(settings.host)) and ANY not in hosts | origins
        names = hosts | {settings.host.lower()} | {urlsplit(origin).hostname or "" for origin in origins}
        self._names = names if looking else None
        self._is_ours = lru_cache(_KEPT)(self._judge)

    def check(self, scope: Scope) -> None:
        """Raise Forbidden where a request is for a name that is not the server's; one without a name is no page's."""
        if self._names is None:
            return
        for key, value in scope["headers"]:
            if key == b"host":
                if not self._is_ours(value):
                    raise _refusal(_name(value))
                return

    def _judge(self, host: bytes) -> bool:
        name = _name(host)
        dotless = not {".", ":"} & set(name)
        return dotless or name.endswith(".localhost") or name in (self._names or ()) or _address(name) is not None


def _name(host: bytes) -> str:
    """The name or address in a header, in lower case, without the port."""
    text = host.decode("latin-1").lower()
    return text[1:].partition("]")[0] if text.startswith("[") else text.partition(":")[0].rstrip(".")


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _refusal(name: str) -> Forbidden:
    return Forbidden(
        "this server is not known by that name",
        expected="an IP address, localhost, a name without a dot, or one that SIGHTLOOP_HOSTS lists",
        got=name,
        hint=f"If people reach it by that name, as through a proxy, set SIGHTLOOP_HOSTS={name}.",
    )
