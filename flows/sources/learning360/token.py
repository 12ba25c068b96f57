"""Fetch the access token when it is needed, and renew it before it expires."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

# A token is renewed this long before it expires, or when a tenth of its lifetime is left, if that is later.
_MARGIN_S = 60.0
_LIFE_S = 3600.0


@dataclass(eq=False)
class Token:
    """A token. ends_at: by the event loop's clock. was_good: a request has succeeded with it."""

    text: str = field(repr=False)
    ends_at: float = 0.0
    was_good: bool = False


class Tokens:
    """The token in use.

    fetch: requests a token from the platform; returns a dict with `access_token` and `expires_in`.
    """

    def __init__(self, fetch: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        self._fetch = fetch
        self._lock = asyncio.Lock()
        self._token: Token | None = None

    async def current(self) -> Token:
        """A token that stays valid for a while."""
        return await self._replaced(lambda token: token.ends_at <= _now())

    async def instead_of(self, rejected: Token) -> Token:
        """A new token in place of a rejected one; concurrent callers share one fetch."""
        return await self._replaced(lambda token: token is rejected)

    async def _replaced(self, is_over: Callable[[Token], bool]) -> Token:
        async with self._lock:
            if self._token is None or is_over(self._token):
                fetched = await self._fetch()
                life = lifetime_s(fetched.get("expires_in"))
                ends_at = _now() + life - min(_MARGIN_S, life / 10)
                self._token = Token(fetched["access_token"], ends_at)
            return self._token


def lifetime_s(expires_in: object) -> float:
    """The lifetime of a token in seconds, from a number or text; an hour if it is unreadable.

    >>> lifetime_s(60), lifetime_s("3600"), lifetime_s(None), lifetime_s("soon")
    (60.0, 3600.0, 3600.0, 3600.0)
    """
    try:
        life = float(expires_in)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return _LIFE_S
    return life if 0 < life < float("inf") else _LIFE_S


def _now() -> float:
    return asyncio.get_running_loop().time()
