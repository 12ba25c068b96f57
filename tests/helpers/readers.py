"""Readers that never stop: each answer must be of one whole release, and never of an older one than the last.

`python -m tests.helpers.readers HOME` reads until its stdin ends, then prints as JSON how often each reader
read, the impossible results, and the worlds (see `numbered_worlds`) that it saw.
"""

import json
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pathstats import PathStats, scan
from pathstats.tables import latest_release, scan_table
from schemas.home import Home

Times = dict[str, int]
# A look-up is cheap; reading parquet takes as much of the machine as a part of a run.
_PAUSE_S = {"lookup": 0.03, "new_lookup": 0.05}
_OTHERS_PAUSE_S = 0.3


def number(times: Times) -> int:
    """The number of the world that the learners' times belong to.

    Raises: AssertionError.
    """
    n = times["u1"] // 1_000
    assert times == {"u1": 1_000 * n, "u2": 14, "u3": 2_000 * n}, times
    return n


@dataclass
class Reader:
    """Someone who asks again and again. ask: what the reader sees now, as the number of a world."""

    name: str
    ask: Callable[[], int]
    asked: int = 0
    seen: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def go_on(self, until: threading.Event) -> None:
        while not until.wait(_PAUSE_S.get(self.name, _OTHERS_PAUSE_S)) and len(self.wrong) < 3:
            try:
                n = self.ask()
                assert not self.seen or n >= self.seen[-1], f"{n} after {self.seen[-1]}"
                self.seen = sorted({*self.seen, n})
            except Exception as error:
                self.wrong.append(f"{self.name}: {type(error).__name__}: {error}")
            self.asked += 1


def readers(home: Path) -> list[Reader]:
    """One of each kind."""
    stats, latest = PathStats(home), Home(home).latest

    def by_lookup() -> int:
        while True:
            found = {user: stats.find("S", user) for user in ("u1", "u2", "u3")}
            # Three questions: another release may answer the last one.
            if len({it.release for it in found.values()}) == 1:
                return number({user: json.loads(it.body)["globalTime"] for user, it in found.items()})

    def by_new_lookup() -> int:
        return int(PathStats(home).lookup("S", "u1")["globalTime"]) // 1_000

    def by_scan() -> int:
        return number(_times(scan("path_session_stats", home=home)))

    def by_two_tables() -> int:
        release = latest_release(Home(home))
        steps = scan_table(release, "step_stats").group_by("user_id").agg(global_time_ms=pl.sum("time_ms"))
        times = _times(scan_table(release, "path_session_stats"))
        assert _times(steps) == times
        return number(times)

    def by_duckdb() -> int:
        with duckdb.connect() as connection:
            rows = connection.execute(
                f"SELECT user_id, global_time_ms FROM '{latest}/path_session_stats.parquet'"
            ).fetchall()
        return number(dict(rows))

    asks = (by_lookup, by_new_lookup, by_scan, by_two_tables, by_duckdb)
    return [Reader(ask.__name__.removeprefix("by_"), ask) for ask in asks]


def _times(rows: pl.LazyFrame) -> Times:
    found: Any = rows.select("user_id", "global_time_ms").collect()
    return dict(found.iter_rows())


def _main(home: Path) -> None:
    those, until = readers(home), threading.Event()
    threads = [threading.Thread(target=reader.go_on, args=(until,)) for reader in those]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    until.set()
    for thread in threads:
        thread.join()
    messages = {
        reader.name: {"asked": reader.asked, "seen": reader.seen, "wrong": reader.wrong} for reader in those
    }
    sys.stdout.write(json.dumps(messages))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
