"""The endpoint as an application that any ASGI server runs."""

from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from pathstats.endpoint.browser_link import BrowserLink
from pathstats.endpoint.direct_route import DirectRoute
from pathstats.endpoint.errors import answer_errors
from pathstats.endpoint.key_cache import KeyCache
from pathstats.endpoint.raw_path_middleware import RawPathMiddleware
from pathstats.endpoint.release_context import Releases
from pathstats.endpoint.report_routes import add_pages
from pathstats.endpoint.routes import add_routes
from schemas.home import Home

_DESCRIPTION = """Statistics of learners on path sessions, from the latest release of a run.

Each answer is from one release. `ETag` and `Last-Modified` are the release's, `Consistent-Through` is the
instant that its data are for; `If-None-Match` and `If-Modified-Since` are answered
with 304 until the next one."""
_QUERY, _HEADERS = ("company", "apiKey"), ("X-company-id", "X-apiKey")


@dataclass(frozen=True)
class Serving:
    """How a home is served.

    link:       opens the report's pages without a key, on this machine; None: each request needs a key.
    with_names: whether a session's page names its learners.
    """

    home: Home
    link: BrowserLink | None = None
    with_names: bool = False


def create_app(serving: Serving) -> FastAPI:
    """The app. It reads the home when it is asked, so there need be no release yet."""
    app = FastAPI(
        title="pathstats",
        version="1",
        description=_DESCRIPTION,
        # Their pages load scripts from outside addresses.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # It would send whole addresses, keys and e-mails with them, to where OpenTelemetry is set up for.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.router.route_class = DirectRoute
    releases, keyring = Releases(serving.home), KeyCache(serving.home)
    add_routes(app, releases, keyring)
    add_pages(app, releases, keyring, link=serving.link, with_names=serving.with_names)
    app.add_middleware(RawPathMiddleware)
    answer_errors(app)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    """FastAPI's description, plus the rule that a company needs its key: it knows alternatives only."""
    if app.openapi_schema is None:
        described = FastAPI.openapi(app)
        schemes = described.setdefault("components", {}).setdefault("securitySchemes", {})
        for place, names in (("query", _QUERY), ("header", _HEADERS)):
            schemes.update({name: {"type": "apiKey", "in": place, "name": name} for name in names})
        schemes["login"] = {"type": "http", "scheme": "basic"}
    assert app.openapi_schema is not None
    return app.openapi_schema
