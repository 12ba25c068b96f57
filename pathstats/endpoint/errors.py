"""Render errors as `{"error": "<code>"}`, without any part of the request."""

import http
import json
import logging
from collections.abc import Mapping

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from schemas.errors import NoRelease, NotFound, PathStatsError, Unauthorized

log = logging.getLogger("pathstats.endpoint")

SECURITY_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def json_answer(body: str | bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON text as an answer."""
    return Response(body, status, {**SECURITY_HEADERS, **(headers or {})}, "application/json")


def rejection(status: int, code: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error response, not to be cached."""
    return json_answer(json.dumps({"error": code}), status, {"Cache-Control": "no-store", **(headers or {})})


def answer_errors(app: FastAPI) -> None:
    """Let every error of the app be answered here.

    404: not_found, report_not_found, and the look-up's three; 405: method_not_allowed; 401: unauthorized;
    503: no_release until a run has published, unavailable while the release or the keys can't be read;
    500: internal_error, our fault.
    """

    async def ours(_: Request, error: Exception) -> Response:
        match error:
            case NotFound():
                return rejection(error.status_code, error.code)
            case Unauthorized():
                login = {"WWW-Authenticate": 'Basic realm="pathstats", charset="UTF-8"'}
                return rejection(
                    error.status_code, error.body["error"], login if error.asks_for_login else None
                )
            case NoRelease():
                return rejection(503, "no_release", {"Retry-After": "60"})
            case _:
                log.error("%s", error)
                return rejection(503, "unavailable", {"Retry-After": "60"})

    async def frameworks(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = http.HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
        # Routes know of GET only; HEAD is asked of them as GET.
        return rejection(
            error.status_code, code, {"Allow": "GET, HEAD"} if error.status_code == 405 else None
        )

    async def malformed(_: Request, __: Exception) -> Response:
        return rejection(400, "bad_request")

    async def unexpected(_: Request, __: Exception) -> Response:
        return rejection(500, "internal_error")

    app.add_exception_handler(PathStatsError, ours)
    app.add_exception_handler(HTTPException, frameworks)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(Exception, unexpected)
