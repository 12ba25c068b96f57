"""OAuth clients with their scopes and tokens."""

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from sandbox.endpoints import SCOPES
from sandbox.errors import Rejected, invalid_token, rejected

CLIENT_ID, CLIENT_SECRET = "sandbox", "made-up-secret-of-the-sandbox"
# A token is good for so many requests at least: more than a client has under way, and repeats, at once.
_FRESH = 40


@dataclass
class Clients:
    """The one client there is.

    token_s: how long a token is good for. given: how many there were.
    """

    scopes: tuple[str, ...] = SCOPES
    token_s: float = 3_600
    clock: Callable[[], float] = monotonic
    _expires_at: dict[str, float] = field(default_factory=dict)
    _uses: Counter[str] = field(default_factory=Counter)
    given: int = 0

    def token(self, asked: object) -> dict[str, object]:
        """A new token; how long it is good for is a number and a text in turn, as the platform's may be.

        Raises: Rejected if the grant or the credentials are wrong.
        """
        if not isinstance(asked, dict) or asked.get("grant_type") != "client_credentials":
            raise Rejected(400, {"error": "unsupported_grant_type"})
        if (asked.get("client_id"), asked.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            raise Rejected(401, {"error": "invalid_client"})
        token = secrets.token_urlsafe(24)
        self._expires_at[token] = self.clock() + self.token_s
        self.given += 1
        seconds = int(self.token_s) if self.token_s >= 1 else self.token_s
        return {
            "token_type": "Bearer",
            "access_token": token,
            "expires_in": seconds if self.given % 2 else str(seconds),
        }

    def admit(self, authorization: str | None, scope: str) -> None:
        """Raises: Rejected if the token is invalid or has expired, or the client lacks the scope."""
        kind, _, token = (authorization or "").partition(" ")
        if kind != "Bearer" or self._expires_at.get(token, 0.0) <= self.clock():
            raise invalid_token()
        self._uses[token] += 1
        if scope not in self.scopes:
            raise rejected(403, "invalid_scope", f"This client lacks the scope {scope}.")

    def revoke(self, authorization: str | None) -> bool:
        """Whether the token, before its time, is good for nothing from now on; a fresh one stays good."""
        token = (authorization or "").partition(" ")[2]
        if self._uses[token] < _FRESH:
            return False
        self._expires_at.pop(token, None)
        return True
