"""Whatever is sent, the answer is the endpoint's error in JSON, and never one of ours."""

import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.endpoint.conftest import STATS
from tests.helpers.server_process import Headers, Server

NOT_FOUND = (404, {"error": "not_found"})


def raw(server: Server, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Bytes as they stand, over a connection of their own; status, headers and body of the answer."""
    where = urlsplit(server.url)
    with socket.create_connection((where.hostname, where.port), timeout=20) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, body


def ask(server: Server, target: bytes, headers: Headers, method: bytes = b"GET") -> tuple[int, object]:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
    request = (
        method + b" " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + lines + b"\r\n"
    )
    status, messages, body = raw(server, request)
    assert messages["content-type"] == "application/json", body
    return status, json.loads(body)


HOSTILE = {
    "NUL": b"%00",
    "NUL inside": b"u1%00",
    "no UTF-8": b"%FF%FE",
    "a lone surrogate": b"%ED%A0%80",
    "an overlong slash": b"%C0%AF",
    "a stray per cent": b"100%",
    "half an escape": b"%4",
    "no escape": b"%zz",
    "the highest": b"%F4%8F%BF%BF",
    "SQL": b"'%20OR%201=1%20--",
    "a wildcard": b"%25",
    "a quote": b"%22%5C",
    "lines": b"a%0D%0AX-Evil:%201",
    "dots": b"..",
    "encoded dots": b"%2e%2e%2f",
    "spaces": b"%20%20",
    "a plus": b"+",
    "long": b"x" * 10_000,
    "a semicolon": b"u1;v=1",
    "braces": b"{userEmailOrId}",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_arbitrary_text_is_an_unknown_name(server: Server, acme: Headers, text: bytes) -> None:
    session, user = b"/api/v1/paths/sessions/" + text + b"/stats", STATS.encode() + b"/" + text
    assert ask(server, session + b"/u1", acme) == (404, {"error": "path_session_not_found"})
    assert ask(server, session, acme) == (404, {"error": "path_session_not_found"})
    assert ask(server, session + b"/users", acme) == (404, {"error": "path_session_not_found"})
    assert ask(server, user, acme) == (404, {"error": "user_not_found"})
    assert ask(server, user, {}) == (401, {"error": "unauthorized"})
    query = b"?company=" + text + b"&apiKey=" + text
    assert ask(server, STATS.encode() + query, {}) == (401, {"error": "unauthorized"})


@pytest.mark.parametrize(
    "path",
    [
        "/x",
        "//",
        "/api",
        "/api/v1/paths/sessions",
        "/api/v1/paths/sessions/S",
        "/api/v1/paths/sessions/S/stats/",
        "/api/v1/paths/sessions/S/stats/u1/",
        "/api/v1/paths/sessions/S/stats/u1/steps",
        "/api/v1/paths/sessions//stats",
        "/api/v1//paths/sessions/S/stats/u1",
        "//api/v1/paths/sessions/S/stats/u1",
        "/API/v1/paths/sessions/S/stats/u1",
        "/api/v2/paths/sessions/S/stats/u1",
        "/api/v1/../v1/paths/sessions/S/stats/u1",
        "/api%2Fv1/paths/sessions/S/stats/u1",
        "/healthz/",
        "/docs",
        "/redoc",
        "/report.html",
        "/keys.json",
        "/..%2f..%2fkeys.json",
        "/report/sessions/",
        "/%00",
        "/" + "x/" * 5_000,
    ],
    ids=lambda path: path[:40],
)
@pytest.mark.parametrize("method", [b"GET", b"POST", b"DELETE", b"OPTIONS", b"PROPFIND"])
def test_unknown_path_is_not_found_for_any_method(
    server: Server, acme: Headers, path: str, method: bytes
) -> None:
    assert ask(server, path.encode(), acme, method) == NOT_FOUND


@pytest.mark.parametrize("path", [f"{STATS}/u1", STATS, f"{STATS}/users", "/healthz", "/readyz", "/"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "REPORT"])
def test_routes_are_read_only(server: Server, acme: Headers, path: str, method: str) -> None:
    answer = server.client.request(method, path, headers=acme)
    assert (answer.status_code, answer.json()) == (405, {"error": "method_not_allowed"})
    assert answer.headers["allow"] == "GET, HEAD"


def test_a_body_that_comes_with_a_question_is_not_read(server: Server, acme: Headers) -> None:
    answer = server.client.request("GET", f"{STATS}/u1", headers=acme, content=b"{" * 2_000_000)
    assert answer.status_code == 200
    assert server.client.get(f"{STATS}/u1", headers=acme).status_code == 200


def test_request_size_is_limited(server: Server, acme: Headers) -> None:
    path = f"{STATS}/u1?company=acme&apiKey=" + "x" * 60_000
    assert ask(server, path.encode(), {})[0] == 401
    assert ask(server, (path + "x" * 100_000).encode(), {}) == (414, {"error": "uri_too_long"})
    many = {**acme, **{f"x-{n}": "y" * 1_000 for n in range(100)}}
    assert ask(server, b"/healthz", many) == (431, {"error": "request_header_fields_too_large"})
    assert server.client.get(f"{STATS}/u1", headers=acme).status_code == 200


NO_HTTP = {
    "bytes": b"\x00\x01\x02\r\n\r\n",
    "no path": b"GET\r\n\r\n",
    "a version": b"GET / HTTP/9.9\r\n\r\n",
    "a method": b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL": b"GET /a\x00b HTTP/1.1\r\nHost: x\r\n\r\n",
    "a header": b"GET / HTTP/1.1\r\nHost: x\r\nX-a\x00: b\r\n\r\n",
    "a length": b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "a proxy": b"CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere\r\n\r\n",
    "not encoded": "GET /zoë HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("request_", NO_HTTP.values(), ids=NO_HTTP)
def test_invalid_http_is_a_bad_request(server: Server, request_: bytes) -> None:
    status, headers, body = raw(server, request_)
    assert (status, headers["content-type"]) == (400, "application/json")
    assert json.loads(body) == {"error": "bad_request"}


@pytest.mark.parametrize(
    ("target", "status"),
    [(b"http://localhost/healthz", 200), (b"http://localhost", 400), (b"*", 404), (b"/healthz?", 200)],
)
def test_targets_of_other_forms(server: Server, target: bytes, status: int) -> None:
    assert ask(server, target, {})[0] == status


def in_trailers(fields: Headers, target: str = f"{STATS}/u1") -> bytes:
    """A request with these fields after its body, where a proxy does not look."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    head = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    return f"{head}Connection: close\r\n\r\n3\r\nabc\r\n0\r\n{lines}\r\n".encode()


def test_a_key_in_trailers_opens_nothing(server: Server, acme: Headers) -> None:
    assert raw(server, in_trailers(acme))[0] == 401
    half = in_trailers({"X-apiKey": acme["X-apiKey"]})
    assert raw(server, half.replace(b"\r\n", b"\r\nX-company-id: acme\r\n", 1))[0] == 401


@pytest.mark.parametrize("is_kept", [False, True])
def test_endless_trailers_are_a_client_error(server: Server, is_kept: bool) -> None:
    request = in_trailers({f"x-{n}": "y" * 1_000 for n in range(100)}, "/healthz")
    if is_kept:
        request = request.replace(b"Connection: close\r\n", b"")
    status, _, body = raw(server, request)
    assert (status, body) == (200, b'{"status": "ok"}')
    assert "Exception" not in server.words


def test_number_of_headers_is_limited(server: Server) -> None:
    many = {f"x-{n}": "" for n in range(1_000)}
    assert ask(server, b"/healthz", many) == (431, {"error": "request_header_fields_too_large"})


def test_questions_that_follow_each_other_on_one_line(server: Server, acme: Headers) -> None:
    one = f"GET {STATS}/u1 HTTP/1.1\r\nHost: x\r\n" + "".join(f"{k}: {v}\r\n" for k, v in acme.items())
    _, _, answers = raw(server, (2 * f"{one}\r\n" + f"{one}Connection: close\r\n\r\n").encode())
    assert answers.count(b'"globalTime": 96455') == 3
    assert answers.count(b"HTTP/1.1 200 OK") == 2


def test_every_answer_is_safe_to_show(server: Server, acme: Headers) -> None:
    for path in (f"{STATS}/u1", f"{STATS}/users", "/nowhere", "/healthz", "/"):
        headers = server.client.get(path, headers=acme).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers
    for path in ("/nowhere", f"{STATS}/nobody", "/healthz", "/readyz"):
        assert server.client.get(path, headers=acme).headers["cache-control"] == "no-store"
