"""Limits on clients: bytes, time, and the number of connections."""

import asyncio
import logging
import time
from typing import Any

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

log = logging.getLogger("pathstats.endpoint")

# Longer than clients and proxies keep a connection: else we may close one just as they use it.
KEPT_ALIVE_S = 75
_HEAD_WITHIN_S = 20
_TAKEN_WITHIN_S = 60
_LONGEST_HEAD = 64 * 1024
# A header of five bytes takes forty times as much memory.
_MOST_HEADERS = 256
_HEARS_OUT_S = 2
_HEAD_END = b"\r\n\r\n"
# Bytes parsed at once: so few that they don't contain many requests.
_PIECE = 4096


class Connections:
    """All open connections of a server, and in a second list the ones waiting for a request, oldest first."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._open: set[Connection] = set()
        self._waiting: dict[Connection, None] = {}
        self._is_watching = False

    def opened(self, connection: "Connection") -> bool:
        """Add a connection; at the limit, close the one that has waited longest for a request.

        Returns: False if all of them are being answered and none can be closed.
        """
        if not self._is_watching:
            self._is_watching = True
            self._close_overdue(connection.loop)
        if len(self._open) >= self.limit:
            log.warning(
                "%d connections are open, the most there may be: each new one closes the one that has waited "
                "longest for its request.",
                self.limit,
            )
            if not self._waiting:
                return False
            self.closed(longest := next(iter(self._waiting)))
            longest.transport.abort()
        self._open.add(connection)
        self.waits(connection)
        return True

    def closed(self, connection: "Connection") -> None:
        """Remove a connection."""
        self._open.discard(connection)
        self._waiting.pop(connection, None)

    def waits(self, connection: "Connection") -> None:
        """The connection waits for a request from now on."""
        self._waiting[connection] = None

    def answers(self, connection: "Connection") -> None:
        """The connection has its request."""
        self._waiting.pop(connection, None)

    def _close_overdue(self, loop: asyncio.AbstractEventLoop) -> None:
        now = time.monotonic()
        for connection in [it for it in self._open if it.until < now]:
            connection.transport.abort()
        loop.call_later(1, self._close_overdue, loop)


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with limits, and with our error for invalid HTTP.

    uvicorn parses pipelined requests as fast as they arrive and queues them without a limit. Here each
    connection has one request at a time; until it is answered, the client's next ones wait in the socket.

    until: when the connection is closed, unless the client makes progress; seconds of time.monotonic.
    """

    def __init__(self, *arguments: Any, connections: Connections, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._connections = connections
        self._unparsed, self._parsed = b"", 0
        self._head, self._is_in_head = 0, True
        self._error = (400, b"bad_request")
        self._is_over = self._is_paused = False
        self.until = float("inf")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _WritesOnly(transport)
        self.until = time.monotonic() + _HEAD_WITHIN_S
        if not self._connections.opened(self):
            self._answer_error(503, b"unavailable")
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        self._unparsed, self._parsed = self._unparsed[self._parsed :] + data, 0
        self._parse()

    def _parse(self) -> None:
        """Parse up to the next request, and stop reading from the client while there is more."""
        while not self._is_answering() and self._parsed < len(self._unparsed) and not self._is_over:
            start = self._parsed
            end = self._unparsed.find(_HEAD_END, start, start + _PIECE)
            self._parsed = start + _PIECE if end < 0 else end + len(_HEAD_END)
            super().data_received(self._unparsed[start : self._parsed])
        if self._is_over or self._parsed >= len(self._unparsed):
            self._unparsed, self._parsed = b"", 0
        if self._is_paused != bool(self._unparsed) and not self.transport.is_closing():
            self._is_paused = not self._is_paused
            (self.transport.pause_reading if self._is_paused else self.transport.resume_reading)()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head, self._is_in_head = 0, True
        self.until = time.monotonic() + _HEAD_WITHIN_S

    def on_url(self, url: bytes) -> None:
        self._count(url, (414, b"uri_too_long"))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a field of the head; trailers, which follow a body, have no effect: no proxy checks them."""
        self._count(name + value, (431, b"request_header_fields_too_large"))
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._is_in_head = False
        self.until = float("inf")
        self._connections.answers(self)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_in_head = True

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_answering():
            return
        self.until = time.monotonic() + KEPT_ALIVE_S
        if not self.transport.is_closing():
            self._connections.waits(self)
            self._parse()

    def pause_writing(self) -> None:
        """The client reads more slowly than the app writes; it has a minute to catch up."""
        super().pause_writing()
        self.until = time.monotonic() + _TAKEN_WITHIN_S

    def resume_writing(self) -> None:
        super().resume_writing()
        self.until = float("inf") if self._is_answering() else time.monotonic() + KEPT_ALIVE_S

    def send_400_response(self, _: str) -> None:
        if not self._is_in_head:
            # The request is answered already: the fault is in its body or trailers.
            self._is_over = True
            self.transport.close()
            return
        self._answer_error(*self._error)
        # Closed at once, while more is coming, the connection would be reset and the answer lost.
        self.transport.write_eof()
        self.loop.call_later(_HEARS_OUT_S, self.transport.close)

    def _answer_error(self, status: int, code: bytes) -> None:
        self._is_over = True
        body = b'{"error": "%s"}' % code
        self.transport.write(
            STATUS_LINE[status] + b"content-type: application/json\r\ncache-control: no-store\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (len(body), body)
        )

    def _count(self, part: bytes, error: tuple[int, bytes]) -> None:
        self._head += len(part)
        if self._head > _LONGEST_HEAD or len(self.headers) >= _MOST_HEADERS:
            self._error = error
            raise httptools.HttpParserError


class _WritesOnly(FlowControl):
    """Lets the app wait for a slow client; reading is paused by the connection alone."""

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...
