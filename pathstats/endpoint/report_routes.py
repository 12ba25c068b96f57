"""Routes of the report's pages: with a key, or by the link of `serve`."""

import html
from urllib.parse import quote

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pathstats.endpoint.authentication import NOBODYS, in_headers, in_login, in_query, query_of
from pathstats.endpoint.browser_link import BrowserLink
from pathstats.endpoint.errors import SECURITY_HEADERS, rejection
from pathstats.endpoint.key_cache import KeyCache
from pathstats.endpoint.openapi import COMPANY_MISSING, SECURITY, responses, responses_made_anew
from pathstats.endpoint.release_context import Releases
from pathstats.endpoint.report_pages import company_page, session_page
from pathstats.endpoint.routes import SessionId
from schemas.errors import Unauthorized

# A page contains all that it needs and loads nothing.
_CONTENT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HTML_HEADERS = {**SECURITY_HEADERS, "Content-Security-Policy": _CONTENT_POLICY}
_NOT_KEPT = {**SECURITY_HEADERS, "Cache-Control": "no-store"}
_PAGE = {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}}


def add_pages(
    app: FastAPI, releases: Releases, keyring: KeyCache, *, link: BrowserLink | None, with_names: bool
) -> None:
    """The report's page and the pages of its sessions.

    link: opens them without a key; None: each request needs a key.
    """
    secured = {"security": [*SECURITY, {"login": []}]}

    @app.get(
        "/",
        summary="The report",
        responses=responses(_PAGE, "`report_not_found`"),
        openapi_extra=secured,
        response_class=Response,
    )
    async def report(request: Request) -> Response:
        if link is not None and link.is_opened_by(request):
            return RedirectResponse("/", 303, {**_NOT_KEPT, "Set-Cookie": link.set_cookie()})
        company_id = _company(request, keyring, link)
        pinned = releases.pin()
        if company_id is None:
            companies = pinned.open.companies()
            if len(companies) > 1:
                return HTMLResponse(_choice(companies), headers={**_HTML_HEADERS, **pinned.headers})
            # A release without companies has one page.
            company_id = companies[0] if companies else ""
        pinned, page = await run_in_threadpool(
            releases.read_in, pinned, lambda it: company_page(it.open, company_id)
        )
        if pinned.is_known_to(request):
            return Response(None, 304, pinned.headers)
        return HTMLResponse(page, headers={**_HTML_HEADERS, **pinned.headers})

    @app.get(
        "/report/sessions/{sessionId}",
        summary="The page of a session",
        responses=responses_made_anew(_PAGE, "`path_session_not_found`") | {400: COMPANY_MISSING},
        openapi_extra=secured,
        response_class=Response,
    )
    async def session(request: Request, session_id: SessionId) -> Response:
        given = _company(request, keyring, link)
        pinned = releases.pin()
        companies = [given] if given else pinned.open.companies(limit=2)
        if len(companies) > 1:
            return rejection(400, "company_missing")
        company_id = companies[0] if companies else ""
        pinned.open.check_session(company_id, session_id)
        pinned, page = await run_in_threadpool(
            releases.read_in,
            pinned,
            lambda it: session_page(it.open.release.folder, company_id, session_id, with_names=with_names),
        )
        return HTMLResponse(page, headers={**_HTML_HEADERS, **pinned.headers_of_what_is_made})


def _company(request: Request, keyring: KeyCache, link: BrowserLink | None) -> str | None:
    """Whose pages may be shown; null if anybody's.

    Raises: Unauthorized.
    """
    query, login = query_of(request), in_login(request)
    # A company alone, in a page's address, only selects the page.
    has_pair = "apiKey" in query or in_headers(request) is not None
    if not has_pair and login is None and link is not None and link.was_opened_by(request):
        return query.get("company", [None])[0]
    given = (in_query(request) or in_headers(request)) if has_pair else login
    company_id, key = given or NOBODYS
    if not keyring.opens(company_id, key):
        raise Unauthorized(asks_for_login=True)
    return company_id


def _choice(companies: list[str]) -> str:
    links = "".join(
        f'<li><a href="/?company={quote(company_id, safe="")}">{html.escape(company_id)}</a></li>'
        for company_id in companies
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        '<meta name="viewport" content="width=device-width"><title>pathstats</title>'
        f'<body style="font-family: system-ui"><h1>Companies</h1><ul>{links}</ul></html>'
    )
