"""Start a Prefect server on loopback for this process and its child processes.

It answers only who knows its secret, which is in the environment of these processes alone. Without one, every
local user and every web page in a browser here could start runs: Prefect allows any origin and any host.
"""

import atexit
import os
import secrets
import socket
import subprocess
import sys
import time

import httpx

from schemas.errors import RunFailed

_STARTS_WITHIN_S = 120
_ENDS_WITHIN_S = 15
_servers: list["subprocess.Popen[bytes]"] = []


def is_named() -> bool:
    """Whether Prefect's settings name a server: PREFECT_API_URL in the environment or the profile."""
    from prefect.settings import get_current_settings

    return get_current_settings().api.url is not None


def start(*, schedules: bool) -> None:
    """Start a server and let Prefect use it here; it ends after Prefect's own threads, with this process.

    schedules: whether it makes the runs of schedules; runs that are started by hand don't need that.
    Raises: RunFailed if it does not start.
    """
    from prefect.context import refresh_global_settings_context

    secret = f"pathstats:{secrets.token_urlsafe(32)}"
    # Bound here and handed over, so that no other user can take the port and receive the secret.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        server = _started(listener, secret, schedules=schedules)
    _servers.append(server)
    # After Prefect's threads, which need it for their last logs and events: without it they wait for long.
    atexit.register(end)
    _wait_until_healthy(f"{address}/health", server)
    os.environ |= {"PREFECT_API_URL": address, "PREFECT_API_AUTH_STRING": secret}
    refresh_global_settings_context()


def end() -> None:
    """End the servers that were started here."""
    while _servers:
        server = _servers.pop()
        server.terminate()
        try:
            server.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _started(listener: socket.socket, secret: str, *, schedules: bool) -> "subprocess.Popen[bytes]":
    """The process, in a session of its own: Ctrl-C reaches it last, as runs still report how they ended."""
    kind = "scheduling" if schedules else "temporary"
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    return subprocess.Popen(
        # -P: a folder `flows` or `prefect` where the command is typed is not imported.
        [sys.executable, "-P", "-m", "flows.ops.prefect_app", str(os.getpid()), str(listener.fileno()), kind],
        pass_fds=[listener.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**environment, "PREFECT_SERVER_API_AUTH_STRING": secret, "PREFECT_SERVER_UI_ENABLED": "false"},
        start_new_session=True,
    )


def _wait_until_healthy(address: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while server.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(address, timeout=2, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise RunFailed("Prefect's server did not start; `prefect server start` shows why.")
