"""A client that knows nothing but HTTP: it asks the sandbox in this process."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx

from flows.sandbox.app import Sandbox
from flows.sandbox.clients import CLIENT_ID, CLIENT_SECRET
from flows.sandbox.platform import SUBSCRIPTION

BASE = "http://127.0.0.1:8360"
CREDENTIALS = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


class Client:
    """headers: those of every request; the token is fetched once."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self._app = sandbox, sandbox.app()
        self.headers = {"360-api-version": "v2.0"}
        token = self.post("/api/v2/oauth2/token", json=CREDENTIALS).json()["access_token"]
        self.headers["Authorization"] = f"Bearer {token}"

    def post(self, path: str, **body: Any) -> httpx.Response:
        return self._ask("POST", f"{BASE}{path}", **body)

    def get(self, route: str, **headers: str) -> httpx.Response:
        """A page: of a route below /api/v2/, or at an address."""
        url = route if route.startswith("http") else f"{BASE}/api/v2/{route}"
        return self._ask("GET", url, headers={**self.headers, **headers})

    def pages(self, route: str) -> Iterator[list[dict[str, Any]]]:
        """All pages of a list, each found by the one before."""
        address: str | None = route
        while address:
            page = self.get(address)
            assert page.status_code == 200, page.text
            yield page.json()
            address = page.links.get("next", {}).get("url")

    def rows(self, route: str) -> list[dict[str, Any]]:
        return [row for page in self.pages(route) for row in page]

    def routes(self, pattern: str) -> list[str]:
        """The routes of an endpoint, one for each path or classroom there is."""
        if "{path}" in pattern:
            return [pattern.format(path=it["_id"]) for it in self.rows("paths")]
        if "{classroom}" in pattern:
            return [pattern.format(classroom=it["_id"]) for it in self.rows("classrooms")]
        return [pattern.format(subscription=SUBSCRIPTION)]

    def _ask(self, method: str, url: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app)) as client:
                return await client.request(method, url, **options)

        return asyncio.run(ask())
