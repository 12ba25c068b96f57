"""Who gets an answer: over all routes, a company's key opens that company and nothing else."""

import base64
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.endpoint.conftest import STATS
from tests.helpers.server_process import Headers, Server, asking

UNAUTHORIZED = (401, '{"error": "unauthorized"}')
# Every route that answers of a company, asked about what there is in both.
OF_A_COMPANY = [f"{STATS}/u1", STATS, f"{STATS}/users"]
PAGES = ["/", "/report/sessions/S"]
OPEN_TO_ALL = ["/healthz", "/readyz", "/openapi.json"]


def messages(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.text


def test_these_are_all_routes(server: Server) -> None:
    described = set(server.client.get("/openapi.json").json()["paths"]) | {"/openapi.json"}
    tested = {
        path.replace("/S", "/{sessionId}", 1).replace("/u1", "/{userEmailOrId}")
        for path in OF_A_COMPANY + PAGES + OPEN_TO_ALL
    }
    assert described == tested


def wrong_credentials(acme: Headers, zen: Headers) -> dict[str, Headers]:
    key, other = acme["X-apiKey"], zen["X-apiKey"]
    return {
        "none": {},
        "no company": {"X-apiKey": key},
        "no key": {"X-company-id": "acme"},
        "empty": asking("acme", ""),
        "both empty": asking("", ""),
        "wrong": asking("acme", "ps_00000000_" + 64 * "0"),
        "wrong by a character": asking("acme", key[:-1] + ("0" if key[-1] != "0" else "1")),
        "shorter": asking("acme", key[:-1]),
        "longer": asking("acme", key + "0"),
        "spelled otherwise": asking("acme", key.upper()),
        "its id alone": asking("acme", key[:11]),
        "another company's": asking("acme", other),
        "to another company": asking("zen", key),
        "the company in another case": asking("ACME", key),
        "an unknown company": asking("nobody", key),
        "exchanged": asking(key, "acme"),
    }


@pytest.mark.parametrize("path", OF_A_COMPANY)
def test_whatever_is_wrong_the_answer_is_the_same(
    server: Server, acme: Headers, zen: Headers, path: str
) -> None:
    answers = {}
    for what, headers in wrong_credentials(acme, zen).items():
        answer = server.client.get(path, headers=headers)
        assert messages(answer) == UNAUTHORIZED, what
        answers[what] = {name: value for name, value in answer.headers.items() if name != "date"}
        query = {"company": headers.get("X-company-id"), "apiKey": headers.get("X-apiKey")}
        given = {name: value for name, value in query.items() if value is not None}
        assert messages(server.client.get(path, params=given)) == UNAUTHORIZED, what
    assert all(headers == answers["none"] for headers in answers.values())


@pytest.mark.parametrize("path", OF_A_COMPANY)
@pytest.mark.parametrize(
    "unknown", ["/S/stats", "/nowhere/stats", "/%00/stats"], ids=["there", "nowhere", "odd"]
)
def test_who_may_not_ask_learns_of_nothing(server: Server, zen: Headers, path: str, unknown: str) -> None:
    asked = path.replace("/S/stats", unknown)
    assert messages(server.client.get(asked, headers={**zen, "X-company-id": "acme"})) == UNAUTHORIZED
    known = {"If-None-Match": server.client.get(STATS, headers=zen).headers["etag"]}
    assert messages(server.client.get(asked, headers=known)) == UNAUTHORIZED


def test_each_company_is_answered_of_its_own(server: Server, acme: Headers, zen: Headers) -> None:
    by_company: dict[str, list[Any]] = {
        headers["X-company-id"]: [server.client.get(path, headers=headers).json() for path in OF_A_COMPANY]
        for headers in (acme, zen)
    }
    assert [by_company[company][0]["progress"] for company in ("acme", "zen")] == [50, 100]
    assert [by_company[company][1]["enrolled"] for company in ("acme", "zen")] == [3, 1]
    learners = {
        company: sorted(learner["_id"] for learner in answers[2]["usersStats"])
        for company, answers in by_company.items()
    }
    assert learners == {"acme": ["u1", "u2", "u3", "x/1"], "zen": ["u1"]}


@pytest.mark.parametrize(
    ("session", "user", "code"),
    [
        ("Z", "z1", "path_session_not_found"),
        ("Z", "users", "path_session_not_found"),
        ("S", "z1", "user_not_found"),
        ("S", "zen.secret@example.org", "user_not_found"),
    ],
)
def test_what_another_company_has_is_as_what_nobody_has(
    server: Server, acme: Headers, session: str, user: str, code: str
) -> None:
    nowhere = {"Z": "nowhere", "S": "S"}[session], user if user == "users" else "nobody"
    answers = [
        server.client.get(f"/api/v1/paths/sessions/{asked}/stats/{quote(who)}", headers=acme)
        for asked, who in ((session, user), nowhere)
    ]
    assert [messages(answer) for answer in answers] == [(404, f'{{"error": "{code}"}}')] * 2
    assert answers[0].headers.keys() == answers[1].headers.keys()


def test_the_same_address_is_another_person_in_another_company(server: Server, zen: Headers) -> None:
    answer = server.client.get("/api/v1/paths/sessions/Z/stats/ADA+test@example.org", headers=zen)
    assert (answer.status_code, answer.json()["progress"]) == (200, 0)


@pytest.mark.parametrize(
    "query",
    [
        "company=acme&company=acme&apiKey={acme}",
        "company=acme&company=zen&apiKey={acme}",
        "company=acme&apiKey={acme}&apiKey={zen}",
        "company=acme&apiKey={acme}x",
        "company=acme;apiKey={acme}",
        "Company=acme&apikey={acme}",
        "company=acme&apiKey=%FF",
        "company=%00&apiKey={acme}",
        "company[]=acme&apiKey={acme}",
    ],
)
def test_a_query_that_could_be_read_in_two_ways_opens_nothing(
    server: Server, acme: Headers, zen: Headers, query: str
) -> None:
    asked = query.format(acme=acme["X-apiKey"], zen=zen["X-apiKey"])
    assert messages(server.client.get(f"{STATS}/u1?{asked}")) == UNAUTHORIZED


def test_headers_that_are_given_twice_open_nothing(server: Server, acme: Headers) -> None:
    twice = [*acme.items(), ("X-company-id", "zen")]
    assert messages(server.client.get(STATS, headers=twice)) == UNAUTHORIZED


@pytest.mark.parametrize("query", ["company=acme&apiKey=wrong", "apiKey=wrong", "company=zen", "apiKey="])
def test_a_wrong_query_is_not_mended_by_right_headers(server: Server, acme: Headers, query: str) -> None:
    assert messages(server.client.get(f"{STATS}/u1?{query}", headers=acme)) == UNAUTHORIZED


@pytest.mark.parametrize("path", OPEN_TO_ALL)
def test_what_is_open_to_all_tells_of_nobody(server: Server, path: str) -> None:
    answer = server.client.get(path)
    assert answer.status_code == 200
    for secret in ("acme", "zen", "u1", "example.org"):
        assert secret not in answer.text


def login(company_id: str, key: str) -> Headers:
    return {"Authorization": "Basic " + base64.b64encode(f"{company_id}:{key}".encode()).decode()}


def test_a_login_opens_pages_only(server: Server, acme: Headers) -> None:
    """Else any web page could have a logged-in browser ask for statistics."""
    headers = login("acme", acme["X-apiKey"])
    for path in OF_A_COMPANY:
        assert messages(server.client.get(path, headers=headers)) == UNAUTHORIZED
