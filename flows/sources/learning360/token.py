"""The access token: fetched when needed, renewed before it expires."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

# A token is renewed so long before it ends, or when a tenth of its life is left, if that is less.
_MARGIN_S = 60.0
_LIFE_S = 3600.0


@dataclass(eq=False)
class Token:
    """A token from the platform. ends_at: by the event loop's clock. was_good: it was answered to."""

    text: str = field(repr=False)
    ends_at: float = 0.0
    was_good: bool = False


class Tokens:
    """The token in use.

    fetch: asks the platform for one; its answer is a token's `access_token` and `expires_in`.
    """

    def __init__(self, fetch: Callable[[], Awaitable[dict[str, Any]]]) -> None:
        self._fetch = fetch
        self._lock = asyncio.Lock()
        self._token: Token | None = None

    async def current(self) -> Token:
        """A token that is valid for a while."""
        return await self._replaced(lambda token: token.ends_at <= _now())

    async def instead_of(self, rejected: Token) -> Token:
        """A new token in place of a rejected one; of many concurrent callers, one fetches it."""
        return await self._replaced(lambda token: token is rejected)

    async def _replaced(self, is_over: Callable[[Token], bool]) -> Token:
        async with self._lock:
            if self._token is None or is_over(self._token):
                given = await self._fetch()
                life = lifetime_s(given.get("expires_in"))
                ends_at = _now() + life - min(_MARGIN_S, life / 10)
                self._token = Token(given["access_token"], ends_at)
            return self._token


def lifetime_s(expires_in: object) -> float:
    """The lifetime of a token: a number or a text; an hour if unreadable.

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
