"""Request the platform: rate-limited, with a valid token, with retries where they may help."""

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
from flows.sources.learning360.resources import Wanted
from flows.sources.learning360.retries import ATTEMPTS, FIRST_TIMEOUT, LONGEST_PAUSE_S, Patience
from flows.sources.learning360.settings import Settings
from flows.sources.learning360.token import Token, Tokens
from schemas.errors import RateLimited

VERSION = {"360-api-version": "v2.0"}
# Enough connections for 50 requests a second that take two thirds of a second each.
IN_FLIGHT = 32


@dataclass(frozen=True)
class Page:
    """One page, unchanged. next: the address of the next page."""

    content: bytes
    next: str | None


class Platform:
    """One platform, asked by one client. Use `connected`."""

    def __init__(self, settings: Settings, client: httpx.AsyncClient, attempts: int) -> None:
        self.host = Host(settings.base_url)
        self._patience = Patience(self.host, client, attempts)
        self._settings = settings
        self._origin = httpx.URL(settings.base_url)
        # One request in each 1/N s: a bucket of N would let 2 N through in the first second.
        self._limiter = AsyncLimiter(1, 1 / settings.requests_per_second)
        self._quiet_until = 0.0
        self._tokens = Tokens(self._fetch_token)
        self._told_at: datetime | None = None

    async def now(self) -> datetime:
        """The time by our clock or by the platform's, whichever is earlier: nothing later is read yet.

        Raises: SourceError if no token is available.
        """
        await self._patience.ask(self._tokens.current)
        ours = datetime.now(UTC)
        return min(ours, self._told_at or ours)

    async def page(self, wanted: Wanted, address: str) -> Page:
        """The page of a list at the address, which may be a path or a whole URL.

        Raises: SourceError; SourceUnavailable if the platform does not answer for minutes.
        """
        try:
            url = self._origin.join(address)
        except httpx.InvalidURL:
            raise self.host.elsewhere(wanted.of.name) from None
        if (url.scheme, url.netloc) != (self._origin.scheme, self._origin.netloc):
            raise self.host.elsewhere(wanted.of.name)
        answer = await self._patience.ask(lambda: self._with_token(wanted, url))
        following = answer.links.get("next", {}).get("url")
        return Page(answer.content, following and str(url.join(following)))

    async def first_page(self, wanted: Wanted) -> Page:
        """The first page of a list."""
        return await self.page(wanted, wanted.first_page)

    async def _with_token(self, wanted: Wanted, url: httpx.URL) -> httpx.Response:
        """The answer to a request with a valid token.

        A rejected token is replaced once, and once more if other requests were answered with the new one
        before this request's turn: then it was valid and has been revoked since.
        """
        token = await self._tokens.current()
        answer = await self._get(url, token)
        for renewed in range(self._patience.attempts):
            if answer.status_code != 401 or (renewed and not token.was_good):
                break
            token = await self._tokens.instead_of(token)
            answer = await self._get(url, token)
        token.was_good = token.was_good or answer.status_code != 401
        return self._sound(wanted, answer)

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
        answer = self._sound(None, await self._send(request))
        try:
            given = json.loads(answer.content)
        except ValueError:
            raise self.host.not_json("the request for a token") from None
        if not isinstance(given, dict) or not isinstance(given.get("access_token"), str):
            raise self.host.unexpected("token", 1, "access_token is missing")
        return given

    async def _send(self, request: httpx.Request) -> httpx.Response:
        await self._its_turn()
        answer = await self._patience.send(request)
        if answer.is_success:
            self._told_at = _date(answer.headers.get("Date")) or self._told_at
        return answer

    async def _its_turn(self) -> None:
        """Wait until a request may be sent; requests that were queued when all had to wait queue again."""
        loop = asyncio.get_running_loop()
        await self._limiter.acquire()
        while (pause := self._quiet_until - loop.time()) > 0:
            await asyncio.sleep(pause)
            await self._limiter.acquire()

    def _sound(self, wanted: Wanted | None, answer: httpx.Response) -> httpx.Response:
        """The response, if it is a page; when one request has to wait, all wait."""
        if answer.is_success:
            return answer
        error = self.host.rejected(wanted, answer, _pause_s(answer))
        if answer.status_code == 429 and isinstance(error, RateLimited):
            now = asyncio.get_running_loop().time()
            self._quiet_until = max(self._quiet_until, now + min(error.pause_s or 1.0, LONGEST_PAUSE_S))
        raise error


@asynccontextmanager
async def connected(
    settings: Settings, transport: httpx.AsyncBaseTransport | None = None, *, attempts: int = ATTEMPTS
) -> AsyncIterator[Platform]:
    """The platform of the settings.

    transport: in place of the network. attempts: how often one thing is asked, where that may help.
    """
    # stamina would log each retry: without a handler that is a line on the user's screen.
    stamina.instrumentation.set_on_retry_hooks(())
    client = httpx.AsyncClient(
        transport=transport,
        timeout=FIRST_TIMEOUT,
        limits=httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT),
        # A proxy of the environment is for outside addresses.
        trust_env=not settings.is_loopback,
    )
    async with client:
        yield Platform(settings, client, attempts)


def _pause_s(answer: httpx.Response) -> float | None:
    """The pause that Retry-After asks for, in seconds or until a date."""
    asked = answer.headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked)
    until, told_at = _date(asked), _date(answer.headers.get("Date")) or datetime.now(UTC)
    return max(0.0, (until - told_at).total_seconds()) if until else None


def _date(header: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(header or "")
    except ValueError:
        return None
    return date.astimezone(UTC) if date.tzinfo else None
