"""The link that `serve` prints: it opens the pages on this machine without a key."""

import hmac
import secrets
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request

_FORWARDED = ("forwarded", "via", "x-real-ip")


class BrowserLink:
    """A secret of this process, in the link and then in a cookie of the browser that opened it.

    Nothing else shows that a request is from a browser on this machine: a proxy connects from here as well,
    some with our own name as their host and no header about the client; and other users may be logged in.
    """

    def __init__(self) -> None:
        self._secret = secrets.token_urlsafe(32)
        # Cookies are shared by all ports of a host: each server has a name of its own.
        self._cookie = f"pathstats-{self._secret[:8]}"
        self.path = f"/?browser={self._secret}"

    def is_opened_by(self, request: Request) -> bool:
        """Whether the request follows the link."""
        return _is_to_this_machine(request) and self._is_secret(request.query_params.get("browser", ""))

    def was_opened_by(self, request: Request) -> bool:
        """Whether the request is from a browser that has followed the link."""
        return _is_to_this_machine(request) and self._is_secret(request.cookies.get(self._cookie, ""))

    def set_cookie(self) -> str:
        """The header's value. No other site can make the browser send it, no script can read it."""
        return f"{self._cookie}={self._secret}; Path=/; HttpOnly; SameSite=Strict"

    def _is_secret(self, text: str) -> bool:
        return hmac.compare_digest(text.encode("utf-8", "surrogatepass"), self._secret.encode("ascii"))


def _is_to_this_machine(request: Request) -> bool:
    """Whether the request names this machine as its host, and no proxy has added where it is from."""
    hosts = request.headers.getlist("host")
    is_forwarded = any(name in _FORWARDED or name.startswith("x-forwarded-") for name in request.headers)
    if len(hosts) != 1 or is_forwarded:
        return False
    try:
        name = urlsplit(f"//{hosts[0]}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False
