"""Failures of a platform: the retries, how long they go on, and the sentence a person gets."""

import asyncio
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from flows.sources.learning360.client import Platform, connected
from flows.sources.learning360.resources import USERS, ListRequest
from schemas.errors import SourceError, SourceUnavailable, Unreachable
from tests.helpers import virtual_time
from tests.helpers.extractions import land, landed, settings
from tests.helpers.fake_platform import CLIENT_ID, SECRET, TOKENS, FakePlatform
from tests.helpers.small_company import PATH, small_company


def json_error(status: int, code: str, **headers: str) -> httpx.Response:
    error = {"error": code} if code.islower() else {"error": {"code": code, "message": "Ada Lovelace"}}
    return httpx.Response(status, json=error, headers=headers)


def always(platform: FakePlatform, pattern: str, answer: httpx.Response) -> None:
    platform.faults[pattern] = lambda request, met: answer


# Errors that no retry can correct: one request, one sentence.
PERMANENT = [
    ("oauth2", json_error(401, "invalid_client"), "does not know the client"),
    ("oauth2", httpx.Response(200, text="<html>Welcome</html>"), "the request for a token with .* not JSON"),
    ("oauth2", httpx.Response(200, json={"token": 1}), "list token, page 1: access_token is missing"),
    ("oauth2", httpx.Response(404, text="no"), "has no /api/v2/oauth2/token. Check base_url"),
    ("oauth2", httpx.Response(302, headers={"Location": "/login"}), "redirects the request for"),
    ("/users", json_error(403, "invalidScope"), "may not read the list users: it lacks the scope users:read"),
    ("/courses/stats", json_error(403, "invalid_scope"), "the list courses: it lacks .* courseStats:read"),
    ("/events", json_error(403, "invalidScope"), "the list corrections: it lacks the scope webhooks:read"),
    ("/users", httpx.Response(404, text="no"), "has no /api/v2/users. Check base_url"),
    (
        "/enrollments",
        httpx.Response(404, text="no"),
        f"has no /api/v2/paths/{PATH}/enrollments. Check base_url",
    ),
    ("/users", json_error(400, "invalidParameter"), r"the list users \(HTTP 400, invalidParameter\)"),
    ("/users", json_error(422, "invalidParameter"), r"rejects the list users \(HTTP 422, invalidParameter\)"),
    ("/users", httpx.Response(200, text="<html></html>"), "the list users, page 1, with .* not JSON"),
    ("/users", httpx.Response(200, text='[{"_id": NaN}]'), "not JSON"),
    ("/users", httpx.Response(200, json={"data": []}), "list users, page 1: it is not a list of objects"),
    ("/users", httpx.Response(200, json=[["u1"]]), "list users, page 1: it is not a list of objects"),
    ("/users", httpx.Response(200, json=[{"id": "u1"}]), "page 1: the field _id is missing or not a text"),
    (
        "/paths$",
        httpx.Response(200, json=[{"_id": "p", "options": {}}]),
        "list paths, page 1: the field steps",
    ),
    ("/paths$", httpx.Response(200, json=[{"_id": "p", "options": [], "steps": []}]), "not an object"),
]


@pytest.mark.parametrize(("pattern", "answer", "sentence"), PERMANENT)
def test_permanent_failure_is_not_retried(
    tmp_path: Path, pattern: str, answer: httpx.Response, sentence: str
) -> None:
    platform = small_company()
    always(platform, pattern, answer)
    with pytest.raises(SourceError, match=sentence) as raised:
        land(platform, tmp_path)
    assert not isinstance(raised.value, SourceUnavailable)
    assert len(platform.times[pattern]) == 1
    assert "Ada" not in str(raised.value)
    assert "\n" not in str(raised.value)


TRANSIENT = [
    (
        json_error(429, "toomanyrequests"),
        "rejected too many requests in the last minutes, for the list users",
    ),
    (json_error(500, "internalServerError"), "fails with HTTP 500 on the request for the list users"),
    (httpx.Response(502, text="Bad gateway"), "HTTP 502"),
    (httpx.Response(503, text=""), "HTTP 503"),
    (httpx.Response(408), "HTTP 408"),
]


@pytest.mark.parametrize(("answer", "sentence"), TRANSIENT)
@pytest.mark.parametrize("times", [1, 7, 8])
def test_transient_failure_is_retried(
    tmp_path: Path, answer: httpx.Response, sentence: str, times: int
) -> None:
    """Seven times is borne, with longer and longer pauses; the eighth ends the run, or is Prefect's."""
    platform = small_company()
    platform.faults["/users$"] = lambda request, met: answer if met < times else None
    if times < 8:
        assert landed(land(platform, tmp_path))["users"] == platform.lists["users"]
    else:
        with pytest.raises(SourceUnavailable, match=sentence):
            land(platform, tmp_path)


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ReadError]
)
@pytest.mark.parametrize("pattern", ["oauth2", "/users"])
def test_a_connection_that_is_cut(tmp_path: Path, error: type[httpx.TransportError], pattern: str) -> None:
    def cut(request: httpx.Request, met: int) -> None:
        if met < times:
            raise error("s3cret")

    platform = small_company()
    platform.faults[pattern] = cut
    times = 3
    assert landed(land(platform, tmp_path / "some"))["users"] == platform.lists["users"]
    times = 99
    with pytest.raises(SourceUnavailable, match=rf"can't be reached .*\({error.__name__}\)") as raised:
        land(platform, tmp_path / "all")
    assert "s3cret" not in str(raised.value)


