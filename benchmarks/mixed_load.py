"""Send every kind of request for some minutes, while runs publish, people roll back, and keys change.

Every response is compared with the tables of the release that it names, and that one with the latest. Ends
with 1 if an answer was wrong or none came.
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
from benchmarks.mixed_clients import Asker, Seen
from schemas.home import Home

_PATHSTATS = str(Path(sys.executable).with_name("pathstats"))
_SESSIONS, _ASKERS, _KEPT = 30, 8, 4
_COMPANIES = ("northwind-academy", "southwind-academy")


@dataclass
class Played:
    """The changes made while clients ask."""

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
        seen = Seen(keys)
        with served(home) as (url, process):
            played = asyncio.run(_played(home, world, url, process, seen, chosen.minutes * 60))
    sys.exit(_told(seen, played, chosen.minutes))


async def _played(home: Home, world: Path, url: str, process: int, seen: Seen, seconds: float) -> Played:
    sessions, pairs = _asked_about(home)
    seen.expected[_latest(home)] = Expected.of(home.release(_latest(home)), sessions)
    until, played = asyncio.Event(), Played()
    tasks = [asyncio.create_task(Asker(url, seen, pairs, n).go_on(until)) for n in range(_ASKERS)]
    tasks += [
        asyncio.create_task(_runs(home, world, sessions, seen, played, until)),
        asyncio.create_task(_keys(home, url, pairs[0], seen, played, until)),
        asyncio.create_task(_watched(process, played, until)),
    ]
    await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    until.set()
    await asyncio.gather(*tasks)
    seen.settle()
    if seen.later:
        seen.complain(f"{len(seen.later)} answers are from releases that were never published")
    return played


async def _runs(
    home: Home, world: Path, sessions: list[str], seen: Seen, played: Played, until: asyncio.Event
) -> None:
    """A run of changes, after every other one a step back and forth; the oldest releases are deleted."""

    def switched(*command: str) -> str:
        _pathstats(home, *command)
        return _latest(home)

    changes = world.with_name("changes")
    while not until.is_set():
        played.runs += 1
        as_of = AS_OF + timedelta(hours=6 * played.runs)
        shutil.rmtree(changes, ignore_errors=True)
        await asyncio.to_thread(make_changes, changes, world, as_of, played.runs)
        before = _latest(home)
        run = ("run", "--source", f"changes:{changes}", "--as-of", as_of.isoformat(), "--keep", f"{_KEPT}")
        await seen.switch(partial(switched, *run, "--direct", "--json"))
        latest = _latest(home)
        seen.expected[latest] = await asyncio.to_thread(Expected.of, home.release(latest), sessions)
        seen.settle()
        await asyncio.sleep(1)
        for release_id in (before, latest) if played.runs % 2 else ():
            await seen.switch(partial(switched, "rollback", release_id))
            played.rollbacks += 1
            await asyncio.sleep(0.5)


async def _keys(home: Home, url: str, pair: Pair, seen: Seen, played: Played, until: asyncio.Event) -> None:
    """Keys come and go; each opens from when it is made until it is revoked."""
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
                seen.complain(f"a key: {type(error).__name__}: {error}")
                continue
            if (opened, closed) != (200, 401):
                seen.complain(f"a key: {opened} when it was made, {closed} when it was revoked")
            played.keys += 1
            await asyncio.sleep(2)


async def _watched(process: int, played: Played, until: asyncio.Event) -> None:
    """The server's use of memory and processor (Linux)."""
    while not until.is_set():
        status = Path(f"/proc/{process}/status").read_text("ascii")
        played.memory_mb.append(int(status.partition("VmRSS:")[2].split()[0]) // 1024)
        played.files.append(len(os.listdir(f"/proc/{process}/fd")))
        await asyncio.sleep(5)


def _asked_about(home: Home) -> tuple[list[str], list[Pair]]:
    """Some sessions, and who is enrolled in them in either company."""
    stats = pl.read_parquet(home.latest / "path_session_stats.parquet").filter("is_current")
    sessions = stats.select(pl.col("session_id").unique().sort()).sample(_SESSIONS, seed=1)
    pairs = stats.join(sessions, on="session_id", how="semi").select("company_id", "session_id", "user_id")
    return sessions["session_id"].to_list(), pairs.rows()


def _add_company(world: Path) -> None:
    """The same ids in a second company, in which every other attempt did not happen."""
    for file in world.glob("*.parquet"):
        rows = pl.read_parquet(file)
        others = rows.gather_every(2) if file.stem == "step_activity" else rows
        second = others.with_columns(company_id=pl.lit(_COMPANIES[1]))
        pl.concat([rows, second]).write_parquet(file)
    steps = world / "path_steps.ndjson"
    text = steps.read_text("utf-8")
    steps.write_text(text + text.replace(_COMPANIES[0], _COMPANIES[1]), "utf-8")


@contextmanager
def served(home: Home) -> Iterator[tuple[str, int]]:
    """A server over the home: its address and its process."""
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
    done = subprocess.run(
        [_PATHSTATS, *command, "--home", str(home.root)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssertionError(f"pathstats {' '.join(command)}: {done.stderr}")
    return done.stdout.strip()


def _latest(home: Home) -> str:
    return Path(os.readlink(home.latest)).name


def _told(seen: Seen, played: Played, minutes: float) -> int:
    """Print what came of it; the exit code."""
    seconds = sorted(seen.seconds)
    by_status = ", ".join(f"{count:,} of {status}" for status, count in sorted(seen.asked.items()))
    out = sys.stdout.write
    out(f"{minutes:g} minutes, {len(seconds):,} answers: {by_status}\n")
    out(f"from {len(seen.releases)} releases: {played.runs} runs, {played.rollbacks} rollbacks\n")
    out(f"{played.keys} keys made, used and revoked\n")
    out(f"p50 {_ms(seconds, 0.5)}, p99 {_ms(seconds, 0.99)}, longest {_ms(seconds, 1)}\n")
    for what, found in (("MB of memory", played.memory_mb), ("open files", played.files)):
        out(f"the server's {what}: {found[0]} at first, {found[-1]} at last, {max(found)} at most\n")
    out(f"wrong or failed: {len(seen.wrong)}\n" + "".join(f"  {words}\n" for words in seen.wrong))
    return 1 if seen.wrong else 0


def _ms(seconds: list[float], share: float) -> str:
    return f"{seconds[min(int(len(seconds) * share), len(seconds) - 1)] * 1000:.1f} ms"


if __name__ == "__main__":
    main()
