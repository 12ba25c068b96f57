"""Serve prepared pages like a platform, without delay or with a fixed latency.

    python -m benchmarks.page_server PAGES LATENCY_MS PATHS

Serves PAGES pages of 500 attempts and PATHS paths with one page of enrollments per status, and prints the
port. `/peak` returns the number of requests and how many were in flight at once.
"""

import asyncio
import json
import socket
import sys
from urllib.parse import parse_qs

import uvicorn
from starlette.types import Receive, Scope, Send

PAGE_SIZE = 500
_PLACE = "PPPPPPPP"  # a placeholder in every id, replaced by the page number


def _attempt(row: int) -> dict[str, object]:
    return {
        "_id": f"{_PLACE}{row:016x}",
        "userId": f"{row % 97:024x}",
        "courseId": f"{row % 40:024x}",
        "pathSessionId": f"{row % 13:024x}",
        "progress": 100,
        "score": row % 101,
        "timeSpent": 60_000 + row,
        "firstActivityAt": "2026-03-02T09:00:00.000Z",
        "lastActivityAt": "2026-03-02T09:10:00.000Z",
        "completedAt": "2026-03-02T09:10:00.000Z",
    }


def _enrollment(row: int) -> dict[str, object]:
    return {
        "_id": f"{_PLACE}{row:016x}",
        "sessionId": f"{row % 13:024x}",
        "userId": f"{row % 97:024x}",
        "createdAt": "2026-03-01T08:00:00.000Z",
        "modifiedAt": "2026-03-01T08:00:00.000Z",
    }


def _path(number: int) -> dict[str, object]:
    step = {"_id": f"{number % 40:024x}", "type": "course", "options": {"optional": False}}
    return {"_id": f"{number:024x}", "name": f"Path {number}", "options": {}, "steps": [step]}


class Prepared:
    """The ASGI application that serves the pages."""

    def __init__(self, pages: int, latency_s: float, paths: int) -> None:
        self._pages, self._latency_s = pages, latency_s
        self._attempts = _body([_attempt(row) for row in range(PAGE_SIZE)])
        self._enrollments = _body([_enrollment(row) for row in range(PAGE_SIZE)])
        self._paths = _body([_path(number) for number in range(paths)])
        self._under_way = self._peak = 0
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, query = scope["path"], parse_qs(scope["query_string"].decode())
        if path == "/peak":
            await _respond(send, _body({"peak": self._peak, "requests": self._requests}))
            return
        self._under_way += 1
        self._requests += 1
        self._peak = max(self._peak, self._under_way)
        await asyncio.sleep(self._latency_s)
        number = int(query.get("cursor", ["0"])[0])
        await _respond(send, self._page(path, number), self._next_page(path, number))
        self._under_way -= 1

    def _page(self, path: str, number: int) -> bytes:
        if path.endswith("/token"):
            return _body({"access_token": "t", "expires_in": 3600})
        if path.endswith("/courses/stats"):
            return self._attempts.replace(_PLACE.encode(), b"%08x" % number)
        if path.endswith("/enrollments"):
            return self._enrollments.replace(_PLACE.encode(), path.split("/")[4].encode()[-8:])
        return self._paths if path.endswith("/paths") else b"[]"

    def _next_page(self, path: str, number: int) -> str | None:
        has_more = path.endswith("/courses/stats") and number + 1 < self._pages
        return f"{path}?cursor={number + 1}" if has_more else None


async def _respond(send: Send, body: bytes, next_page: str | None = None) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if next_page:
        headers.append((b"link", f'<{next_page}>; rel="next"'.encode()))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _body(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def main() -> None:
    pages, latency_ms, paths = map(int, sys.argv[1:])
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(Prepared(pages, latency_ms / 1000, paths), log_level="critical", lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
