"""Pages for a browser: each is one file that fetches nothing, and lets only its own script and style through."""

from __future__ import annotations

import secrets
from html import escape
from importlib import resources
from string import Template

from starlette.responses import Response

_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def answer(name: str, camera: bool = False, **values: str) -> Response:
    """The page of `NAME.html` and `NAME.js` with these values in it, escaped; `camera` if it may ask for one."""
    nonce = secrets.token_urlsafe(16)
    headers = {
        "content-security-policy": _POLICY.format(nonce=nonce),
        "permissions-policy": f"camera={'(self)' if camera else '()'}, microphone=()",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }
    escaped = {key: escape(value) for key, value in values.items()}
    page = Template(_read(f"{name}.html"))
    content = page.substitute(
        escaped, nonce=nonce, style=_read("page.css"), script=_read("boxes.js") + _read(f"{name}.js")
    )
    return Response(content, headers=headers, media_type="text/html")


def _read(file: str) -> str:
    return resources.files("sightloop.api").joinpath(file).read_text(encoding="utf-8")
