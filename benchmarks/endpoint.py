"""Measure the throughput and latency of look-ups over HTTP, with `wrk` as client and one core for the server.

Requests random learners of the demo company, each with its company and key.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import polars as pl

from benchmarks.companies import AS_OF, SIZES, make_world
from benchmarks.mixed_load import served
from pathstats.endpoint import keys
from schemas.home import Home

_SCRIPT = Path(__file__).with_name("endpoint.lua")
_REQUESTS = 100_000


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.endpoint", description=__doc__)
    arguments.add_argument("--size", choices=SIZES, default="200k", help="enrollments, roughly")
    arguments.add_argument("--home", type=Path, help="a home with a release, instead of a new one")
    arguments.add_argument("--seconds", type=int, default=10)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--connections", type=int, nargs="+", default=[1, 8, 16])
    chosen = arguments.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is missing: apt-get install wrk, or github.com/wg/wrk")
    with tempfile.TemporaryDirectory(prefix="pathstats-endpoint-") as folder:
        home = Home(chosen.home or Path(folder) / "home")
        if not chosen.home:
            make_world(Path(folder) / "world", SIZES[chosen.size])
            run = ["benchmarks.one_run", f"files:{folder}/world", str(home.root), AS_OF.isoformat()]
            subprocess.run([sys.executable, "-m", *run], check=True, capture_output=True)
        enrollments = _write_requests(home, Path(folder) / "requests")
        with served(home) as (url, process):
            _one_core_each(process)
            sys.stdout.write(f"{enrollments:,} enrollments; load average before: {os.getloadavg()[0]:.1f}\n")
            for connections in chosen.connections:
                rounds = [
                    _measure(url, process, connections, chosen.seconds, Path(folder) / "requests")
                    for _ in range(chosen.rounds)
                ]
                sys.stdout.write(f"{connections} connection{'s' if connections > 1 else ''}\n")
                sys.stdout.write("".join(f"  {it}\n" for it in rounds))


@dataclass(frozen=True)
class Round:
    """One run of wrk.

    per_cpu_s: responses per second of the server's CPU time, independent of other load.
    """

    per_s: float
    per_cpu_s: float
    p50_ms: float
    p99_ms: float
    failed: int

    def __str__(self) -> str:
        return (
            f"{self.per_s:,.0f} responses/s, p50 {self.p50_ms:.2f} ms, p99 {self.p99_ms:.2f} ms, "
            f"{self.per_cpu_s:,.0f} responses per second of the server's CPU time, {self.failed} failed"
        )


def _measure(url: str, process: int, connections: int, seconds: int, requests: Path) -> Round:
    """Run wrk once, on the other core."""
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "-s",
        str(_SCRIPT),
        url,
        "--",
        str(requests),
    ]
    before = _cpu_s(process)
    completed = subprocess.run(
        command, check=True, capture_output=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, {1})
    )
    spent = _cpu_s(process) - before
    measured = json.loads(completed.stdout.splitlines()[-1])
    return Round(
        measured["responses"] / measured["seconds"],
        measured["responses"] / spent,
        measured["p50_ms"],
        measured["p99_ms"],
        measured["failed"],
    )


def _write_requests(home: Home, file: Path) -> int:
    """Write a line with path and headers per random learner; returns the release's number of enrollments."""
    stats = pl.scan_parquet(home.latest / "path_session_stats.parquet").filter("is_current")
    learners = stats.select("company_id", "session_id", "user_id").collect()
    keys_by_company = {
        it: keys.create(home, it, "bench", datetime.now(UTC))[1] for it in learners["company_id"].unique()
    }
    with file.open("w") as lines:
        for company, session, user in learners.sample(_REQUESTS, with_replacement=True, seed=1).iter_rows():
            path = f"/api/v1/paths/sessions/{quote(session, safe='')}/stats/{quote(user, safe='')}"
            lines.write(f"{path} {company} {keys_by_company[company]}\n")
    return int(pl.scan_parquet(home.latest / "path_session_stats.parquet").select(pl.len()).collect().item())


def _one_core_each(server: int) -> None:
    """Pin the server to the first core; wrk runs on the second."""
    for thread in os.listdir(f"/proc/{server}/task"):
        os.sched_setaffinity(int(thread), {0})


def _cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
