"""Split request paths before decoding them, and answer HEAD like GET."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class RawPathMiddleware:
    """Routes by the path as received.

    Servers decode a path as a whole: an id with an encoded slash would be two segments, and bytes that are no
    UTF-8 would become a character that is. The server leaves out the body of the answer to a HEAD.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            is_head = scope["method"] == "HEAD"
            path = scope["raw_path"].decode("latin-1")
            scope = {
                **scope,
                "path": path,
                "method": "GET" if is_head else scope["method"],
                "is_head": is_head,
            }
        await self._app(scope, receive, send)
