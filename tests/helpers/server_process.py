"""`pathstats serve` in a process of its own, with its output."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import httpx

from schemas.home import Home

PATHSTATS = Path(sys.executable).with_name("pathstats")
Headers = dict[str, str]


class Server:
    """The command, on a port of its own; its output goes into a file `words` next to the home.

    before: called in its process before it starts.
    """

    def __init__(self, home: Path, *options: str, before: Callable[[], None] | None = None) -> None:
        self.home = Home(home)
        self._words = home.with_name(f"{home.name}.words")
        with self._words.open("w") as words:
            self.process = subprocess.Popen(
                [str(PATHSTATS), "serve", "--port", "0", "--home", str(home), *options],
                stdout=words,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                preexec_fn=before,
            )
        self.wait_for("Ctrl-C ends this.")
        self.url = self.words.partition(" at ")[2].partition(";")[0]
        # It listens before it prints so, and answers a little later.
        self.client = httpx.Client(base_url=self.url, trust_env=False, timeout=20)

    @property
    def words(self) -> str:
        return self._words.read_text("utf-8")

    def wait_for(self, words: str) -> None:
        until = time.monotonic() + 30
        while words not in self.words and self.process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        assert words in self.words

    def ended(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Told to end, its exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        if self.process.poll() is None:
            assert self.ended() == 0, self.words
        assert "Traceback" not in self.words


def asking(company_id: str, key: str) -> Headers:
    return {"X-company-id": company_id, "X-apiKey": key}
