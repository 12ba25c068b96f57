"""Send every kind of request for some minutes, while runs publish, releases are rolled back and keys change.

Every response is compared with the tables of the release that it names, and that release with the live one.
The exit code is 1 if a response was wrong or missing.
"""

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx
import polars as pl

from benchmarks.companies import AS_OF, SIZES, make_changes, make_world
from benchmarks.expected_responses import Expected, Pair
from benchmarks.mixed_clients import LoadClient, LoadResults
from schemas.home import Home

_PATHSTATS = str(Path(sys.executable).with_name("pathstats"))
_SESSIONS, _CLIENTS, _KEPT = 30, 8, 4
_COMPANIES = ("northwind-academy", "southwind-academy")


@dataclass
class Changes:
    """Changes made while clients send requests, and the server's resources over time."""

    runs: int = 0
    rollbacks: int = 0
    keys: int = 0
    memory_mb: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.mixed_load", description=__doc__)
    arguments.add_argument("--minutes", type=float, default=10)
    arguments.add_argument("--size", choices=SIZES, default="20k", help="enrollments, roughly, per company")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="pathstats-load-") as folder:
        home, world = Home(Path(folder) / "home"), Path(folder) / "world"
        make_world(world, SIZES[chosen.size])
        _add_company(world)
        _pathstats(home, "run", "--source", f"files:{world}", "--as-of", AS_OF.isoformat(), "--direct")
        keys = {it: _pathstats(home, "keys", "create", "--company", it) for it in _COMPANIES}
        results = LoadResults(keys)
        with served(home) as (url, process):
            done = asyncio.run(_load(home, world, url, process, results, chosen.minutes * 60))
    sys.exit(_report(results, done, chosen.minutes))


async def _load(
    home: Home, world: Path, url: str, process: int, results: LoadResults, seconds: float
) -> Changes:
    """Send requests and make changes for this many seconds."""
    sessions, pairs = _sample(home)
    results.expected[_latest(home)] = Expected.of(home.release(_latest(home)), sessions)
    until, done = asyncio.Event(), Changes()
    tasks = [asyncio.create_task(LoadClient(url, results, pairs, n).run(until)) for n in range(_CLIENTS)]
    tasks += [
        asyncio.create_task(_publish_runs(home, world, sessions, results, done, until)),
        asyncio.create_task(_change_keys(home, url, pairs[0], results, done, until)),
        asyncio.create_task(_watch_server(process, done, until)),
    ]
    await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    until.set()
    await asyncio.gather(*tasks)
    results.check_pending()
    if results.unchecked:
        results.add_fault(f"{len(results.unchecked)} responses are from releases that were never published")
    return done


async def _publish_runs(
    home: Home, world: Path, sessions: list[str], results: LoadResults, done: Changes, until: asyncio.Event
) -> None:
    """Publish runs of changes; roll back and forth after every other run. The oldest releases are deleted."""

    def switched(*command: str) -> str:
        _pathstats(home, *command)
        return _latest(home)

    changes = world.with_name("changes")
    while not until.is_set():
        done.runs += 1
        as_of = AS_OF + timedelta(hours=6 * done.runs)
        shutil.rmtree(changes, ignore_errors=True)
        await asyncio.to_thread(make_changes, changes, world, as_of, done.runs)
        before = _latest(home)
        run = ("run", "--source", f"changes:{changes}", "--as-of", as_of.isoformat(), "--keep", f"{_KEPT}")
        await results.switch(partial(switched, *run, "--direct", "--json"))
        latest = _latest(home)
        results.expected[latest] = await asyncio.to_thread(Expected.of, home.release(latest), sessions)
        results.check_pending()
        await asyncio.sleep(1)
        for release_id in (before, latest) if done.runs % 2 else ():
            await results.switch(partial(switched, "rollback", release_id))
            done.rollbacks += 1
            await asyncio.sleep(0.5)