def _pauses(platform: FakePlatform, pattern: str) -> list[int]:
    """Between the requests that the pattern means, in whole seconds."""
    return [round(later - earlier) for earlier, later in pairwise(platform.times[pattern])]


def test_pauses_get_longer(tmp_path: Path) -> None:
    platform = small_company()
    platform.faults["/users$"] = lambda request, met: httpx.Response(500) if met < 5 else None
    land(platform, tmp_path)
    # With up to half a second by chance.
    for pause, least in zip(_pauses(platform, "/users$"), (1, 2, 4, 8, 16), strict=True):
        assert least <= pause <= least + 3


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "37"},
        {"Retry-After": "Tue, 10 Mar 2026 02:00:37 GMT", "Date": "Tue, 10 Mar 2026 02:00:00 GMT"},
    ],
)
def test_client_waits_as_long_as_the_platform_asks(tmp_path: Path, headers: dict[str, str]) -> None:
    platform = small_company()
    busy = httpx.Response(429, json={"error": "tooManyRequests"}, headers=headers)
    platform.faults["/users$"] = lambda request, met: busy if met < 2 else None
    land(platform, tmp_path)
    # The loop's clock also counts what the test itself takes.
    assert all(37 <= pause <= 40 for pause in _pauses(platform, "/users$"))
    assert len(platform.times["/users$"]) == 3


def test_all_requests_wait_when_one_is_rate_limited(tmp_path: Path) -> None:
    """A burst of 429 is not answered by thirty more requests."""
    platform = small_company(page_size=1)
    busy = httpx.Response(429, json={"error": "tooManyRequests"}, headers={"Retry-After": "30"})
    platform.faults["/users$"] = lambda request, met: busy if met == 0 else None
    platform.latency_s = 0.2
    land(platform, tmp_path, requests_per_second=50)
    first = platform.times["/users$"][0]
    # Those under way, and the one behind each, at most; then silence.
    assert [at for at in platform.at if first + 0.25 < at < first + 29] == []
    assert max(platform.at) > first + 30


def test_a_wait_of_an_hour_is_left_to_the_next_run(tmp_path: Path) -> None:
    platform = small_company()
    always(platform, "/users$", httpx.Response(429, headers={"Retry-After": "3600"}))
    with pytest.raises(SourceUnavailable, match="rejected too many requests"):
        land(platform, tmp_path)
    assert len(platform.times["/users$"]) == 1


def test_permanent_failure_is_reported_before_a_transient_one(tmp_path: Path) -> None:
    platform = small_company()
    platform.latency_s = 1
    always(platform, "/users$", json_error(403, "invalidScope"))
    always(platform, "/classrooms$", httpx.Response(429, headers={"Retry-After": "3600"}))
    with pytest.raises(SourceError, match="users:read"):
        land(platform, tmp_path, requests_per_second=50)


# Later pages


@pytest.mark.parametrize("status", [404, 400])
@pytest.mark.parametrize(
    ("pattern", "name"), [("users.cursor", "users"), ("published&cursor", "enrollments")]
)
def test_later_page_that_is_gone_is_named(tmp_path: Path, status: int, pattern: str, name: str) -> None:
    """The list is read from its first page once more: the address of a page may expire."""
    platform = small_company(page_size=1)
    always(platform, pattern, json_error(status, "cursorNotFound"))
    sentence = rf"list {name}.*, page 2: HTTP {status} at the URL that page 1 gave for it\. Run again"
    with pytest.raises(SourceError, match=sentence):
        land(platform, tmp_path)
    assert len(platform.times[pattern]) == 2


def test_later_page_that_is_gone_once_loses_no_row(tmp_path: Path) -> None:
    platform = small_company(page_size=1)
    for pattern in ("users.cursor=2", "published&cursor=1"):
        platform.faults[pattern] = lambda request, met: (
            json_error(404, "cursorNotFound") if met == 0 else None
        )
    assert landed(land(platform, tmp_path / "gone")) == landed(land(small_company(1), tmp_path / "sound"))


def test_path_that_is_deleted_between_two_pages_has_no_enrollments(tmp_path: Path) -> None:
    platform = small_company(page_size=1)

    def delete(request: httpx.Request, met: int) -> None:
        platform.lists.pop(f"paths/{PATH}/enrollments", None)

    platform.faults["published&cursor=1"] = delete
    found = landed(land(platform, tmp_path))
    assert found[f"enrollments/{PATH}/published"] == found[f"enrollments/{PATH}/archived"] == []


# A host that never answers


