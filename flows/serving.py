"""Serving the nightly flow from one terminal, with a Prefect server of its own where there is none."""

import asyncio
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import httpx

from schemas.errors import NightFailed, UsageError

_PATIENCE_S = 120
_PATIENCE_WITH_NIGHTS_S = 20

# Prefect's command line, which on Linux ends with the process that started it, also where that is killed.
_PREFECT = """
import ctypes, os, runpy, signal, sys
parent = int(sys.argv.pop(1))
if sys.platform == "linux":
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit()  # It had ended before.
runpy.run_module("prefect", run_name="__main__", alter_sys=True)
"""


def serve_nightly(
    parameters: dict[str, Any], *, cron: str, timezone: str, say: Callable[[str], None]
) -> None:
    """Run the nightly flow by the schedule until interrupted or told to end.

    Raises: UsageError if the schedule can't be read; NightFailed if the server does not start.
    """
    with _ended_like_an_interrupt(), _server_address() as (address, is_ours):
        # Prefect reads its address when it is imported, so not before.
        from prefect.client.schemas.schedules import CronSchedule

        try:
            when = CronSchedule(cron=cron, timezone=timezone)
        except ValueError as error:
            raise UsageError(
                f"{cron!r} in {timezone!r} is no schedule; write five cron fields and a zone: Europe/Paris."
            ) from error
        with _running(address, say) if is_ours else nullcontext():
            runner = nightly_runner(parameters, schedules=[when])
            say(f"The night runs at {cron!r} ({timezone}). Ctrl-C ends this.")
            try:
                asyncio.run(_until_interrupted(runner))
            except KeyboardInterrupt:
                say("Ending.")


async def _until_interrupted(runner: Any) -> None:
    """Run the nights that are due; interrupted, wait for the one that is running, but not for ever.

    Prefect's part of its process may hang while it ends, and the runner would wait for it.
    """
    serving = asyncio.ensure_future(runner.start())
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        serving.cancel()
        try:
            await asyncio.wait([serving], timeout=_PATIENCE_WITH_NIGHTS_S)
        finally:  # Interrupted once more, at once.
            for night in multiprocessing.active_children():
                night.kill()
        raise


def nightly_runner(parameters: dict[str, Any], schedules: list[Any]) -> Any:
    """Prefect's runner of the nights that are due; Prefect must know its server's address before.

    One at a time: nights that are due together, after a pause, follow each other in their order.
    schedules: Prefect's own.
    """
    from prefect.runner import Runner

    from flows.nightly import nightly

    runner = Runner(name="nightly", limit=1)
    # Prefect's own handler never awaits its stop, and a warning says so.
    runner.handle_sigterm = _interrupt  # type: ignore[method-assign]
    runner.add_flow(nightly, name="nightly", parameters=parameters, schedules=schedules)
    return runner


def _interrupt(*_: Any) -> None:
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # As in what a script has put into the background: nothing would come of it.
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


@contextmanager
def _ended_like_an_interrupt() -> Iterator[None]:
    """A termination or a closed terminal ends what was started here, as Ctrl-C does."""
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _server_address() -> Iterator[tuple[str, bool]]:
    """The server that PREFECT_API_URL names, or the address of one that is to be started here."""
    given = os.environ.get("PREFECT_API_URL")
    if given:
        yield given, False
        return
    os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{_free_port()}/api"
    try:
        yield os.environ["PREFECT_API_URL"], True
    finally:
        del os.environ["PREFECT_API_URL"]


@contextmanager
def _running(address: str, say: Callable[[str], None]) -> Iterator[None]:
    """A Prefect server at the address for as long as this lasts.

    A temporary server, which flows start by themselves, runs no scheduler. In a session of its own, so that
    Ctrl-C reaches it last: the runner still has to tell it how its nights ended.
    """
    say(f"Starting a Prefect server at {address.removesuffix('/api')}/ …")
    port = address.removesuffix("/api").rpartition(":")[2]
    prefect = [sys.executable, "-c", _PREFECT, str(os.getpid())]
    server = subprocess.Popen(
        [*prefect, "server", "start", "--host", "127.0.0.1", "--port", port],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_settings_of_server(address),
        start_new_session=True,
    )
    try:
        _wait_until_healthy(f"{address}/health", server)
        yield
    finally:
        server.terminate()
        try:
            server.wait(timeout=15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _settings_of_server(address: str) -> dict[str, str]:
    """Its page asks for another port unless told; the newer page, which calls outside addresses, is off."""
    rest = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    return {"PREFECT_SERVER_UI_V2_ENABLED": "false", **rest, "PREFECT_UI_API_URL": address}


def _wait_until_healthy(address: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while server.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(address, timeout=2, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise NightFailed("Prefect's server did not start; `prefect server start` shows why.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
