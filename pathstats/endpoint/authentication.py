"""Authenticate a request by company and key, as the original endpoint does."""

import base64
import binascii
from urllib.parse import parse_qs

from starlette.requests import Request

from pathstats.endpoint.key_cache import KeyCache
from schemas.errors import Unauthorized

Credentials = tuple[str, str]
NOBODYS: Credentials = ("", "")


def authenticated(request: Request, keyring: KeyCache) -> str:
    """The company that the request may ask about.

    Raises: Unauthorized; HomeUnreadable if the keys can't be read.
    """
    company_id, key = in_query(request) or in_headers(request) or NOBODYS
    if not keyring.opens(company_id, key):
        raise Unauthorized
    return company_id


def in_query(request: Request) -> Credentials | None:
    """`company` and `apiKey`; null if there is neither."""
    query = query_of(request)
    return _pair(query.get("company", []), query.get("apiKey", []))


def in_headers(request: Request) -> Credentials | None:
    """`X-company-id` and `X-apiKey`; null if there is neither."""
    headers = request.headers
    return _pair(
        [_utf_8(value) for value in headers.getlist("x-company-id")],
        [_utf_8(value) for value in headers.getlist("x-apikey")],
    )


def in_login(request: Request) -> Credentials | None:
    """A browser's login (RFC 7617): company as user, key as password. None without one.

    Two logins open nothing, as a proxy before us may have checked the other one.
    """
    logins = request.headers.getlist("authorization")
    if len(logins) > 1:
        return NOBODYS
    scheme, _, encoded = "".join(logins).partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        # A company may contain a colon, a key does not.
        company_id, _, key = base64.b64decode(encoded, validate=True).decode("utf-8").rpartition(":")
    except (binascii.Error, ValueError):
        return NOBODYS
    return company_id, key


def query_of(request: Request) -> dict[str, list[str]]:
    """The query's fields; bytes that are not UTF-8 match no key."""
    text = request.scope["query_string"].decode("latin-1")
    return parse_qs(text, keep_blank_values=True) if text else {}


def _pair(companies: list[str], keys: list[str]) -> Credentials | None:
    """Both, once each; one alone, or several, of which a proxy before us may mean another, open nothing."""
    if not companies and not keys:
        return None
    return (companies[0], keys[0]) if len(companies) == len(keys) == 1 else NOBODYS


def _utf_8(value: str) -> str:
    """A header's value: its bytes are decoded as Latin-1 before."""
    return value.encode("latin-1").decode("utf-8", "replace")
