"""What every request and every answer goes through: who may ask, what, and what a page may do.

A page of another site can make a browser send requests here, and by DNS rebinding can do so under
a name of its own; so only the names of this machine are answered. Nothing is ever changed by a
request, and no answer may be read by another origin.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HEADERS", "Guard"]

_HOST = re.compile(r"(127\.0\.0\.1|localhost)(:\d{1,5})?")
_METHODS = ("GET", "HEAD")

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}


class Guard:
    """Around ``app``: refuses other hosts and methods, and puts ``HEADERS`` on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; there are no web sockets."""
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not served")

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await (_refusal(scope) or self._app)(scope, receive, guarded)


def _refusal(scope: Scope) -> ASGIApp | None:
    hosts = Headers(scope=scope).getlist("host")
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0].lower()):
        said = "only http://127.0.0.1 and http://localhost are served\n"
        return PlainTextResponse(said, status_code=421)
    if scope["method"] not in _METHODS:
        return PlainTextResponse(
            "this browser only reads\n", status_code=405, headers={"allow": ", ".join(_METHODS)}
        )
    return None
