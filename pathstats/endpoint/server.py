"""Serving the endpoint from one process until it is told to end."""

import logging
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import httptools
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from schemas.errors import UsageError

_LONGEST_HEAD = 64 * 1024
_END_WITHIN_S = 10
_KEPT_ALIVE_S = 75
_HEARS_OUT_S = 2
_SAID_AGAIN_AFTER_S = 60


def listening(host: str, port: int) -> socket.socket:
    """A socket on which the server is to listen.

    Raises: UsageError if the address can't be had.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM) if host else []
    except (socket.gaierror, UnicodeError):
        found = []
    if not found:
        raise UsageError(f"{host!r} is no address of this machine; see --host.")
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"Port {port} on {host} can't be had ({error.strerror}); choose another one with --port."
        ) from error
    return listener


def is_loopback(listener: socket.socket) -> bool:
    """Whether only this machine can reach it."""
    return ip_address(listener.getsockname()[0]).is_loopback


def address_of(listener: socket.socket) -> str:
    """As a client is told it."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(app: FastAPI, listener: socket.socket) -> None:
    """Answer until told to end by SIGINT or SIGTERM; then requests that were begun have ten seconds."""
    _log_to_stderr()
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        # Its lines hold the whole address: e-mails and keys.
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        # Longer than clients and proxies keep a connection: else we may close one just as they use it.
        timeout_keep_alive=_KEPT_ALIVE_S,
        timeout_graceful_shutdown=_END_WITHIN_S,
    )
    with _signals_only_end_it():
        uvicorn.Server(config).run([listener])


@contextmanager
def _signals_only_end_it() -> Iterator[None]:
    """uvicorn raises the signal that ended it once more, when all is done: to nobody."""
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: None) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _WithoutWords(logging.Formatter):
    """A line per error: what kind and where. Its own words, and a traceback, may quote what was asked."""

    def format(self, record: logging.LogRecord) -> str:
        said = record.getMessage().strip()
        if record.exc_info and record.exc_info[1] is not None:
            error, place = record.exc_info[1], record.exc_info[2]
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            where = f" ({place.tb_frame.f_code.co_name}, line {place.tb_lineno})" if place else ""
            said = f"{said}: {type(error).__name__}{where}"
        return f"pathstats: {said}"


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
    for name in ("uvicorn.error", "pathstats.endpoint"):
        log = logging.getLogger(name)
        # uvicorn warns of what clients do wrong: of no use here, and anybody could fill the log with it.
        log.setLevel(logging.ERROR)
        log.addHandler(handler)
        log.propagate = False


class _Protocol(HttpToolsProtocol):
    """uvicorn's, with our error for what is no HTTP, and a limit to how much of a request it keeps."""

    _refused_with = (400, b"bad_request")
    _is_refused = False

    def data_received(self, data: bytes) -> None:
        if not self._is_refused:
            super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0

    def on_url(self, url: bytes) -> None:
        self._count(url, (414, b"uri_too_long"))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(name + value, (431, b"request_header_fields_too_large"))
        super().on_header(name, value)

    def send_400_response(self, _: str) -> None:
        status, code = self._refused_with
        body = b'{"error": "%s"}' % code
        self.transport.write(
            STATUS_LINE[status] + b"content-type: application/json\r\ncache-control: no-store\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (len(body), body)
        )
        # Closed at once, while more is coming, the connection would be reset and the answer lost.
        self._is_refused = True
        self.transport.write_eof()
        self.loop.call_later(_HEARS_OUT_S, self.transport.close)

    def _count(self, part: bytes, refusal: tuple[int, bytes]) -> None:
        self._head += len(part)
        if self._head > _LONGEST_HEAD:
            self._refused_with = refusal
            raise httptools.HttpParserError
