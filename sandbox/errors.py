"""Error responses of the API."""

from starlette.responses import JSONResponse


class Rejected(Exception):
    """An error response with its status, body and headers."""

    def __init__(self, status: int, body: dict[str, object], headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers

    def response(self) -> JSONResponse:
        return JSONResponse(self.body, self.status, self.headers)


def rejected(status: int, code: str, message: str) -> Rejected:
    """An error with a code and a message in its body: 400, 403, 404, 405 or 500."""
    return Rejected(status, {"error": {"code": code, "message": message}})


def invalid_token() -> Rejected:
    return Rejected(401, {"error": "invalid_token"})


def too_many_requests(retry_after: int | None = None) -> Rejected:
    headers = None if retry_after is None else {"Retry-After": str(retry_after)}
    return Rejected(429, {"error": "tooManyRequests"}, headers)
