"""Retry policy for a platform, and the messages that a person sees while waiting."""

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

# Waiting 1, 2, 4 … 60 s between them: about two minutes, then the run ends or Prefect tries again.
ATTEMPTS = 8
LONGEST_PAUSE_S = 120.0
_PATIENCE_S = 600.0
# A host that has never answered may be the wrong one: after 4 s it is not tried again, and the last attempt
# ends 12 s after the first began.
_TRIED_FOR_S, _ANSWERED_WITHIN_S = 4.0, 12.0
FIRST_TIMEOUT = httpx.Timeout(10, connect=3, pool=None)
_TIMEOUT = httpx.Timeout(60, connect=10, pool=None)
# Many requests wait at the same time: at most one line about it is shown in so many seconds.
_SHOWN_EVERY_S = 5.0


class Patience:
    """The patience with one platform, asked by one client that begins with FIRST_TIMEOUT.

    attempts: how often one thing is asked, where that may help.
    """

    def __init__(self, host: Host, client: httpx.AsyncClient, attempts: int) -> None:
        self.attempts = attempts
        self._host = host
        self._client = client
        self._began_at: float | None = None
        self._has_answered = False
        self._shown_at = -_SHOWN_EVERY_S

    async def ask(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask, and again where that may help.

        A platform that answers is waited for; one that has never answered is given up within 15 s.
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
        """The answer to one request.

        Raises: Unreachable.
        """
        try:
            async with asyncio.timeout(self._time_left_s()):
                answer = await self._client.send(request)
        except (httpx.RequestError, TimeoutError) as error:
            raise self._host.unreachable(error) from None
        self._has_answered = True
        self._client.timeout = _TIMEOUT
        return answer

    def _time_left_s(self) -> float | None:
        return None if self._has_answered else max(1.0, _ANSWERED_WITHIN_S - self._tried_for_s())

    def _tried_for_s(self) -> float:
        return _now() - (self._began_at or _now())

    def _may_help(self, error: Exception) -> bool | float:
        """Whether to try again, or after how many seconds."""
        if isinstance(error, RateLimited) and error.pause_s is not None:
            return error.pause_s if error.pause_s <= LONGEST_PAUSE_S else False
        if isinstance(error, Unreachable) and not self._has_answered:
            return self._tried_for_s() < _TRIED_FOR_S
        return isinstance(error, SourceUnavailable)

    def _show(self, error: SourceUnavailable, next_wait: float) -> None:
        """Log why the extraction takes longer: failures of the first contact, then a line now and then."""
        again = self._may_help(error)
        if again is False or (self._has_answered and _now() - self._shown_at < _SHOWN_EVERY_S):
            return
        self._shown_at = _now()
        pause = next_wait if again is True else again
        log.warning("%s %s; trying again in %.0f s.", self._host.url, error.cause, pause)


def _now() -> float:
    return asyncio.get_running_loop().time()
