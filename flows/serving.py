"""Serving the nightly flow from one terminal, with a Prefect server of its own where there is none."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from schemas.errors import NightFailed, UsageError

_PATIENCE_S = 120


def serve_nightly(
    parameters: dict[str, Any], *, cron: str, timezone: str, say: Callable[[str], None]
) -> None:
    """Run the nightly flow by the schedule until interrupted.

    Raises: UsageError if the schedule can't be read; NightFailed if the server does not start.
    """
    with _server(say):
        from prefect.schedules import Cron

        from flows.nightly import nightly

        try:
            when = Cron(cron, timezone=timezone)
        except ValueError as error:
            raise UsageError(
                f"{cron!r} in {timezone!r} is no schedule; write five cron fields and a zone: Europe/Paris."
            ) from error
        say(f"The night runs at {cron!r} ({timezone}). Ctrl-C ends this.")
        nightly.serve(name="nightly", parameters=parameters, schedules=[when], print_starting_message=False)


@contextmanager
def _server(say: Callable[[str], None]) -> Iterator[None]:
    """The server that PREFECT_API_URL names, or one on loopback for as long as this lasts.

    A temporary server, which flows start by themselves, runs no scheduler.
    """
    if os.environ.get("PREFECT_API_URL"):
        yield
        return
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    say(f"Starting a Prefect server at {address}/v1 …")
    server = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_healthy(f"{address}/api/health", server)
        os.environ["PREFECT_API_URL"] = f"{address}/api"
        yield
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait_until_healthy(address: str, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(_PATIENCE_S * 2):
        if server.poll() is not None:
            break
        try:
            if httpx.get(address, timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise NightFailed("Prefect's server did not start; `prefect server start` shows why.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
