"""`pathstats schedule` as a process of its own, and the Prefect server that it starts (Linux)."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from schemas.home import Home

SOURCE = "demo:learners=200"
PATHSTATS = Path(sys.executable).with_name("pathstats")


class Served:
    """`pathstats schedule` in a process group of its own, as in a terminal."""

    def __init__(self, folder: Path, prefect_home: Path, cron: str, *options: str) -> None:
        self.home = Home(folder / "home")
        self._words = folder / "words.txt"
        with self._words.open("wb") as words:
            self.process = subprocess.Popen(
                [
                    PATHSTATS,
                    "schedule",
                    "--source",
                    SOURCE,
                    "--cron",
                    cron,
                    "--home",
                    self.home.root,
                    *options,
                ],
                cwd=folder,
                env={
                    "PATH": "/usr/bin:/bin",
                    "HOME": str(folder),
                    "PREFECT_HOME": str(prefect_home),
                    "PYTHONUNBUFFERED": "1",
                },
                stdout=words,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def words(self) -> str:
        return self._words.read_text("utf-8")

    def wait_until(self, what: Callable[[], bool]) -> None:
        for _ in range(400):
            if what() or self.process.poll() is not None:
                break
            time.sleep(0.5)
        assert what(), self.words

    def server(self) -> int | None:
        """The server's process."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text("ascii")
        commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_text() for pid in children.split()}
        return next((pid for pid, command in commands.items() if "flows.ops.prefect_app" in command), None)

    def interrupted(self) -> int:
        """Its exit code after Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(timeout=60)


def is_running(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text("ascii").rpartition(")")[2].split()[0] != "Z"


class PrefectServer:
    """The address of the server in the environment of its process, and its secret."""

    def __init__(self, process: int) -> None:
        variables = Path(f"/proc/{process}/environ").read_bytes().decode().split("\0")
        self.secret = dict(it.partition("=")[::2] for it in variables)["PREFECT_SERVER_API_AUTH_STRING"]
        self.url = f"http://127.0.0.1:{_port(process)}/api"

    def client(self, *, knows_secret: bool) -> httpx.Client:
        user, _, password = self.secret.partition(":")
        auth = (user, password) if knows_secret else None
        return httpx.Client(base_url=self.url, auth=auth, trust_env=False, timeout=60)


def _port(process: int) -> int:
    """The port on which a process listens."""
    files = [str(file.readlink()) for file in Path(f"/proc/{process}/fd").iterdir() if file.is_symlink()]
    sockets = {found[1] for file in files if (found := re.fullmatch(r"socket:\[(\d+)\]", file))}
    for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]:
        _, local, _, state, *rest = line.split()
        if state == "0A" and rest[5] in sockets:
            return int(local.partition(":")[2], 16)
    raise AssertionError("it listens nowhere")
