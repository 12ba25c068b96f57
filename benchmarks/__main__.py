"""Time a run over the demo company, phase by phase, against the floor measured in the same run.

The floor reads the same input with polars and writes the same output tables, with nothing in between. Also
measured: the same rules as one plain DuckDB script over the same files, which must produce the same rows, and
an incremental run of the next day's changes.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from benchmarks import plain_sql
from benchmarks.companies import AS_OF, NEXT_DAY, SIZES, make_changes, make_world
from benchmarks.lookups import Latency, look_up_many
from benchmarks.table_equality import differing, published
from schemas.home import Home, Release

Runs = list[dict[str, float]]
_NOT_PHASES = ("total", "peak_mb", "computed", "reused")


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    arguments.add_argument("--size", choices=SIZES, default="200k", help="enrollments, roughly")
    arguments.add_argument("--rounds", type=int, default=3, help="how often to measure; medians are shown")
    arguments.add_argument(
        "--no-plain-sql", action="store_true", help="leave out the plain DuckDB script, for a quick look"
    )
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="pathstats-bench-") as folder:
        world = Path(folder) / "world"
        changes = Path(folder) / "changes"
        rows = make_world(world, SIZES[chosen.size])
        rows["changes"] = make_changes(changes, world)
        home = Home(Path(folder) / "home")
        scripted = Path(folder) / "plain_sql"
        runs: Runs = []
        next_runs: Runs = []
        floors: Runs = []
        scripts: Runs = []
        for _ in range(chosen.rounds):
            shutil.rmtree(home.root, ignore_errors=True)
            runs.append(_measured("benchmarks.one_run", f"files:{world}", home.root, AS_OF.isoformat()))
            floors.append(_measured("benchmarks.floor", world, home.latest))
            if not chosen.no_plain_sql:
                scripts.append(_measured("benchmarks.plain_sql", world, scripted))
                _same_rows(scripted, Release(home.latest))
            next_runs.append(
                _measured("benchmarks.one_run", f"changes:{changes}", home.root, NEXT_DAY.isoformat())
            )
        _show(rows, runs, next_runs, floors, scripts, look_up_many(home))


def _measured(module: str, *arguments: str | Path) -> dict[str, float]:
    """Run a measurement in its own process; returns the seconds by phase, and `peak_mb`."""
    completed = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)], check=True, capture_output=True, text=True
    )
    measured: dict[str, float] = json.loads(completed.stdout.splitlines()[-1])
    return measured


def _same_rows(scripted: Path, release: Release) -> None:
    """End with exit code 1, naming the differences, unless the script's rows equal the published ones."""
    differences = [
        f"{table}: {line}"
        for table in plain_sql.WRITES
        for line in differing(pl.read_parquet(scripted / f"{table}.parquet"), published(release, table))
    ]
    if differences:
        sys.exit("\n".join(["The plain SQL and the run disagree:", *differences]))


def _median(runs: Runs, key: str) -> float:
    return sorted(run[key] for run in runs)[len(runs) // 2]


def _ratio(runs: Runs, others: Runs, name: str) -> str:
    """The ratio of the runs' times to those of others, round by round: median, minimum and maximum."""
    ratios = sorted(run["total"] / other["total"] for run, other in zip(runs, others, strict=True))
    return f"{ratios[len(ratios) // 2]:.2f} × {name} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def _show(
    rows: dict[str, int], runs: Runs, next_runs: Runs, floors: Runs, scripts: Runs, latency: Latency
) -> None:
    console = Console(highlight=False)
    console.print(
        f"{rows['enrollments']:,} enrollments, {rows['step_activity']:,} activity rows, "
        f"as of {AS_OF:%Y-%m-%d}; medians of {len(runs)} rounds"
    )
    floor = _median(floors, "total")
    table = Table(box=None, pad_edge=False)
    table.add_column("phase")
    for name in ("seconds", "× floor"):
        table.add_column(name, justify="right")
    for phase in (*(key for key in floors[0] if key not in ("total", "peak_mb")), "total"):
        seconds = _median(floors, phase)
        table.add_row(f"floor: {phase}", f"{seconds:.2f}", f"{seconds / floor:.2f}", style="dim")
    for phase in (*(key for key in runs[0] if key not in _NOT_PHASES), "total"):
        seconds = _median(runs, phase)
        table.add_row(
            phase, f"{seconds:.2f}", f"{seconds / floor:.2f}", style="bold" if phase == "total" else ""
        )
    console.print(table)
    console.print(
        f"whole run: {_ratio(runs, floors, 'the floor')}; "
        f"peak memory {_median(runs, 'peak_mb'):,.0f} MB (floor {_median(floors, 'peak_mb'):,.0f} MB)"
    )
    console.print(
        f"next day's run, {rows['changes']:,} changed rows: {_median(next_runs, 'total'):.2f} s, "
        f"{_ratio(next_runs, runs, 'the whole one')}; {_median(next_runs, 'computed'):,.0f} enrollments "
        f"computed, {_median(next_runs, 'reused'):,.0f} reused",
        soft_wrap=True,
    )
    if scripts:
        console.print(
            f"plain SQL: {_median(scripts, 'total'):.1f} s, peak {_median(scripts, 'peak_mb'):,.0f} MB, "
            f"the same rows; the run takes {_ratio(runs, scripts, 'its time')}",
            soft_wrap=True,
        )
    console.print(
        f"look-up: p50 {latency.p50_ms:.3f} ms, p99 {latency.p99_ms:.3f} ms over {latency.count:,} pairs; "
        f"from the shell {latency.shell_s:.2f} s"
    )


if __name__ == "__main__":
    main()
