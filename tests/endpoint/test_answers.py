"""The look-up over HTTP, compared byte for byte, from a real process to a real client."""

from urllib.parse import quote

import httpx
import pytest

from tests.endpoint.conftest import STATS
from tests.helpers.server_process import Headers, Server

ADA = (
    '{"progress": 50, "globalTime": 96455, "score": 38, "status": "onTime", "completedAt": null, '
    '"detailedStatus": {"type": "onTime"}, "result": null}'
)
ZOE = (
    '{"progress": 100, "globalTime": 0, "score": null, "status": "completed", '
    '"completedAt": "2026-03-05T12:00:00.999Z", "detailedStatus": {"type": "successful"}, '
    '"result": "successful"}'
)
ARCHIVED = (
    '{"progress": 0, "globalTime": 0, "score": null, "status": "onTime", "completedAt": null, '
    '"detailedStatus": {"type": "notYetStarted"}, "result": null, "archivedAt": "2026-03-06T12:00:00.000Z"}'
)
ENDED = (
    '{"progress": 0, "globalTime": 0, "score": null, "status": "onTime", "completedAt": null, '
    '"detailedStatus": {"type": "unsuccessful", "reason": "sessionEnded"}, "result": null}'
)
OPEN = (
    '{"progress": 0, "globalTime": 0, "score": null, "status": "onTime", "completedAt": null, '
    '"detailedStatus": {"type": "notYetStarted"}, "result": null}'
)


@pytest.mark.parametrize(
    ("session", "user", "status", "body"),
    [
        ("S", "u1", 200, ADA),
        ("S", "u2", 200, ZOE),
        ("S", "u3", 200, ARCHIVED),
        ("S", "x%2F1", 200, OPEN),
        ("S%20%2F%C3%BC%2B%25", "u1", 200, ENDED),
        ("S%20%2F%C3%BC+%25", "u1", 200, ENDED),
        ("S", "ada+test@example.org", 200, ADA),
        ("S", "ada%2Btest%40example.org", 200, ADA),
        ("S", "%20ADA%2BTEST%40EXAMPLE.ORG%09", 200, ADA),
        ("S", "zo%C3%AB%2Bstrau%C3%9F%40example.org", 200, ZOE),
        ("S", "ZO%C3%8B%2BSTRAUSS%40example.org", 200, ZOE),
        ("S", "o'brien%2Fx@example.org", 200, OPEN),
        ("nowhere", "u1", 404, '{"error": "path_session_not_found"}'),
        ("nowhere", "nobody", 404, '{"error": "path_session_not_found"}'),
        ("S", "nobody", 404, '{"error": "user_not_found"}'),
        ("S", "ada%20test@example.org", 404, '{"error": "user_not_found"}'),
        ("S", "u4", 404, '{"error": "user_not_enrolled"}'),
        ("S", "nobody.here@example.org", 404, '{"error": "user_not_enrolled"}'),
    ],
)
def test_the_body_to_the_letter(
    server: Server, acme: Headers, session: str, user: str, status: int, body: str
) -> None:
    path = f"/api/v1/paths/sessions/{session}/stats/{user}"
    by_headers = server.client.get(path, headers=acme)
    query = f"company={acme['X-company-id']}&apiKey={acme['X-apiKey']}"
    by_query = server.client.get(f"{path}?{query}")
    for answer in (by_headers, by_query):
        assert (answer.status_code, answer.text) == (status, body)
        assert answer.headers["content-type"] == "application/json"
    head = server.client.head(path, headers=acme)
    assert (head.status_code, head.text) == (status, "")
    assert _lasting(head) == _lasting(by_headers)


def _lasting(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "date"}


def test_status_counts_of_a_session(server: Server, acme: Headers) -> None:
    answer = server.client.get(STATS, headers=acme)
    assert answer.status_code == 200
    assert answer.json() == {
        "sessionId": "S",
        "enrolled": 3,
        "archived": 1,
        "status": {"completed": 1, "awaitingCorrection": 0, "late": 0, "onTime": 2},
        "detailedStatus": {
            "sessionNotOpened": 0,
            "successful": 1,
            "unsuccessful": 0,
            "awaitingCorrection": 0,
            "toRetake": 0,
            "notYetStarted": 1,
            "late": 0,
            "onTime": 1,
        },
    }


def test_session_response_lists_all_learners_as_the_look_up(server: Server, acme: Headers) -> None:
    answer = server.client.get(f"{STATS}/users", headers=acme)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    found = answer.json()
    assert list(found) == ["sessionId", "usersStats"]
    assert found["sessionId"] == "S"
    learners = {learner.pop("_id"): learner for learner in found["usersStats"]}
    assert sorted(learners) == ["u1", "u2", "u3", "x/1"]
    for user_id, stats in learners.items():
        assert stats == server.client.get(f"{STATS}/{quote(user_id, safe='')}", headers=acme).json()
    assert server.client.get(f"{STATS}/users", headers=acme).content == answer.content


def test_companions_of_a_session_without_learners_and_of_none(server: Server, acme: Headers) -> None:
    empty = "/api/v1/paths/sessions/empty/stats"
    counts = server.client.get(empty, headers=acme).json()
    assert (counts["enrolled"], counts["archived"]) == (0, 0)
    assert set(counts["status"].values()) | set(counts["detailedStatus"].values()) == {0}
    assert server.client.get(f"{empty}/users", headers=acme).json() == {
        "sessionId": "empty",
        "usersStats": [],
    }
    for companion in ("stats", "stats/users"):
        answer = server.client.get(f"/api/v1/paths/sessions/nowhere/{companion}", headers=acme)
        assert (answer.status_code, answer.text) == (404, '{"error": "path_session_not_found"}')


def test_head_of_what_is_streamed(server: Server, acme: Headers) -> None:
    head = server.client.head(f"{STATS}/users", headers=acme)
    whole = server.client.get(f"{STATS}/users", headers=acme)
    assert (head.status_code, head.text) == (200, "")
    # The length is unknown until the end, so there is no header for it.
    assert set(_lasting(head)) == set(_lasting(whole)) - {"transfer-encoding"}
