"""Issue and check the tokens of the OAuth client, with its scopes."""

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from sandbox.endpoints import SCOPES
from sandbox.errors import Rejected, invalid_token, rejected

CLIENT_ID, CLIENT_SECRET = "sandbox", "made-up-secret-of-the-sandbox"
# A token is not revoked before this many requests: more than a client has in flight or repeats at once.
_MIN_USES = 40


@dataclass
class Clients:
    """The only client.

    token_s: the lifetime of a token in seconds. issued: the number of tokens issued so far.
    """

    scopes: tuple[str, ...] = SCOPES
    token_s: float = 3_600
    clock: Callable[[], float] = monotonic
    _expires_at: dict[str, float] = field(default_factory=dict)
    _uses: Counter[str] = field(default_factory=Counter)
    issued: int = 0

    def token(self, body: object) -> dict[str, object]:
        """A new token; `expires_in` alternates between number and string, as the platform may send either.

        Raises: Rejected if the grant or the credentials are wrong.
        """
        if not isinstance(body, dict) or body.get("grant_type") != "client_credentials":
            raise Rejected(400, {"error": "unsupported_grant_type"})
        if (body.get("client_id"), body.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            raise Rejected(401, {"error": "invalid_client"})
        token = secrets.token_urlsafe(24)
        self._expires_at[token] = self.clock() + self.token_s
        self.issued += 1
        seconds = int(self.token_s) if self.token_s >= 1 else self.token_s
        return {
            "token_type": "Bearer",
            "access_token": token,
            "expires_in": seconds if self.issued % 2 else str(seconds),
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
        """Revoke the token early, unless it has had few requests; whether it was revoked."""
        token = (authorization or "").partition(" ")[2]
        if self._uses[token] < _MIN_USES:
            return False
        self._expires_at.pop(token, None)
        return True
