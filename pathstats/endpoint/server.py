"""Serve the endpoint from one process until it is stopped."""

import logging
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_address
from typing import Any

import uvicorn
from fastapi import FastAPI

from pathstats.endpoint.connection import KEPT_ALIVE_S, Connection, Connections
from schemas.errors import UsageError

_END_WITHIN_S = 10
_MOST_CONNECTIONS = 4_000
# What the process opens besides connections: indexes, pages, keys.
_OTHER_FILES = 128
_SAID_AGAIN_AFTER_S = 60


def listening(host: str, port: int) -> socket.socket:
    """A socket on which the server is to listen.

    Raises: UsageError if the address is not available.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM) if host else []
    except (socket.gaierror, UnicodeError):
        found = []
    if not found:
        raise UsageError(f"{host!r} is not an address of this machine; see --host.")
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"Port {port} on {host} is not available ({error.strerror}); choose another one with --port."
        ) from error
    return listener


def is_loopback(listener: socket.socket) -> bool:
    """Whether only this machine can reach it."""
    return ip_address(listener.getsockname()[0]).is_loopback


def address_of(listener: socket.socket) -> str:
    """The address as a client uses it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(app: FastAPI, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM; then running requests have ten seconds."""
    _log_to_stderr()
    server = uvicorn.Server(configured(app, Connections(_most_connections())))
    with _signals_end(server):
        server.run([listener])


def configured(app: Any, connections: Connections) -> uvicorn.Config:
    """How uvicorn serves an app of ours, with limits to what clients may take."""
    return uvicorn.Config(
        app,
        http=partial(Connection, connections=connections),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        # Its lines contain the whole address: e-mails and keys.
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEPT_ALIVE_S,
        timeout_graceful_shutdown=_END_WITHIN_S,
    )


def _most_connections() -> int:
    """How many connections fit the limit of open files; beyond it they fail without a log line."""
    if sys.platform == "win32":
        return _MOST_CONNECTIONS
    import resource

    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(_MOST_CONNECTIONS, files - _OTHER_FILES))


@contextmanager
def _signals_end(server: uvicorn.Server) -> Iterator[None]:
    """A signal ends the server also before uvicorn handles it, and has no effect after.

    uvicorn raises the signal that ended it once more.
    """

    def end(*_: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _WithoutWords(logging.Formatter):
    """A line per error: what kind and where. Its own words, and a traceback, may quote what was asked."""

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage().strip()
        if record.exc_info and record.exc_info[1] is not None:
            error, place = record.exc_info[1], record.exc_info[2]
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            where = f" ({place.tb_frame.f_code.co_name}, line {place.tb_lineno})" if place else ""
            text = f"{text}: {type(error).__name__}{where}"
        return f"pathstats: {text}"


class _OnceAMinute(logging.Filter):
    """Every request meets the same trouble; the log needs it once in a while."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        line, now = _WithoutWords().format(record), time.monotonic()
        if now - self._said.get(line, -_SAID_AGAIN_AFTER_S) < _SAID_AGAIN_AFTER_S:
            return False
        self._said[line] = now
        return True


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_WithoutWords())
    handler.addFilter(_OnceAMinute())
    # uvicorn warns of what clients do wrong: of no use here, and anybody could fill the log with it.
    for name, level in (("uvicorn.error", logging.ERROR), ("pathstats.endpoint", logging.WARNING)):
        log = logging.getLogger(name)
        log.setLevel(level)
        log.addHandler(handler)
        log.propagate = False
