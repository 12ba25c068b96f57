"""The command as its user meets it: starting, ending, addresses it can't have, and what it writes down."""

import http.client
import logging
import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import uvicorn

from pathstats.endpoint import keys, server
from pathstats.endpoint.app import Serving, create_app
from pathstats.endpoint.server import is_loopback, listening
from schemas.errors import UsageError
from schemas.home import Home
from tests.endpoint.conftest import STATS
from tests.helpers.one_run import as_parquet, latest, run, small_world
from tests.helpers.server_process import Server, asking
from tests.helpers.shell import pathstats

# So many that their answer is longer than what lies ready between a server and a client.
_MANY = 200_000


def rejected(*options: str) -> subprocess.CompletedProcess[str]:
    return pathstats("serve", *options, env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120"})


def test_from_an_empty_home_to_the_first_run_and_on(tmp_path: Path) -> None:
    with Server(tmp_path / "home") as server:
        server.wait_for("pathstats keys create --company C --home ")
        assert "No release exists yet" in server.words
        assert server.url.startswith("http://127.0.0.1:")
        headers = asking("acme", keys.create(server.home, "acme", "", datetime.now(UTC))[1])
        assert server.client.get("/healthz").json() == {"status": "ok"}
        ready = server.client.get("/readyz")
        assert (ready.status_code, ready.json()) == (503, {"error": "no_release"})
        for path in (STATS, f"{STATS}/u1", f"{STATS}/users"):
            answer = server.client.get(path, headers=headers)
            assert (answer.status_code, answer.json()) == (503, {"error": "no_release"})
            assert server.client.get(path).status_code == 401

        run(as_parquet(tmp_path / "in", small_world()), server.home.root)
        assert server.client.get(f"{STATS}/u1", headers=headers).json()["progress"] == 50
        ready = server.client.get("/readyz")
        messages = ready.json()
        assert (ready.status_code, messages.pop("status")) == (200, "ready")
        age = datetime.now(UTC) - datetime(2026, 3, 10, tzinfo=UTC)
        assert abs(messages.pop("ageSeconds") - age.total_seconds()) < 60
        assert messages == {"releaseId": "20260310T000000Z-1", "asOf": "2026-03-10T00:00:00.000Z"}

        run(as_parquet(tmp_path / "in", {**small_world(), "step_activity": []}), server.home.root)
        assert server.client.get(f"{STATS}/u1", headers=headers).json()["progress"] == 0

        # An unreadable file is reported once, in at most one line.
        server.home.keys.write_text("damaged")
        for path in (f"{STATS}/u1", f"{STATS}/u1", "/readyz"):
            answer = server.client.get(path, headers=headers)
            assert (answer.status_code, answer.json()) == (503, {"error": "unavailable"})
        server.home.keys.unlink()
        latest(server.home.root).lookup_index.unlink()
        server.wait_for("keys.json is damaged")
        assert server.words.count("keys.json is damaged") == 1
        assert server.ended() == 0
        assert server.words.endswith("Ended.\n")


@pytest.fixture
def slow(own_home: Home) -> Iterator[tuple[Server, httpx.Response]]:
    """A server in the middle of an answer that its reader takes slowly."""
    with closing(sqlite3.connect(latest(own_home.root).lookup_index)) as index:
        company_key, session_key = index.execute("SELECT company_key, session_key FROM sessions").fetchone()
        ids = range(1_000, 1_000 + _MANY)
        index.executemany("INSERT INTO users VALUES (?, ?, ?)", ((company_key, f"v{n}", n) for n in ids))
        bodies = (((session_key << 32) + n, '{"progress": 0}') for n in ids)
        index.executemany("INSERT INTO answers VALUES (?, ?)", bodies)
        index.commit()
    headers = asking("acme", keys.create(own_home, "acme", "", datetime.now(UTC))[1])
    with (
        Server(own_home.root) as server,
        server.client.stream("GET", f"{STATS}/users", headers=headers) as answer,
    ):
        yield server, answer


def is_taking(server: Server) -> bool:
    try:
        return httpx.get(f"{server.url}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_server_finishes_open_requests_when_terminated(
    slow: tuple[Server, httpx.Response], number: signal.Signals
) -> None:
    server, answer = slow
    assert answer.status_code == 200
    server.process.send_signal(number)
    # It accepts no new connection …
    until = time.monotonic() + 8
    while is_taking(server) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_taking(server)
    assert server.process.poll() is None
    # … and what it has begun comes whole.
    assert answer.read().count(b'"_id"') == 3 + _MANY
    assert server.process.wait(timeout=20) == 0
    assert server.words.endswith("Ended.\n")
    assert "pathstats: " not in server.words


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_comes_before_uvicorn_handles_it_ends_the_server(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: signal.Signals
) -> None:
    """It was dropped, and the server served on."""
    ends: list[bool] = []

    def run(it: uvicorn.Server, _: object) -> None:
        signal.raise_signal(number)
        ends.append(it.should_exit)

    monkeypatch.setattr(uvicorn.Server, "run", run)
    monkeypatch.setattr(server, "_log_to_stderr", lambda: None)
    with listening("127.0.0.1", 0) as listener:
        server.serve(create_app(Serving(Home(tmp_path))), listener)
    assert ends == [True]


def test_a_connection_may_rest_for_a_while(server: Server) -> None:
    """uvicorn closes it after 5 s, as clients do: one that was used at that very instant got no answer."""
    where = httpx.URL(server.url)
    with closing(http.client.HTTPConnection(where.host, where.port, timeout=20)) as connection:
        for pause in (6, 0):
            connection.request("GET", "/healthz")
            assert connection.getresponse().read() == b'{"status": "ok"}'
            time.sleep(pause)


def test_a_port_that_is_taken(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = rejected("--port", str(port), "--home", str(home))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"pathstats: Port {port} on 127.0.0.1 is not available (Address already in use); "
        "choose another one with --port.\n"
    )


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_invalid_port_is_rejected(port: str) -> None:
    done = rejected("--port", port)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("host", ["", "no such host", "203.0.113.7", "a\0b", "x" * 300])
def test_an_address_of_another_machine(host: str) -> None:
    with pytest.raises(UsageError):
        listening(host, 0)


@pytest.mark.parametrize(
    ("host", "is_ours_alone"), [("127.0.0.1", True), ("localhost", True), ("0.0.0.0", False)]
)
def test_server_binds_the_given_host(host: str, is_ours_alone: bool) -> None:
    with listening(host, 0) as listener:
        assert is_loopback(listener) is is_ours_alone


def test_server_logs_contain_no_personal_data(own_home: Home) -> None:
    """Keys, e-mails, names and ids, right or wrong, in all places of a request; also when our side fails."""
    home = own_home
    key = keys.create(home, "acme", "", datetime.now(UTC))[1]
    secrets = ("grace.hopper@example.org", "s3cr3t-key", "HopperGrace", key)
    before = {file: file.read_bytes() for file in home.root.rglob("*") if file.is_file()}
    with Server(home.root) as server:
        for secret in secrets:
            for path in (
                f"{STATS}/{secret}",
                f"/api/v1/paths/sessions/{secret}/stats",
                f"/{secret}",
                f"/?{secret}",
            ):
                query = f"company=acme&apiKey={secret}"
                server.client.get(f"{path}?{query}")
                server.client.get(path, headers={**asking(secret, key), "User-Agent": secret})
                server.client.get(path, headers={**asking("acme", key), "Referer": secret})
                server.client.post(path, content=secret, headers=asking("acme", key))
        # The release is damaged while it is served: one page of the index is overwritten.
        index = latest(home.root).lookup_index
        index.write_bytes(b"\xff" * len(index.read_bytes()))
        failed = server.client.get(f"{STATS}/{secrets[0]}", headers=asking("acme", key))
        assert failed.status_code in (404, 503)
    output_text = server.words
    assert output_text.startswith("Serving ")
    for secret in secrets:
        assert secret not in output_text
    changed = {
        file for file in home.root.rglob("*") if file.is_file() and before.get(file) != file.read_bytes()
    }
    assert changed == {index}


def test_server_problem_is_logged_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(server.time, "monotonic", lambda: now)
    allowed = server._OnceAMinute().filter

    def output_text(words: str, error: Exception | None = None) -> bool:
        about = (type(error), error, None) if error else None
        return allowed(logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, words, None, about))

    troubles = [("a", None), ("b", None), ("a", ValueError("1")), ("a", KeyError("2"))]
    assert [output_text(*it) for it in (*troubles, *troubles, ("a", ValueError("3")))] == [True] * 4 + [
        False
    ] * 5
    now = 60.0
    assert [output_text(*it) for it in troubles] == [True] * 4
