"""Routes that FastAPI documents but does not wrap."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import request_response


class DirectRoute(APIRoute):
    """Calls its endpoint with the request and the segments of its path, and answers with what that returns.

    FastAPI's own way there, which validates and serialises, takes four times as long as a look-up; here every
    text is valid, and the answers lie finished in the release.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.app = request_response(self.get_route_handler())

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        endpoint: Callable[..., Awaitable[Response]] = self.dependant.call  # type: ignore[assignment]
        names = {parameter.alias: parameter.name for parameter in self.dependant.path_params}

        async def answer(request: Request) -> Response:
            return await endpoint(
                request, **{names[alias]: decoded(text) for alias, text in request.path_params.items()}
            )

        return answer


def decoded(segment: str) -> str:
    """A segment of the path as text. Bytes that are not UTF-8 become a text that no index contains.

    >>> decoded("ada%2Blovelace+1%40example.org"), decoded("%FF")
    ('ada+lovelace+1@example.org', '\\udcff')
    """
    return unquote(segment, errors="surrogateescape")