@pytest.mark.parametrize(
    ("error", "seconds", "attempts"),
    [
        (httpx.ConnectError, 0.0, 4),
        (httpx.ConnectTimeout, 3.0, 2),
        (httpx.ReadTimeout, 10.0, 1),
        (None, 0.0, 1),
    ],
)
def test_host_that_never_answers_is_reported_within_15_s(
    caplog: pytest.LogCaptureFixture,
    error: type[httpx.TransportError] | None,
    seconds: float,
    attempts: int,
) -> None:
    asked: list[float] = []
    took: list[float] = []

    async def silent(request: httpx.Request) -> httpx.Response:
        asked.append(asyncio.get_running_loop().time())
        await asyncio.sleep(seconds if error else 3600)
        raise (error or httpx.ReadTimeout)("no")

    async def timed() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with connected(settings(), httpx.MockTransport(silent)) as asking:
                await asking.now()
        finally:
            took.append(loop.time() - began)

    name = error.__name__ if error else "TimeoutError"
    with pytest.raises(Unreachable, match=rf"platform\.test can't be reached .*\({name}\)\. Check base_url"):
        virtual_time.run(timed())
    assert took[0] < 15
    assert len(asked) == attempts
    # Each attempt but the last, which the error reports, is shown at once.
    shown = [record.getMessage() for record in caplog.records if record.name == "pathstats.run"]
    assert len(shown) == attempts - 1
    for line in shown:
        assert f"can't be reached or dropped the connection ({name}); trying again in " in line


def test_platform_that_is_busy_is_waited_for_and_a_person_sees_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """From the first request on: it answers, so it is the right one."""
    platform = small_company()
    platform.faults["oauth2"] = lambda request, met: httpx.Response(503) if met < 6 else None
    land(platform, tmp_path)
    assert platform.times["oauth2"][-1] - platform.times["oauth2"][0] > 60
    shown = [record.getMessage() for record in caplog.records if record.name == "pathstats.run"]
    # One line in five seconds at most.
    assert [line.partition(" ")[2] for line in shown] == [
        f"answers HTTP 503; trying again in {pause} s." for pause in (1, 8, 16, 32)
    ]


def test_host_that_stops_answering_is_waited_for_longer(tmp_path: Path) -> None:
    platform = small_company()

    def cut(request: httpx.Request, met: int) -> None:
        if met < 6:
            raise httpx.ConnectError("no")

    platform.faults["/users$"] = cut
    land(platform, tmp_path)
    assert platform.times["/users$"][-1] - platform.times["/users$"][0] > 60


# Tokens


def test_a_token_is_renewed_before_it_ends(tmp_path: Path) -> None:
    """`expires_in` may be a text."""
    platform = small_company(page_size=1)
    platform.expires_in = "20"
    platform.latency_s = 10
    land(platform, tmp_path)
    assert platform.tokens_given > 1
    assert 401 not in platform.statuses


def test_a_token_that_is_rejected_is_replaced_once_for_all_who_met_it(tmp_path: Path) -> None:
    platform = small_company(page_size=1)
    platform.latency_s = 0.5
    platform.faults["/users.cursor=1"] = lambda request, met: platform.rejected_tokens.add(TOKENS[0])  # type: ignore[func-returns-value]
    expected = landed(land(small_company(page_size=1), tmp_path / "sound"))
    assert landed(land(platform, tmp_path / "rejected")) == expected
    assert platform.tokens_given == 2


def test_a_token_that_was_revoked_before_its_turn_came_is_replaced_again() -> None:
    """While one request waits, others are answered with the token that it will come with."""
    asking: Platform
    given: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("token"):
            given.append(TOKENS[len(given)])
            return httpx.Response(200, json={"access_token": given[-1]})
        if request.url.path == "/waits" and len(given) < 4:
            await asking.page(ListRequest(USERS), "/is-answered")
            return json_error(401, "invalid_token")
        return httpx.Response(200, json=[])

    async def ask() -> None:
        nonlocal asking
        async with connected(settings(), httpx.MockTransport(answer)) as asking:
            await asking.page(ListRequest(USERS), "/waits")

    virtual_time.run(ask())
    assert len(given) == 4


def test_a_fresh_token_that_is_rejected_too(tmp_path: Path) -> None:
    platform = small_company()
    platform.rejected_tokens = set(TOKENS)
    with pytest.raises(SourceError, match="rejects a token that it has just issued"):
        land(platform, tmp_path)


@pytest.mark.parametrize(
    "wrong", [{"client_id": "somebody-else"}, {"client_secret": "another-secret-entirely"}]
)
def test_bad_credentials(tmp_path: Path, wrong: dict[str, str]) -> None:
    platform = small_company()
    with pytest.raises(SourceError, match="client_id or client_secret is wrong") as raised:
        land(platform, tmp_path, **wrong)
    assert not {CLIENT_ID, SECRET, *wrong.values()} & set(str(raised.value).split())
    assert [entry.name for entry in tmp_path.iterdir()] == []


def test_the_small_company_is_asked_for_its_path(tmp_path: Path) -> None:
    platform = small_company()
    always(platform, "/enrollments", json_error(404, "pathNotFound"))
    assert landed(land(platform, tmp_path))[f"enrollments/{PATH}/published"] == []
