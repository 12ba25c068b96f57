"""Retry requests to a platform, and log why while the user waits."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
import stamina

from flows.sources.learning360.http_errors import Host
from schemas.errors import RateLimited, SourceUnavailable, Unreachable

log = logging.getLogger("pathstats.run")

Answer = TypeVar("Answer")

# With waits of 1, 2, 4 … 60 s: about two minutes, then the run fails or Prefect retries it.
ATTEMPTS = 8
LONGEST_PAUSE_S = 120.0
_PATIENCE_S = 600.0
# A host that has never responded may be the wrong one: no attempt starts after 4 s, and the last attempt ends
# 12 s after the first began.
_TRIED_FOR_S, _ANSWERED_WITHIN_S = 4.0, 12.0
FIRST_TIMEOUT = httpx.Timeout(10, connect=3, pool=None)
_TIMEOUT = httpx.Timeout(60, connect=10, pool=None)
# Many requests wait at the same time, so at most one line is logged in this interval.
_SHOWN_EVERY_S = 5.0


class Patience:
    """Retry policy for one platform; the client must begin with FIRST_TIMEOUT.

    attempts: the most attempts at one request.
    """

    def __init__(self, host: Host, client: httpx.AsyncClient, attempts: int) -> None:
        self.attempts = attempts
        self._host = host
        self._client = client
        self._began_at: float | None = None
        self._has_answered = False
        self._shown_at = -_SHOWN_EVERY_S

    async def ask(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Call `ask`, and retry where that may help.

        A platform that has never responded is given up within 15 s; another one is retried for minutes.
        """
        self._began_at = self._began_at or _now()
        async for attempt in stamina.retry_context(
            on=self._may_help,
            attempts=self.attempts,
            timeout=_PATIENCE_S,
            wait_initial=1.0,
            wait_max=60.0,
            wait_jitter=0.5,
        ):
            with attempt:
                try:
                    return await ask()
                except SourceUnavailable as error:
                    if attempt.num < self.attempts:
                        self._show(error, attempt.next_wait)
                    raise
        raise AssertionError("stamina returns or raises")

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send one request, without retries.

        Raises: Unreachable.
        """
        try:
            async with asyncio.timeout(self._time_left_s()):
                response = await self._client.send(request)
        except (httpx.RequestError, TimeoutError) as error:
            raise self._host.unreachable(error) from None
        self._has_answered = True
        self._client.timeout = _TIMEOUT
        return response

    def _time_left_s(self) -> float | None:
        return None if self._has_answered else max(1.0, _ANSWERED_WITHIN_S - self._tried_for_s())

    def _tried_for_s(self) -> float:
        return _now() - (self._began_at or _now())

    def _may_help(self, error: Exception) -> bool | float:
        """Whether to retry; a number is the wait in seconds."""
        if isinstance(error, RateLimited) and error.pause_s is not None:
            return error.pause_s if error.pause_s <= LONGEST_PAUSE_S else False
        if isinstance(error, Unreachable) and not self._has_answered:
            return self._tried_for_s() < _TRIED_FOR_S
        return isinstance(error, SourceUnavailable)

    def _show(self, error: SourceUnavailable, next_wait: float) -> None:
        """Log the reason for a retry: each one before the first response, then one line per interval."""
        again = self._may_help(error)
        if again is False or (self._has_answered and _now() - self._shown_at < _SHOWN_EVERY_S):
            return
        self._shown_at = _now()
        pause = next_wait if again is True else again
        log.warning("%s %s; trying again in %.0f s.", self._host.url, error.cause, pause)


def _now() -> float:
    return asyncio.get_running_loop().time()