async def _change_keys(
    home: Home, url: str, pair: Pair, results: LoadResults, done: Changes, until: asyncio.Event
) -> None:
    """Create and revoke keys; each must be accepted until it is revoked."""
    company, session, user = pair
    path = f"{url}/api/v1/paths/sessions/{session}/stats/{user}"
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        while not until.is_set():
            key = await asyncio.to_thread(_pathstats, home, "keys", "create", "--company", company)
            headers = {"X-company-id": company, "X-apiKey": key}
            try:
                opened = (await client.get(path, headers=headers)).status_code
                await asyncio.to_thread(_pathstats, home, "keys", "revoke", key.split("_")[1])
                closed = (await client.get(path, headers=headers)).status_code
            except httpx.HTTPError as error:
                results.add_fault(f"a key: {type(error).__name__}: {error}")
                continue
            if (opened, closed) != (200, 401):
                results.add_fault(f"a key: {opened} after it was created, {closed} after it was revoked")
            done.keys += 1
            await asyncio.sleep(2)


async def _watch_server(process: int, done: Changes, until: asyncio.Event) -> None:
    """Record the server's memory and open files (Linux)."""
    while not until.is_set():
        status = Path(f"/proc/{process}/status").read_text("ascii")
        done.memory_mb.append(int(status.partition("VmRSS:")[2].split()[0]) // 1024)
        done.files.append(len(os.listdir(f"/proc/{process}/fd")))
        await asyncio.sleep(5)


def _sample(home: Home) -> tuple[list[str], list[Pair]]:
    """Some sessions, and the learners enrolled in them in either company."""
    stats = pl.read_parquet(home.latest / "path_session_stats.parquet").filter("is_current")
    sessions = stats.select(pl.col("session_id").unique().sort()).sample(_SESSIONS, seed=1)
    pairs = stats.join(sessions, on="session_id", how="semi").select("company_id", "session_id", "user_id")
    return sessions["session_id"].to_list(), pairs.rows()


def _add_company(world: Path) -> None:
    """Add a second company with the same ids and every other attempt."""
    for file in world.glob("*.parquet"):
        rows = pl.read_parquet(file)
        fewer = rows.gather_every(2) if file.stem == "step_activity" else rows
        second = fewer.with_columns(company_id=pl.lit(_COMPANIES[1]))
        pl.concat([rows, second]).write_parquet(file)
    steps = world / "path_steps.ndjson"
    text = steps.read_text("utf-8")
    steps.write_text(text + text.replace(_COMPANIES[0], _COMPANIES[1]), "utf-8")


@contextmanager
def served(home: Home) -> Iterator[tuple[str, int]]:
    """Run a server over the home until the end of the block; yields its address and process id."""
    command = [_PATHSTATS, "serve", "--port", "0", "--home", str(home.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().partition(" at ")[2].partition(";")[0], server.pid
        finally:
            server.terminate()
        if server.wait(timeout=30) != 0:
            sys.exit(f"the server ended with {server.returncode}")


def _pathstats(home: Home, *command: str) -> str:
    completed = subprocess.run(
        [_PATHSTATS, *command, "--home", str(home.root)], capture_output=True, text=True, check=False
    )
    if completed.returncode:
        raise AssertionError(f"pathstats {' '.join(command)}: {completed.stderr}")
    return completed.stdout.strip()


def _latest(home: Home) -> str:
    return Path(os.readlink(home.latest)).name


def _report(results: LoadResults, done: Changes, minutes: float) -> int:
    """Print the results; returns the exit code."""
    seconds = sorted(results.seconds)
    by_status = ", ".join(f"{count:,} of {status}" for status, count in sorted(results.statuses.items()))
    out = sys.stdout.write
    out(f"{minutes:g} minutes, {len(seconds):,} responses: {by_status}\n")
    out(f"from {len(results.releases)} releases: {done.runs} runs, {done.rollbacks} rollbacks\n")
    out(f"{done.keys} keys created, used and revoked\n")
    out(f"p50 {_ms(seconds, 0.5)}, p99 {_ms(seconds, 0.99)}, longest {_ms(seconds, 1)}\n")
    for name, values in (("MB of memory", done.memory_mb), ("open files", done.files)):
        out(f"the server's {name}: {values[0]} at first, {values[-1]} at last, {max(values)} at most\n")
    out(f"wrong or failed: {len(results.faults)}\n" + "".join(f"  {fault}\n" for fault in results.faults))
    return 1 if results.faults else 0


def _ms(seconds: list[float], share: float) -> str:
    return f"{seconds[min(int(len(seconds) * share), len(seconds) - 1)] * 1000:.1f} ms"


if __name__ == "__main__":
    main()
