"""A client that knows nothing but HTTP: it asks the sandbox in this process."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx

from sandbox.app import Sandbox
from sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from tests.helpers.documented_api import OF_ONE

BASE = "http://127.0.0.1:8360"
_OWNERS = {
    "pathId": "paths",
    "classroomId": "classrooms",
    "userId": "users",
    "subscriptionId": "webhooks/subscriptions",
}
# What is listed is published unless it is asked for.
_OF_ONE_STATUS = ("paths/{pathId}/enrollments", "paths/stats")
CREDENTIALS = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


class Client:
    """headers: sent with every request; the token is fetched once."""

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

    def documents(self, pattern: str) -> list[dict[str, Any]]:
        """All documents of an endpoint, archived ones included."""
        both = "?status[in][0]=published&status[in][1]=archived" if pattern in _OF_ONE_STATUS else ""
        if pattern in OF_ONE:
            return [self.get(route).json() for route in self.routes(pattern)]
        return [row for route in self.routes(pattern) for row in self.rows(route + both)]

    def routes(self, pattern: str) -> list[str]:
        """The routes of an endpoint, one for each path, classroom, user or subscription there is."""
        if "{sessionId}" in pattern:
            known = {it["_id"] for it in self.rows("paths")}
            sessions = [it for it in self.rows("paths/sessions") if it["pathId"] in known]
            return [pattern.format(pathId=it["pathId"], sessionId=it["_id"]) for it in sessions]
        for name, owners in _OWNERS.items():
            if f"{{{name}}}" in pattern:
                return [pattern.format_map({name: it["_id"]}) for it in self.rows(owners)]
        return [pattern]

    def _ask(self, method: str, url: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app)) as client:
                return await client.request(method, url, **options)

        return asyncio.run(ask())
