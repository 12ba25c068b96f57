"""Measure the duration of a look-up, warm and from the shell."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from pathstats import PathStats, scan
from schemas.home import Home


@dataclass(frozen=True)
class Latency:
    """The latency of look-ups.

    count: the number of random pairs. shell_s: the median of `pathstats lookup` as a command.
    """

    count: int
    p50_ms: float
    p99_ms: float
    shell_s: float


def look_up_many(home: Home, count: int = 20_000) -> Latency:
    """Look up random enrollments of the live release."""
    pairs = (
        scan("path_session_stats", home=home.root)
        .filter("is_current")
        .select("session_id", "user_id")
        .collect()
        .sample(count, with_replacement=True, seed=1)
        .rows()
    )
    stats = PathStats(home.root)
    spent = []
    for session, user in pairs:
        start = time.perf_counter()
        stats.lookup(session, user)
        spent.append(time.perf_counter() - start)
    spent.sort()
    session, user = pairs[0]
    command = [
        str(Path(sys.executable).with_name("pathstats")),
        "lookup",
        session,
        user,
        "--home",
        str(home.root),
    ]
    shell = sorted(_seconds(command) for _ in range(11))
    return Latency(count, spent[count // 2] * 1000, spent[count * 99 // 100] * 1000, shell[5])


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start
