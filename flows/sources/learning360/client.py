"""Send requests to the platform: rate-limited, with a valid token, with retries where they may help."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import stamina
from aiolimiter import AsyncLimiter

from flows.sources.learning360.http_errors import TOKEN, Host
from flows.sources.learning360.resources import ListRequest
from flows.sources.learning360.retries import ATTEMPTS, FIRST_TIMEOUT, LONGEST_PAUSE_S, Patience
from flows.sources.learning360.settings import Settings
from flows.sources.learning360.token import Token, Tokens
from schemas.errors import RateLimited

VERSION = {"360-api-version": "v2.0"}
# Enough connections for 50 requests per second that take two thirds of a second each.
IN_FLIGHT = 32


@dataclass(frozen=True)
class Page:
    """A page as received. next: the URL of the next page."""

    content: bytes
    next: str | None


class Platform:
    """A connection to one platform. Create it with `connected`."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient, attempts: int) -> None:
        self.host = Host(settings.base_url)
        self._patience = Patience(self.host, client, attempts)
        self._settings = settings
        self._origin = httpx.URL(settings.base_url)
        # One request per 1/N s: a bucket of N would let 2 N through in the first second.
        self._limiter = AsyncLimiter(1, 1 / settings.requests_per_second)
        self._quiet_until = 0.0
        self._tokens = Tokens(self._fetch_token)
        self._server_time: datetime | None = None

    async def now(self) -> datetime:
        """The earlier of our clock's time and the platform's: no data after it has been read yet.

        Raises: SourceError if no token is available.
        """
        await self._patience.ask(self._tokens.current)
        ours = datetime.now(UTC)
        return min(ours, self._server_time or ours)

    async def page(self, wanted: ListRequest, address: str) -> Page:
        """The page of a list at the address, which is a path or a URL.

        Raises: SourceError; SourceUnavailable if the platform does not respond for minutes.
        """
        try:
            url = self._origin.join(address)
        except httpx.InvalidURL:
            raise self.host.elsewhere(wanted.of.name) from None
        if (url.scheme, url.netloc) != (self._origin.scheme, self._origin.netloc):
            raise self.host.elsewhere(wanted.of.name)
        response = await self._patience.ask(lambda: self._with_token(wanted, url))
        following = response.links.get("next", {}).get("url")
        return Page(response.content, following and str(url.join(following)))

    async def first_page(self, wanted: ListRequest) -> Page:
        """The first page of a list."""
        return await self.page(wanted, wanted.first_page)

    async def _with_token(self, wanted: ListRequest, url: httpx.URL) -> httpx.Response:
        """The response to a request with a valid token.

        A rejected token is replaced once. It is replaced again if other requests have succeeded with the new
        token in the meantime: then that token was valid and has been revoked since.
        """
        token = await self._tokens.current()
        response = await self._get(url, token)
        for renewed in range(self._patience.attempts):
            if response.status_code != 401 or (renewed and not token.was_good):
                break
            token = await self._tokens.instead_of(token)
            response = await self._get(url, token)
        token.was_good = token.was_good or response.status_code != 401
        return self._checked(wanted, response)

    async def _get(self, url: httpx.URL, token: Token) -> httpx.Response:
        headers = VERSION | {"Authorization": f"Bearer {token.text}"}
        return await self._send(httpx.Request("GET", url, headers=headers))

    async def _fetch_token(self) -> dict[str, Any]:
        secrets = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id.get_secret_value(),
            "client_secret": self._settings.client_secret.get_secret_value(),
        }
        request = httpx.Request("POST", self._origin.join(TOKEN), headers=VERSION, json=secrets)
        response = self._checked(None, await self._send(request))
        try:
            token = json.loads(response.content)
        except ValueError:
            raise self.host.not_json("the request for a token") from None
        if not isinstance(token, dict) or not isinstance(token.get("access_token"), str):
            raise self.host.unexpected("token", 1, "access_token is missing")
        return token

    async def _send(self, request: httpx.Request) -> httpx.Response:
        await self._wait_for_turn()
        response = await self._patience.send(request)
        if response.is_success:
            self._server_time = _date(response.headers.get("Date")) or self._server_time
        return response

    async def _wait_for_turn(self) -> None:
        """Wait until a request may be sent. After a pause for all requests, the waiting ones queue again."""
        loop = asyncio.get_running_loop()
        await self._limiter.acquire()
        while (pause := self._quiet_until - loop.time()) > 0:
            await asyncio.sleep(pause)
            await self._limiter.acquire()

    def _checked(self, wanted: ListRequest | None, response: httpx.Response) -> httpx.Response:
        """The response, if successful; else raise. If one request has to wait, all requests wait."""
        if response.is_success:
            return response
        error = self.host.rejected(wanted, response, _pause_s(response))
        if response.status_code == 429 and isinstance(error, RateLimited):
            now = asyncio.get_running_loop().time()
            self._quiet_until = max(self._quiet_until, now + min(error.pause_s or 1.0, LONGEST_PAUSE_S))
        raise error


@asynccontextmanager
async def connected(
    settings: Settings, transport: httpx.AsyncBaseTransport | None = None, *, attempts: int = ATTEMPTS
) -> AsyncIterator[Platform]:
    """Connect to the platform in the settings.

    transport: replaces the network in tests. attempts: the most attempts at one request.
    """
    # stamina logs each retry; without a handler that is a line on the user's screen.
    stamina.instrumentation.set_on_retry_hooks(())
    client = httpx.AsyncClient(
        transport=transport,
        timeout=FIRST_TIMEOUT,
        limits=httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT),
        # A proxy in the environment is for other hosts, not for loopback.
        trust_env=not settings.is_loopback,
    )
    async with client:
        yield Platform(settings, client, attempts)


def _pause_s(response: httpx.Response) -> float | None:
    """The pause in seconds that Retry-After requests, as a number or as a date; None without it."""
    retry_after = response.headers.get("Retry-After", "").strip()
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    until, server_time = _date(retry_after), _date(response.headers.get("Date")) or datetime.now(UTC)
    return max(0.0, (until - server_time).total_seconds()) if until else None


def _date(header: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return date.astimezone(UTC) if date.tzinfo else None
