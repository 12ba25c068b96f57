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


def test_every_route_is_listed(server: Server) -> None:
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
def test_unauthorized_response_is_the_same_for_every_cause(
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
def test_unauthorized_client_learns_nothing(server: Server, zen: Headers, path: str, unknown: str) -> None:
    asked = path.replace("/S/stats", unknown)
    assert messages(server.client.get(asked, headers={**zen, "X-company-id": "acme"})) == UNAUTHORIZED
    known = {"If-None-Match": server.client.get(STATS, headers=zen).headers["etag"]}
    assert messages(server.client.get(asked, headers=known)) == UNAUTHORIZED


def test_company_gets_only_its_own_data(server: Server, acme: Headers, zen: Headers) -> None:
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
def test_data_of_another_company_looks_like_missing_data(
    server: Server, acme: Headers, session: str, user: str, code: str
) -> None:
    nowhere = {"Z": "nowhere", "S": "S"}[session], user if user == "users" else "nobody"
    answers = [
        server.client.get(f"/api/v1/paths/sessions/{asked}/stats/{quote(who)}", headers=acme)
        for asked, who in ((session, user), nowhere)
    ]
    assert [messages(answer) for answer in answers] == [(404, f'{{"error": "{code}"}}')] * 2
    assert answers[0].headers.keys() == answers[1].headers.keys()


def test_same_email_is_another_user_in_another_company(server: Server, zen: Headers) -> None:
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
def test_ambiguous_query_is_unauthorized(server: Server, acme: Headers, zen: Headers, query: str) -> None:
    asked = query.format(acme=acme["X-apiKey"], zen=zen["X-apiKey"])
    assert messages(server.client.get(f"{STATS}/u1?{asked}")) == UNAUTHORIZED


def test_repeated_headers_are_unauthorized(server: Server, acme: Headers) -> None:
    twice = [*acme.items(), ("X-company-id", "zen")]
    assert messages(server.client.get(STATS, headers=twice)) == UNAUTHORIZED


@pytest.mark.parametrize("query", ["company=acme&apiKey=wrong", "apiKey=wrong", "company=zen", "apiKey="])
def test_wrong_query_is_unauthorized_despite_right_headers(server: Server, acme: Headers, query: str) -> None:
    assert messages(server.client.get(f"{STATS}/u1?{query}", headers=acme)) == UNAUTHORIZED


@pytest.mark.parametrize("path", OPEN_TO_ALL)
def test_public_routes_contain_no_data_of_learners(server: Server, path: str) -> None:
    answer = server.client.get(path)
    assert answer.status_code == 200
    for secret in ("acme", "zen", "u1", "example.org"):
        assert secret not in answer.text


def login(company_id: str, key: str) -> Headers:
    return {"Authorization": "Basic " + base64.b64encode(f"{company_id}:{key}".encode()).decode()}


def test_login_opens_pages_only(server: Server, acme: Headers) -> None:
    """Else any web page could have a logged-in browser ask for statistics."""
    headers = login("acme", acme["X-apiKey"])
    for path in OF_A_COMPANY:
        assert messages(server.client.get(path, headers=headers)) == UNAUTHORIZED
