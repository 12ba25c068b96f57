"""Thresholds on what a client takes from the server: memory, connections and time."""

import asyncio
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from pathstats.endpoint import connection
from pathstats.endpoint.connection import Connections
from pathstats.endpoint.server import configured, listening
from tests.endpoint.conftest import STATS
from tests.helpers.server_process import Headers, Server

ASKED = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
Opener = Callable[[], socket.socket]


def memory_mb(server: Server) -> float:
    status = Path(f"/proc/{server.process.pid}/status").read_text("ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def pipelined(server: Server, requests: bytes, times: int) -> socket.socket:
    """A client that sends requests for as long as they are taken, and reads no answer."""
    client = socket.create_connection(address(server))
    client.settimeout(1)
    try:
        for _ in range(times):
            client.sendall(requests)
    except TimeoutError:
        return client
    raise AssertionError("all of them were taken")


def address(server: Server) -> tuple[str, int]:
    url = server.client.base_url
    return url.host, url.port or 80


@pytest.mark.parametrize("path", ["/healthz", f"{STATS}/u1", f"{STATS}/users"])
@pytest.mark.parametrize("has_key", [False, True])
def test_requests_of_a_client_that_reads_no_answer_take_no_memory(
    server: Server, acme: Headers, path: str, has_key: bool
) -> None:
    """Each of them took 2 kB, without a limit."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in acme.items()) if has_key else ""
    requests = f"GET {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n".encode() * 1000
    server.client.get("/healthz")
    before = memory_mb(server)
    with closing(pipelined(server, requests, 2000)):
        assert memory_mb(server) - before < 20
        assert server.client.get("/healthz").status_code == 200


def test_every_pipelined_request_is_answered_in_its_order(server: Server, acme: Headers) -> None:
    fields = "".join(f"{name}: {value}\r\n" for name, value in acme.items())
    asked = [f"GET {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n" for path in ("/healthz", f"{STATS}/u1")] * 200
    last = f"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{fields}\r\n"
    answers = b""
    with socket.create_connection(address(server), timeout=20) as client:
        threading.Thread(target=client.sendall, args=("".join([*asked, last]).encode(),)).start()
        while part := client.recv(65536):
            answers += part
    bodies = [answer.rpartition(b"\r\n\r\n")[2] for answer in answers.split(b"HTTP/1.1 ")[1:]]
    assert [b'"ok"' in body for body in bodies] == [True, False] * 200 + [False]
    assert bodies[-1] == b'{"error": "not_found"}'


@contextmanager
def served(app: Any, limit: int = 100) -> Iterator[Opener]:
    """An app in a thread of this process; yields a function that opens a connection."""
    with listening("127.0.0.1", 0) as listener:
        server = uvicorn.Server(configured(app, Connections(limit)))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        opened: list[socket.socket] = []

        def opens() -> socket.socket:
            opened.append(socket.create_connection(listener.getsockname(), timeout=10))
            return opened[-1]

        while not server.started:
            time.sleep(0.01)
        try:
            yield opens
        finally:
            for client in opened:
                client.close()
            server.should_exit = True
            thread.join()


async def much(_: object, __: object, send: Callable[[dict[str, Any]], Any]) -> None:
    """Answers with 40 MB."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(400):
        await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def little(_: object, __: object, send: Callable[[dict[str, Any]], Any]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def is_closed(client: socket.socket) -> bool:
    """Whether the server closes the connection within some seconds."""
    client.settimeout(5)
    try:
        while client.recv(65536):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


def is_closed_while_it_sends(client: socket.socket, drip: bytes) -> bool:
    until = time.monotonic() + 10
    try:
        while time.monotonic() < until:
            client.sendall(drip)
            time.sleep(0.05)
    except OSError:
        return True
    return False


def answer_to(client: socket.socket) -> bytes:
    client.sendall(ASKED)
    answer = b""
    while not answer.endswith(b"ok"):
        answer += client.recv(65536)
    return answer


HALVES = {
    "nothing": b"",
    "half a line": b"GET /hea",
    "half a head": b"GET /healthz HTTP/1.1\r\nHost: x\r\n",
    "line ends": b"\r\n\r\n",
    "an answered request and half of another": ASKED + b"GET /",
}


@pytest.mark.parametrize("sent", HALVES.values(), ids=HALVES)
def test_a_request_that_does_not_come_whole_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connection, "_HEAD_WITHIN_S", 0.1)
    with served(little) as opens:
        client = opens()
        client.sendall(sent)
        assert is_closed(client)


@pytest.mark.parametrize("drip", [b"x", b"X-a: b\r\n"], ids=["a byte", "a field"])
def test_a_head_that_comes_byte_by_byte_has_no_more_time(
    monkeypatch: pytest.MonkeyPatch, drip: bytes
) -> None:
    monkeypatch.setattr(connection, "_HEAD_WITHIN_S", 0.5)
    with served(little) as opens:
        client = opens()
        client.sendall(b"GET / HTTP/1.1\r\n")
        assert is_closed_while_it_sends(client, drip)


def test_a_body_that_comes_byte_by_byte_keeps_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "KEPT_ALIVE_S", 0.5)
    with served(little) as opens:
        client = opens()
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n")
        assert is_closed_while_it_sends(client, b"x")


def test_a_client_that_takes_no_answer_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_TAKEN_WITHIN_S", 0.1)
    with served(much) as opens:
        client = opens()
        client.sendall(ASKED)
        time.sleep(3)
        assert is_closed(client)


def test_a_client_that_reads_slowly_has_its_answer_whole() -> None:
    with served(much) as opens:
        client, taken = opens(), 0
        client.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        time.sleep(1.5)
        while part := client.recv(65536):
            taken += len(part)
        assert taken > 40_000_000


def test_idle_connections_of_one_client_block_no_other(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "pathstats.endpoint"), served(little, limit=5) as opens:
        waiting = [opens() for _ in range(20)]
        assert b"200 OK" in answer_to(opens())
        # Those that have waited longest made room.
        assert is_closed(waiting[0])
        assert b"200 OK" in answer_to(waiting[-1])
    assert "5 connections are open, the most there may be" in caplog.text


def test_where_every_connection_is_being_answered_the_next_is_unavailable() -> None:
    with served(much, limit=3) as opens:
        for client in [opens() for _ in range(3)]:
            client.sendall(ASKED)
            client.recv(1)
        last = opens()
        assert last.recv(65536).endswith(b'{"error": "unavailable"}')


def test_connections_are_limited_below_the_open_file_limit(own_home: Any) -> None:
    """Beyond that limit no client could connect, and stderr was silent."""
    import resource

    def few_files() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (192, 192))

    with Server(own_home.root, before=few_files) as server:
        waiting = [socket.create_connection(address(server), timeout=10) for _ in range(300)]
        try:
            for client in waiting[-100:]:
                client.sendall(b"GET /healthz HTTP/1.1\r\n")
            assert server.client.get("/healthz").status_code == 200
            assert len(os.listdir(f"/proc/{server.process.pid}/fd")) < 192
        finally:
            for client in waiting:
                client.close()
        server.wait_for("64 connections are open, the most there may be")
        assert server.words.count("connections are open") == 1
