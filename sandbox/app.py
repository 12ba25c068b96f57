"""Serve the API over HTTP."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from time import monotonic
from urllib.parse import parse_qsl

import polars as pl
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.errors import Rejected, invalid_token, rejected, too_many_requests
from sandbox.fault_injection import AGAIN, FAULTS, Faults, Misbehavior, moved
from sandbox.list_queries import ListQuery
from sandbox.lists import Document, Listed
from sandbox.oauth import Clients
from sandbox.platform import Platform
from schemas.errors import UsageError

_VERSION = "v2.0"
# GET requests per second.
LIMIT = 50


class Sandbox:
    """Serves a platform.

    limit:       GET requests answered per second; 0 is unlimited.
    platform_at: returns the platform as of another time; None if the time can't change.
    """

    def __init__(
        self,
        platform: Platform,
        clients: Clients | None = None,
        misbehavior: Misbehavior | None = None,
        limit: int = LIMIT,
        platform_at: Callable[[datetime], Platform] | None = None,
    ) -> None:
        self.platform, self.clients = platform, clients or Clients()
        self._limit, self._platform_at = limit, platform_at
        self._answered_at: deque[float] = deque()
        self.misbehave(misbehavior or Misbehavior())

    def misbehave(self, misbehavior: Misbehavior) -> None:
        """Inject these faults from now on."""
        self._faults = Faults(misbehavior)

    def become(self, platform: Platform) -> None:
        """Replace the platform by a later one; rows that differ count as edited at the later time."""
        self.platform = platform.after(self.platform)

    def app(self) -> ASGIApp:
        return self._dated(
            Starlette(
                routes=[
                    Route("/api/v2/oauth2/token", self._token, methods=["POST"]),
                    Route("/api/v2/{route:path}", self._page, methods=["GET"]),
                    Route("/sandbox/as-of", self._as_of, methods=["POST"]),
                    Route("/sandbox/misbehave", self._misbehave, methods=["POST"]),
                ],
                exception_handlers={404: _not_found, 405: _not_allowed},
            )
        )

    def _dated(self, app: ASGIApp) -> ASGIApp:
        """Set the Date header of every response to the platform's time instead of the machine's."""

        async def dated(scope: Scope, receive: Receive, send: Send) -> None:
            async def with_date(message: Message) -> None:
                if message["type"] == "http.response.start":
                    date = format_datetime(self.platform.now, usegmt=True).encode()
                    message["headers"] = [*message["headers"], (b"date", date)]
                await send(message)

            await app(scope, receive, with_date)

        return dated

    async def _as_of(self, request: Request) -> Response:
        """Move on to a later time. Not part of the API."""
        try:
            moment = datetime.fromisoformat((await request.body()).decode())
            if moment.tzinfo is None:
                raise ValueError
            moment = moment.astimezone(UTC)
        except (ValueError, OverflowError):
            return Response("Send a time with its zone: 2026-03-10T00:00:00Z.\n", 400)
        if self._platform_at is None:
            return Response("The time of this platform is fixed.\n", 400)
        self.become(await run_in_threadpool(self._platform_at, moment))
        return Response(f"It is {moment.isoformat()} now.\n")

    async def _misbehave(self, request: Request) -> Response:
        """Change the injected faults. Not part of the API."""
        try:
            self.misbehave(Misbehavior.of((await request.body()).decode().strip()))
        except (UsageError, UnicodeDecodeError) as error:
            return Response(f"{error}\n", 400)
        return Response("From now on.\n")

    async def _token(self, request: Request) -> Response:
        try:
            return JSONResponse(self.clients.token(json.loads(await request.body())))
        except Rejected as error:
            return error.response()
        except (ValueError, RecursionError):
            return Rejected(400, {"error": "invalid_request"}).response()

    async def _page(self, request: Request) -> Response:
        try:
            resource = f"{request.url.path}?{request.url.query}"
            fault = request.headers.get("x-sandbox-misbehave") or self._faults.next(resource)
            self._fail(fault, request)
            self._count()
            route = request.path_params["route"]
            listed = self.platform.list_at(route)
            self.clients.admit(request.headers.get("authorization"), listed.endpoint.scope)
            if request.headers.get("360-api-version") != _VERSION:
                raise rejected(400, "invalidApiVersion", f"The header 360-api-version must be {_VERSION}.")
            query = ListQuery.of(parse_qsl(request.url.query, keep_blank_values=True))
            documents, next_cursor = await run_in_threadpool(self._rows, listed, query)
            link = (
                f'<{request.url.replace(query=f"next={next_cursor}")}>; rel="next"' if next_cursor else None
            )
            content = documents[0] if listed.endpoint.is_one else documents
            body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
            return _Page(body, link, fault, self._faults.misbehavior.pause_s)
        except Rejected as error:
            return error.response()

    def _fail(self, fault: str | None, request: Request) -> None:
        if fault == "busy":
            raise too_many_requests(self._faults.misbehavior.retry_after_s)
        if fault == "error":
            raise rejected(500, "internalServerError", "Something went wrong.")
        if fault == "expire" and self.clients.revoke(request.headers.get("authorization")):
            raise invalid_token()
        if fault and fault not in FAULTS:
            raise rejected(400, "invalidParameter", f"Fault {fault} is unknown.")

    def _count(self) -> None:
        """Enforce the company's rate limit over the last second."""
        now = monotonic()
        while self._answered_at and self._answered_at[0] <= now - 1:
            self._answered_at.popleft()
        if self._limit and len(self._answered_at) >= self._limit:
            raise too_many_requests()
        self._answered_at.append(now)

    def _rows(self, listed: Listed, query: ListQuery) -> tuple[list[Document], str | None]:
        """The page's documents, and the cursor of the next page or None."""
        misbehavior = self._faults.misbehavior
        if misbehavior.moving and not listed.endpoint.is_one:
            listed = replace(listed, rows=moved(listed.rows, misbehavior.moving, misbehavior.seed))
        rows = query.rows(listed)
        start, end = query.offset, query.offset + listed.endpoint.page_size
        if AGAIN in rows.columns:
            in_place = rows.filter(~pl.col(AGAIN)).height
            start = start - 1 if 0 < start < in_place else start
            end = min(start + listed.endpoint.page_size, in_place if start < in_place else rows.height)
        cursor = query.cursor(end) if end < rows.height else None
        return listed.documents(rows.slice(start, end - start)), cursor


def _not_found(request: Request, error: Exception) -> Response:
    return rejected(404, "notFound", "There is no such resource.").response()


def _not_allowed(request: Request, error: Exception) -> Response:
    return rejected(405, "methodNotAllowed", f"{request.method} is not allowed here.").response()


class _Page(Response):
    """A page that is sent completely, cut off in the middle, or sent with a pause in the middle."""

    media_type = "application/json"

    def __init__(self, body: bytes, link: str | None, fault: str | None, pause_s: float) -> None:
        super().__init__(body, headers={"Link": link} if link else None)
        self._fault, self._pause_s = fault, pause_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._fault not in ("cut", "slow"):
            await super().__call__(scope, receive, send)
            return
        half = len(self.body) // 2
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": bytes(self.body[:half]), "more_body": True})
        if self._fault == "cut":
            # The response is incomplete, so the server closes the connection.
            return
        await asyncio.sleep(self._pause_s)
        await send({"type": "http.response.body", "body": bytes(self.body[half:])})
