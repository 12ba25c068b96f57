"""Serve the sandbox on a port of this machine."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from schemas.errors import UsageError

HOST = "127.0.0.1"


def listening(port: int) -> socket.socket:
    """A listening socket on the port; 0 picks a free port.

    Raises: UsageError if another program has it.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise UsageError(
            f"Port {port} can't be listened on ({error.strerror}); give another --port."
        ) from error
    return listener


def address(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Serve the application until interrupted."""
    _server(app).run(sockets=[listener])


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve the application on a free port until the end of the block; yields the address."""
    listener, server = listening(0), _server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield address(listener)
    finally:
        server.should_exit = server.force_exit = True
        thread.join()
        listener.close()


def _server(app: ASGIApp) -> uvicorn.Server:
    # Connections are cut on purpose, so nothing is logged.
    quiet: dict[str, Any] = {"log_config": None, "log_level": "critical"}
    return uvicorn.Server(uvicorn.Config(app, lifespan="off", date_header=False, **quiet))
