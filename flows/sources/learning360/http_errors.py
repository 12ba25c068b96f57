"""Describe each failed request in one sentence, without the platform's own words, which may quote data."""

import json
import re
from dataclasses import dataclass

import httpx

from flows.sources.learning360.resources import CORRECTED, CORRECTIONS, SUBSCRIPTION, ListOf, ListRequest
from schemas.errors import (
    MissingScope,
    NoSuchList,
    RateLimited,
    SourceError,
    Unreachable,
    may_help_later,
)


@dataclass(frozen=True)
class Host:
    """Builds error messages about the platform; it knows the platform's URL and no other setting."""

    url: str

    def rejected(
        self, wanted: ListRequest | None, response: httpx.Response, pause_s: float | None
    ) -> SourceError:
        """The error for an unsuccessful response. wanted: None for the token."""
        kind = wanted.of if wanted else None
        status, code = response.status_code, error_code(response)
        what = f"the list {kind.name}" if kind else "an access token"
        if may_help_later(status):
            if status == 429:
                return RateLimited(
                    f"{self.url} rejected too many requests in the last minutes, for {what}: another program "
                    "may be using up its limit. Run again later, or lower requests_per_second.",
                    pause_s,
                    f"answers HTTP {status}, too many requests",
                )
            return RateLimited(
                f"{self.url} fails with HTTP {status} on the request for {what}. Run again later.",
                pause_s,
                f"answers HTTP {status}",
            )
        if status == 401:
            return self.no_credentials() if kind is None else self.token_rejected(kind)
        if status == 403 and kind:
            return MissingScope(
                f"The client may not read {what}: it lacks the scope {kind.scope}. Grant it in the "
                f"platform's API settings, or skip the list. {_CHECK}"
            )
        if status == 404 or (status == 410 and wanted):
            return NoSuchList(self._missing(wanted), is_named=bool(code), status=status)
        if 300 <= status < 400:
            return SourceError(f"{self.url} redirects the request for {what} to another address. {_ADDRESS}")
        if kind is None and code in ("invalid_client", "invalid_grant", "unauthorized_client"):
            return self.no_credentials()
        words = f"HTTP {status}" + (f", {code}" if code else "")
        if kind and status == 400:
            sentence = f"{self.url} rejects our request for {what} ({words}). Please report it."
            return NoSuchList(sentence, status=status)
        return SourceError(f"{self.url} rejects {what} ({words}). {_CHECK}")

    def _missing(self, wanted: ListRequest | None) -> str:
        if wanted and wanted.of in (SUBSCRIPTION, CORRECTIONS):
            return (
                f"{self.url} has no webhook subscription {wanted.owner}. Set subscription to the id of one "
                f"of the platform's subscriptions for {CORRECTED}."
            )
        return f"{self.url} has no {wanted.path if wanted else TOKEN}. {_ADDRESS}"

    def no_credentials(self) -> SourceError:
        return SourceError(
            f"{self.url} does not know the client: client_id or client_secret is wrong, or the client was "
            "revoked. Correct the settings of 360learning."
        )

    def token_rejected(self, kind: ListOf) -> SourceError:
        return SourceError(
            f"{self.url} rejects a token that it has just issued, for the list {kind.name}. Run again; if "
            "that does not help, create a new client."
        )

    def unreachable(self, error: Exception) -> Unreachable:
        return Unreachable(
            f"{self.url} can't be reached or dropped the connection ({type(error).__name__}). Check base_url "
            "and the network, then run again.",
            f"can't be reached or dropped the connection ({type(error).__name__})",
        )

    def page_gone(self, name: str, page: int, error: NoSuchList) -> NoSuchList:
        """A later page of a list is missing at the URL that the previous page gave."""
        return NoSuchList(
            f"{self.url}, list {name}, page {page}: HTTP {error.status} at the URL that page {page - 1} "
            "gave for it. Run again, which reads the list from its first page.",
            is_named=error.is_named,
            status=error.status,
        )

    def not_json(self, what: str) -> SourceError:
        return SourceError(f"{self.url} answers {what} with content that is not JSON. {_ADDRESS}")

    def unexpected(self, name: str, page: int, fault: str) -> SourceError:
        """A page has an unexpected form. name: of the list. fault: the field and what is wrong with it."""
        return SourceError(
            f"{self.url}, list {name}, page {page}: {fault}. This version of pathstats can't read that; "
            "please report it."
        )

    def elsewhere(self, name: str) -> SourceError:
        return SourceError(
            f"{self.url}, list {name}: the link to the next page points to another host and is not followed. "
            f"{_ADDRESS}"
        )


TOKEN = "/api/v2/oauth2/token"
_ADDRESS = "Check base_url: https://app.360learning.com or https://app.us.360learning.com."
_CHECK = "`pathstats check 360learning` lists everything that is missing."


def error_code(response: httpx.Response) -> str:
    """The code in an error body, `{"error": code}` or `{"error": {"code": code}}`; empty without one."""
    try:
        error = json.loads(response.content)["error"]
        code = error["code"] if isinstance(error, dict) else error
    except (ValueError, KeyError, TypeError):
        return ""
    return code if isinstance(code, str) and re.fullmatch("[A-Za-z_]{1,40}", code) else ""
