"""The process of our own Prefect server, for programs only, never for a browser."""

import ctypes
import os
import signal
import socket
import sys

import uvicorn
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


class ForPrograms:
    """An app that answers no browser, and no request by another name than its own address.

    A browser sends Origin or Sec-Fetch-Site with every request to loopback. A web page whose own name points
    here (DNS rebinding) sends that name as the host.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app = app
        self._host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            headers = Headers(scope=scope)
            is_browser = "origin" in headers or "sec-fetch-site" in headers
            if is_browser or headers.getlist("host") != [self._host]:
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1008})
                else:
                    await Response(status_code=403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def main(parent: int, descriptor: int, kind: str) -> None:
    """Serve on the listener of this descriptor until stopped, or until the parent process ends."""
    _end_with(parent)
    from prefect.server.api.server import create_app

    listener = socket.socket(fileno=descriptor)
    host, port = listener.getsockname()
    app = ForPrograms(create_app(final=True, ephemeral=kind == "temporary"), f"{host}:{port}")
    uvicorn.Server(uvicorn.Config(app, timeout_graceful_shutdown=5)).run([listener])


def _end_with(parent: int) -> None:
    """Let the system end this process with its parent, even if that is killed (Linux)."""
    if sys.platform == "linux":
        set_death_signal = 1  # PR_SET_PDEATHSIG
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit()  # It had ended before.


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
