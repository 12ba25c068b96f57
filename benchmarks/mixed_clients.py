"""Clients that send every kind of request and compare each response with the release it names."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx

from benchmarks.expected_responses import Expected, Pair

_PATH = "/api/v1/paths/sessions/{}/stats"
_MAX_FAULTS = 20


@dataclass
class LoadResults:
    """The expected responses and the faults found, shared by all clients.

    expected:     by release id; a response from a release that is not in it yet is checked later.
    live_release: the id of the release that must be served; None during a switch.
    switches:     how often the live release changed.
    statuses:     responses per HTTP status.
    unchecked:    checks of responses from releases that are not in `expected` yet.
    """

    keys: dict[str, str]
    expected: dict[str, Expected] = field(default_factory=dict)
    live_release: str | None = None
    switches: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    releases: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    unchecked: list[tuple[str, Callable[[Expected], str | None]]] = field(default_factory=list)

    def add_fault(self, message: str) -> None:
        """Record a fault; raises AssertionError if there are too many."""
        self.faults.append(message)
        if len(self.faults) > _MAX_FAULTS:
            raise AssertionError("\n".join(self.faults))

    async def switch(self, publish: Callable[[], str]) -> None:
        """Switch to another release in a thread; `publish` returns its id."""
        self.live_release = None
        release_id = await asyncio.to_thread(publish)
        self.switches, self.live_release = self.switches + 1, release_id

    def check(self, release_id: str, fault: Callable[[Expected], str | None]) -> None:
        """Check a response against its release, later if that is not known yet.

        fault: returns the fault of the response, or None.
        """
        if release_id not in self.expected:
            self.unchecked.append((release_id, fault))
        elif message := fault(self.expected[release_id]):
            self.add_fault(f"{release_id}: {message}")

    def check_pending(self) -> None:
        """Check the responses that arrived before their release was known."""
        pending, self.unchecked = self.unchecked, []
        for release_id, fault in pending:
            self.check(release_id, fault)


class LoadClient:
    """A client that sends random requests.

    pairs: company, session and user of existing enrollments.
    """

    def __init__(self, url: str, results: LoadResults, pairs: list[Pair], seed: int) -> None:
        self._client = httpx.AsyncClient(base_url=url, trust_env=False, timeout=30)
        self._results, self._pairs, self._random = results, pairs, random.Random(seed)
        self._tags: dict[Pair, str] = {}
        self._requests: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (12, self.look_up),
            (3, self.look_up_again),
            (2, self.not_found),
            (2, self.unauthorized),
            (1, self.count),
            (1, self.all_learners),
            (1, self.ready),
        ]

    async def run(self, until: asyncio.Event) -> None:
        """Send requests until the event is set."""
        weights, requests = zip(*self._requests, strict=True)
        async with self._client:
            while not until.is_set():
                (request,) = self._random.choices(requests, weights)
                try:
                    await request()
                except (httpx.HTTPError, ValueError, KeyError) as error:
                    self._results.add_fault(f"{request.__name__}: {type(error).__name__}: {error}")

    async def look_up(self) -> None:
        company, session, user = pair = self._random.choice(self._pairs)
        method = self._random.choice(("GET", "GET", "GET", "HEAD"))
        response = await self._ask(f"{_PATH.format(session)}/{user}", company, method=method)
        self._tags[pair] = response.headers["etag"]
        text = response.text
        self._check_release(
            response,
            lambda it: (
                None
                if method == "HEAD" or text == it.learners[pair]
                else f"{pair}: {text}, not {it.learners[pair]}"
            ),
        )

    async def look_up_again(self) -> None:
        if not self._tags:
            return
        pair = company, session, user = self._random.choice(list(self._tags))
        tag = self._tags[pair]
        response = await self._ask(
            f"{_PATH.format(session)}/{user}", company, {"If-None-Match": tag}, statuses=(200, 304)
        )
        if (response.status_code == 304) is not (response.headers["etag"] == tag):
            self._results.add_fault(
                f"{response.status_code} for {tag} while the tag is {response.headers['etag']}"
            )
        self._check_release(response, lambda _: None)
        self._tags[pair] = response.headers["etag"]

    async def not_found(self) -> None:
        company, session, user = self._random.choice(self._pairs)
        path, code = self._random.choice(
            [
                (f"{_PATH.format('nowhere')}/{user}", "path_session_not_found"),
                (f"{_PATH.format(session)}/nobody", "user_not_found"),
                (f"{_PATH.format('nowhere')}/users", "path_session_not_found"),
                ("/api/v1/nothing", "not_found"),
            ]
        )
        response = await self._ask(path, company, statuses=(404,))
        if response.json() != {"error": code}:
            self._results.add_fault(f"{path}: {response.text}, not {code}")

    async def unauthorized(self) -> None:
        company, session, user = self._random.choice(self._pairs)
        others = [key for other, key in self._results.keys.items() if other != company]
        wrong = {"X-apiKey": self._random.choice([*others, "", self._results.keys[company][:-1]])}
        path = _PATH.format(session) + self._random.choice(("", "/users", f"/{user}"))
        response = await self._ask(path, company, wrong, statuses=(401,))
        if response.json() != {"error": "unauthorized"}:
            self._results.add_fault(f"unauthorized: {response.text}")

    async def count(self) -> None:
        company, session, _ = self._random.choice(self._pairs)
        response = await self._ask(_PATH.format(session), company)
        counted = {kind: count for kind, count in response.json()["detailedStatus"].items() if count}
        self._check_release(
            response,
            lambda it: None if counted == it.counts.get((company, session), {}) else f"counts of {session}",
        )

    async def all_learners(self) -> None:
        company, session, _ = self._random.choice(self._pairs)
        response = await self._ask(f"{_PATH.format(session)}/users", company)
        learners = {learner.pop("_id"): json.dumps(learner) for learner in response.json()["usersStats"]}
        self._check_release(
            response,
            lambda it: None if learners == it.session(company, session) else f"learners of {session}",
        )

    async def ready(self) -> None:
        response = await self._ask("/readyz", "")
        if response.json()["status"] != "ready":
            self._results.add_fault(response.text)

    async def _ask(
        self,
        path: str,
        company: str,
        headers: dict[str, str] | None = None,
        *,
        method: str = "GET",
        statuses: tuple[int, ...] = (200,),
    ) -> httpx.Response:
        results = self._results
        key = {"X-company-id": company, "X-apiKey": results.keys.get(company, "")}
        before, start = (results.switches, results.live_release), time.perf_counter()
        response = await self._client.request(method, path, headers={**key, **(headers or {})})
        results.seconds.append(time.perf_counter() - start)
        results.statuses[f"{response.status_code}"] += 1
        if response.status_code not in statuses:
            results.add_fault(f"{method} {path}: {response.status_code} {response.text[:200]}")
        is_settled = results.live_release and before == (results.switches, results.live_release)
        if is_settled and "etag" in response.headers:
            found = _release_of(response)
            if found != results.live_release:
                results.add_fault(f"{path}: served from {found} while {results.live_release} was live")
        return response

    def _check_release(self, response: httpx.Response, fault: Callable[[Expected], str | None]) -> None:
        release_id, as_of = _release_of(response), response.headers["consistent-through"]
        self._results.releases[release_id] += 1
        self._results.check(
            release_id, lambda it: fault(it) if as_of == it.as_of else f"Consistent-Through {as_of}"
        )


def _release_of(response: httpx.Response) -> str:
    """The release id in the response's ETag."""
    return str(response.headers["etag"]).strip('"').rpartition(".")[0]
