"""What the API answers instead of a page."""

from starlette.responses import JSONResponse


class Refused(Exception):
    """An answer that is no page: its status and body."""

    def __init__(self, status: int, body: dict[str, object], headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers

    def response(self) -> JSONResponse:
        return JSONResponse(self.body, self.status, self.headers)


def refused(status: int, code: str, message: str) -> Refused:
    """An error with a code of its own: 400, 403, 404, 500."""
    return Refused(status, {"error": {"code": code, "message": message}})


def invalid_token() -> Refused:
    return Refused(401, {"error": "invalid_token"})


def too_many_requests(retry_after: int | None = None) -> Refused:
    headers = None if retry_after is None else {"Retry-After": str(retry_after)}
    return Refused(429, {"error": "tooManyRequests"}, headers)
