"""Who may ask, how often and what: tokens, scopes, limits and errors, in the API's words."""

import pytest

from sandbox.app import Sandbox
from sandbox.endpoints import SCOPES
from sandbox.oauth import Clients
from sandbox.platform import Platform
from tests.helpers.documented_api import scope_of
from tests.helpers.documented_fields import described
from tests.helpers.sandbox_client import CREDENTIALS, Client


def test_a_token_and_how_long_it_is_good_for(demo: Client) -> None:
    tokens = [demo.post("/api/v2/oauth2/token", json=CREDENTIALS).json() for _ in range(2)]
    assert {token["token_type"] for token in tokens} == {"Bearer"}
    assert sorted(map(repr, (token["expires_in"] for token in tokens))) == ["'3600'", "3600"]
    assert tokens[0]["access_token"] != tokens[1]["access_token"]


@pytest.mark.parametrize("wrong", [{"client_id": "somebody"}, {"client_secret": "guessed"}])
def test_wrong_credentials(demo: Client, wrong: dict[str, str]) -> None:
    answer = demo.post("/api/v2/oauth2/token", json=CREDENTIALS | wrong)
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


def test_no_token_no_page(demo: Client) -> None:
    for header in ("", "Bearer of-nobody", demo.headers["Authorization"].replace("Bearer", "Basic")):
        answer = demo.get("paths", Authorization=header)
        assert (answer.status_code, answer.json()) == (401, {"error": "invalid_token"})


def test_a_token_expires(demo_platform: Platform) -> None:
    now = [0.0]
    client = Client(Sandbox(demo_platform, Clients(token_s=60, clock=lambda: now[0])))
    assert client.get("paths").status_code == 200
    now[0] = 60.0
    assert client.get("paths").json() == {"error": "invalid_token"}


def test_request_without_api_version_is_rejected(demo: Client) -> None:
    answer = demo.get("paths", **{"360-api-version": "v1.0"})
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"code", "message"}


@pytest.mark.parametrize("pattern", described())
def test_endpoint_needs_its_scope(demo: Client, demo_platform: Platform, pattern: str) -> None:
    route, needed = demo.routes(pattern)[0], scope_of(pattern)
    others = tuple(scope for scope in SCOPES if scope != needed)
    without = Client(Sandbox(demo_platform, Clients(scopes=others)))
    rejected = without.get(route)
    assert rejected.status_code == 403
    assert rejected.json()["error"]["code"] == "invalid_scope"
    assert needed in rejected.json()["error"]["message"]
    assert Client(Sandbox(demo_platform, Clients(scopes=(needed,)))).get(route).status_code == 200


@pytest.mark.parametrize(
    ("route", "code"),
    [
        ("paths/000000000000000000000000/enrollments", "pathNotFound"),
        ("classrooms/000000000000000000000000/slots", "classroomNotFound"),
        ("webhooks/subscriptions/000000000000000000000000/events", "subscriptionNotFound"),
        ("webhooks/subscriptions/000000000000000000000000", "subscriptionNotFound"),
        ("webhooks/subscriptions/5ab000000000000000000001/deliveries", "notFound"),
        ("users/000000000000000000000000/certificates", "userNotFound"),
        ("paths/000000000000000000000000/sessions/000000000000000000000000/user-statuses", "pathNotFound"),
        ("programs", "notFound"),
        ("../v1/paths", "notFound"),
    ],
)
def test_an_unknown_resource_is_404_with_its_code(demo: Client, route: str, code: str) -> None:
    answer = demo.get(route)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)
    assert set(answer.json()["error"]) == {"code", "message"}


def test_user_statuses_of_a_session_of_another_path_are_not_found(demo: Client) -> None:
    first, *_ = demo.rows("paths")
    session = next(it for it in demo.rows("paths/sessions") if it["pathId"] != first["_id"])
    answer = demo.get(f"paths/{first['_id']}/sessions/{session['_id']}/user-statuses")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "sessionNotFound")


def test_only_reading_is_allowed(demo: Client) -> None:
    answer = demo.post("/api/v2/paths", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "methodNotAllowed")


@pytest.mark.parametrize("body", [b"", b"[]", b"[" * 100_000, b"\xff", b'{"grant_type": "password"}'])
def test_invalid_token_request_is_rejected(demo: Client, body: bytes) -> None:
    answer = demo.post("/api/v2/oauth2/token", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"] in ("invalid_request", "unsupported_grant_type")


def test_more_than_the_limit_in_a_second(demo_platform: Platform) -> None:
    client = Client(Sandbox(demo_platform, limit=2))
    answers = [client.get("classrooms") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json() == {"error": "tooManyRequests"}
    assert "retry-after" not in answers[2].headers


@pytest.mark.parametrize("text", ["2026-03-11T00:00:00", "0001-01-01T00:00:00+05:00", "tomorrow", ""])
def test_invalid_or_naive_time_is_rejected(demo: Client, text: str) -> None:
    answer = demo.post("/sandbox/as-of", content=text)
    assert (answer.status_code, answer.text) == (400, "Send a time with its zone: 2026-03-10T00:00:00Z.\n")
