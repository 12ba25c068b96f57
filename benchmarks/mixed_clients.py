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
_COMPLAINTS = 20


@dataclass
class Seen:
    """What all askers know and found.

    expected:  by release id; a response from a release that is not here yet is checked later.
    live_release: the release that must answer; null while another one takes over.
    switches:  how many releases have taken over.
    """

    keys: dict[str, str]
    expected: dict[str, Expected] = field(default_factory=dict)
    live_release: str | None = None
    switches: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    releases: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    later: list[tuple[str, Callable[[Expected], str | None]]] = field(default_factory=list)

    def complain(self, words: str) -> None:
        self.wrong.append(words)
        if len(self.wrong) > _COMPLAINTS:
            raise AssertionError("\n".join(self.wrong))

    async def switch(self, how: Callable[[], str]) -> None:
        """Switch to another release, in a thread; `how` returns its id when it is done."""
        self.live_release = None
        release_id = await asyncio.to_thread(how)
        self.switches, self.live_release = self.switches + 1, release_id

    def hold_against(self, release_id: str, fault: Callable[[Expected], str | None]) -> None:
        if release_id not in self.expected:
            self.later.append((release_id, fault))
        elif words := fault(self.expected[release_id]):
            self.complain(f"{release_id}: {words}")

    def settle(self) -> None:
        """Hold against its release what was answered before that was known."""
        waiting, self.later = self.later, []
        for release_id, fault in waiting:
            self.hold_against(release_id, fault)


class Asker:
    """One client with its connections, asking at random. `pairs`: company, session and user, all enrolled."""

    def __init__(self, url: str, seen: Seen, pairs: list[Pair], seed: int) -> None:
        self._client = httpx.AsyncClient(base_url=url, trust_env=False, timeout=30)
        self._seen, self._pairs, self._random = seen, pairs, random.Random(seed)
        self._tags: dict[Pair, str] = {}
        self._questions: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (12, self.look_up),
            (3, self.look_up_again),
            (2, self.not_found),
            (2, self.unauthorized),
            (1, self.count),
            (1, self.all_learners),
            (1, self.ready),
        ]

    async def go_on(self, until: asyncio.Event) -> None:
        weights, questions = zip(*self._questions, strict=True)
        async with self._client:
            while not until.is_set():
                (question,) = self._random.choices(questions, weights)
                try:
                    await question()
                except (httpx.HTTPError, ValueError, KeyError) as error:
                    self._seen.complain(f"{question.__name__}: {type(error).__name__}: {error}")

    async def look_up(self) -> None:
        company, session, user = pair = self._random.choice(self._pairs)
        method = self._random.choice(("GET", "GET", "GET", "HEAD"))
        answer = await self._ask(f"{_PATH.format(session)}/{user}", company, method=method)
        self._tags[pair] = answer.headers["etag"]
        text = answer.text
        self._of_release(
            answer,
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
        answer = await self._ask(
            f"{_PATH.format(session)}/{user}", company, {"If-None-Match": tag}, statuses=(200, 304)
        )
        if (answer.status_code == 304) is not (answer.headers["etag"] == tag):
            self._seen.complain(f"{answer.status_code} for {tag}, being {answer.headers['etag']}")
        self._of_release(answer, lambda _: None)
        self._tags[pair] = answer.headers["etag"]

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
        answer = await self._ask(path, company, statuses=(404,))
        if answer.json() != {"error": code}:
            self._seen.complain(f"{path}: {answer.text}, not {code}")

    async def unauthorized(self) -> None:
        company, session, user = self._random.choice(self._pairs)
        others = [key for other, key in self._seen.keys.items() if other != company]
        wrong = {"X-apiKey": self._random.choice([*others, "", self._seen.keys[company][:-1]])}
        path = _PATH.format(session) + self._random.choice(("", "/users", f"/{user}"))
        answer = await self._ask(path, company, wrong, statuses=(401,))
        if answer.json() != {"error": "unauthorized"}:
            self._seen.complain(f"unauthorized: {answer.text}")

    async def count(self) -> None:
        company, session, _ = self._random.choice(self._pairs)
        answer = await self._ask(_PATH.format(session), company)
        counted = {kind: count for kind, count in answer.json()["detailedStatus"].items() if count}
        self._of_release(
            answer,
            lambda it: None if counted == it.counts.get((company, session), {}) else f"counts of {session}",
        )

    async def all_learners(self) -> None:
        company, session, _ = self._random.choice(self._pairs)
        answer = await self._ask(f"{_PATH.format(session)}/users", company)
        learners = {learner.pop("_id"): json.dumps(learner) for learner in answer.json()["usersStats"]}
        self._of_release(
            answer,
            lambda it: None if learners == it.session(company, session) else f"learners of {session}",
        )

    async def ready(self) -> None:
        answer = await self._ask("/readyz", "")
        if answer.json()["status"] != "ready":
            self._seen.complain(answer.text)

    async def _ask(
        self,
        path: str,
        company: str,
        headers: dict[str, str] | None = None,
        *,
        method: str = "GET",
        statuses: tuple[int, ...] = (200,),
    ) -> httpx.Response:
        seen = self._seen
        key = {"X-company-id": company, "X-apiKey": seen.keys.get(company, "")}
        before, start = (seen.switches, seen.live_release), time.perf_counter()
        answer = await self._client.request(method, path, headers={**key, **(headers or {})})
        seen.seconds.append(time.perf_counter() - start)
        seen.asked[f"{answer.status_code}"] += 1
        if answer.status_code not in statuses:
            seen.complain(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        if seen.live_release and before == (seen.switches, seen.live_release) and "etag" in answer.headers:
            found = _release_of(answer)
            if found != seen.live_release:
                seen.complain(f"{path}: answered from {found} while {seen.live_release} was the latest")
        return answer

    def _of_release(self, answer: httpx.Response, fault: Callable[[Expected], str | None]) -> None:
        release_id, as_of = _release_of(answer), answer.headers["consistent-through"]
        self._seen.releases[release_id] += 1
        self._seen.hold_against(
            release_id, lambda it: fault(it) if as_of == it.as_of else f"Consistent-Through {as_of}"
        )


def _release_of(answer: httpx.Response) -> str:
    """The id in the release's tag."""
    return str(answer.headers["etag"]).strip('"').rpartition(".")[0]
