"""A platform of a few rows, for tests: lists in pages behind a transport, and faults on request."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

Row = dict[str, Any]
# What a list answers when it is asked: None goes on as usual.
Fault = Callable[[httpx.Request, int], httpx.Response | None]
BASE = "https://platform.test"
CLIENT_ID, SECRET = "client-7f3a", "s3cret-9d2b-never-said"
TOKENS = [f"token-{number}-never-said" for number in range(1, 100)]


def hex_id(number: int) -> str:
    return f"{number:024x}"


@dataclass
class FakePlatform:
    """Lists by address; each answers `page_size` rows and the address of the rest.

    objects: single objects by address.
    asked:  the requests, tokens left out. at: when, by the loop's clock.
    faults: by a pattern of the address; called with the request and how often that pattern was asked before.
    times:  when what a fault's pattern means was asked for.
    """

    lists: dict[str, list[Row]] = field(default_factory=dict)
    page_size: int = 2
    objects: dict[str, Row] = field(default_factory=dict)
    expires_in: object = 3600
    asked: list[str] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    tokens_given: int = 0
    rejected_tokens: set[str] = field(default_factory=set)
    faults: dict[str, Fault] = field(default_factory=dict)
    times: dict[str, list[float]] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    latency_s: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if self.latency_s:
                await asyncio.sleep(self.latency_s)
            answer = self._of(request)
            self.statuses.append(answer.status_code)
            return answer
        finally:
            self.in_flight -= 1

    def _of(self, request: httpx.Request) -> httpx.Response:
        assert request.url.host == "platform.test", "a token was carried to another host"
        address = request.url.raw_path.decode()
        self.at.append(asyncio.get_running_loop().time())
        for pattern, fault in self.faults.items():
            if re.search(pattern, address):
                times = self.times.setdefault(pattern, [])
                times.append(self.at[-1])
                if (answer := fault(request, len(times) - 1)) is not None:
                    return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        if request.url.path == "/api/v2/oauth2/token":
            return self._token(json.loads(request.content))
        self.asked.append(str(request.url.copy_with(scheme="", host="")).lstrip("/"))
        assert request.headers["360-api-version"] == "v2.0"
        token = request.headers["Authorization"].removeprefix("Bearer ")
        if token not in TOKENS[: self.tokens_given] or token in self.rejected_tokens:
            return httpx.Response(401, json={"error": "invalid_token"})
        return self._page(request)

    def _token(self, given: Row) -> httpx.Response:
        expected = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": SECRET}
        if given != expected:
            return httpx.Response(401, json={"error": "invalid_client"})
        self.tokens_given += 1
        token = TOKENS[self.tokens_given - 1]
        answer = {"token_type": "Bearer", "access_token": token, "expires_in": self.expires_in}
        return httpx.Response(200, json=answer, headers=self.headers)

    def _page(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v2/")
        if path in self.objects:
            return httpx.Response(200, json=self.objects[path])
        rows = self._filtered(path, request.url.params)
        if rows is None:
            return httpx.Response(404, json={"error": {"code": "pathNotFound", "message": "no"}})
        start = int(request.url.params.get("cursor", 0))
        end = start + self.page_size
        headers = {}
        if end < len(rows):
            following = request.url.copy_merge_params({"cursor": str(end)})
            headers["Link"] = f'<{following}>; rel="next"'
        return httpx.Response(200, json=rows[start:end], headers=headers)

    def _filtered(self, path: str, params: httpx.QueryParams) -> list[Row] | None:
        if path not in self.lists:
            return None if re.search("/.*/", path) and not path.endswith("/events") else []
        rows = self.lists[path]
        for name in ("modifiedAt", "createdAt"):
            # As a database compares: a row without the field is not listed.
            if since := params.get(f"{name}[gte]"):
                rows = [row for row in rows if row.get(name, "") >= since]
        if status := params.get("status[eq]"):
            rows = [row for row in rows if ("archived" if "archivedAt" in row else "published") == status]
        courses = [value for name, value in params.multi_items() if name.startswith("courseId[in]")]
        return [row for row in rows if row["courseId"] in courses] if courses else rows
