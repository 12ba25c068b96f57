"""Time a night over the demo company, phase by phase, against the floor measured in the same run.

The floor: reading the same input with polars and writing the same output tables, nothing in between.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.lookups import Latency, look_up_many
from benchmarks.worlds import AS_OF, SIZES, make_world
from schemas.home import Home


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    arguments.add_argument("--size", choices=SIZES, default="200k", help="enrolments, roughly")
    arguments.add_argument("--rounds", type=int, default=3, help="how often; the medians are shown")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="pathstats-bench-") as folder:
        world = Path(folder) / "world"
        rows = make_world(world, SIZES[chosen.size])
        home = Home(Path(folder) / "home")
        nights, floors = [], []
        for _ in range(chosen.rounds):
            nights.append(_measured("benchmarks.a_night", str(world), str(home.root)))
            floors.append(_measured("benchmarks.floor", str(world), str(home.latest)))
        _show(rows, nights, floors, look_up_many(home))


def _measured(module: str, *arguments: str) -> dict[str, float]:
    """Run a measurement in a process of its own; its seconds by phase, and `peak_mb`."""
    answer = subprocess.run(
        [sys.executable, "-m", module, *arguments], check=True, capture_output=True, text=True
    )
    measured: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return measured


def _median(runs: list[dict[str, float]], key: str) -> float:
    return sorted(run[key] for run in runs)[len(runs) // 2]


def _show(
    rows: dict[str, int], nights: list[dict[str, float]], floors: list[dict[str, float]], latency: Latency
) -> None:
    console = Console(highlight=False)
    console.print(
        f"{rows['enrollments']:,} enrolments, {rows['step_activity']:,} activity rows, "
        f"as of {AS_OF:%Y-%m-%d}; medians of {len(nights)} rounds"
    )
    floor = _median(floors, "total")
    table = Table(box=None, pad_edge=False)
    table.add_column("phase")
    for name in ("seconds", "× floor"):
        table.add_column(name, justify="right")
    for phase in (*(key for key in floors[0] if key not in ("total", "peak_mb")), "total"):
        seconds = _median(floors, phase)
        table.add_row(f"floor: {phase}", f"{seconds:.2f}", f"{seconds / floor:.2f}", style="dim")
    for phase in (*(key for key in nights[0] if key not in ("total", "peak_mb")), "total"):
        seconds = _median(nights, phase)
        table.add_row(
            phase, f"{seconds:.2f}", f"{seconds / floor:.2f}", style="bold" if phase == "total" else ""
        )
    console.print(table)
    ratios = sorted(night["total"] / floor["total"] for night, floor in zip(nights, floors, strict=True))
    console.print(
        f"whole night: {ratios[len(ratios) // 2]:.2f} × the floor ({ratios[0]:.2f} to {ratios[-1]:.2f}); "
        f"peak memory {_median(nights, 'peak_mb'):,.0f} MB (floor {_median(floors, 'peak_mb'):,.0f} MB)"
    )
    console.print(
        f"look-up: p50 {latency.p50_ms:.3f} ms, p99 {latency.p99_ms:.3f} ms over {latency.asked:,} pairs; "
        f"from the shell {latency.shell_s:.2f} s"
    )


if __name__ == "__main__":
    main()
