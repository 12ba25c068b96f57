"""Measure how fast pages are read from a server that serves prepared pages without delay.

The floor, measured in the same run: the same pages asked for one after the other by httpx and thrown away. A
platform allows 50 requests a second: what we take of a page beyond the floor must be less than that leaves.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from rich.console import Console

Measured = dict[str, float]


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.extraction", description=__doc__)
    arguments.add_argument("--pages", type=int, default=2_000, help="of 500 attempts each")
    arguments.add_argument("--paths", type=int, default=200, help="each with two lists of enrollments")
    chosen = arguments.parse_args()
    write = Console(highlight=False, soft_wrap=True).print

    with serving(chosen.pages, 0, 1) as url:
        floor = measured(url, "bare")
        ours = measured(url)
    write(f"One list of {chosen.pages:,} pages, {ours['attempts']:,.0f} attempts, answered at once:")
    write(_line("  floor", floor, chosen.pages))
    write(_line("  landed", ours, chosen.pages))
    taken = (ours["read"] - floor["read"]) / chosen.pages
    write(
        f"  {ours['read'] / floor['read']:.2f} × the floor, {1000 * taken:.1f} ms a page more; at 50 "
        f"requests a second that is {50 * ours['read_cpu'] / chosen.pages:.0%} of one core"
    )
    write(
        f"  {ours['landed_mb']:,.0f} MB on disk; tables of it in {ours['tables']:.1f} s, "
        f"{ours['attempts'] / ours['tables']:,.0f} rows/s"
    )
    with serving(chosen.pages // 10, 0, 1) as url:
        few = measured(url)
    for what, run in (("all", ours), ("a tenth", few)):
        write(
            f"  {what} of the pages: peak memory {run['read_peak_mb']:,.0f} MB while they are read, "
            f"{run['peak_mb']:,.0f} MB with the tables"
        )

    with serving(20, 100, chosen.paths) as url:
        many = measured(url)
        counted = httpx.get(f"{url}/peak", trust_env=False).json()
    write(f"{counted['asked']:,} requests for {chosen.paths:,} paths, each answered after 100 ms:")
    rate = counted["asked"] / many["read"]
    write(f"  {many['read']:.1f} s, {rate:.0f} requests/s, {counted['peak']} at once at most")


def _line(name: str, run: Measured, pages: int) -> str:
    rate = f"{pages / run['read']:,.0f} pages/s, {500 * pages / run['read']:,.0f} rows/s"
    return f"{name}: {run['read']:.1f} s, {rate}, CPU {1000 * run['read_cpu'] / pages:.1f} ms a page"


def measured(url: str, *options: str) -> Measured:
    with tempfile.TemporaryDirectory(prefix="pathstats-bench-") as folder:
        command = [sys.executable, "-m", "benchmarks.one_extraction", url, folder, *options]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
    result: Measured = json.loads(answer.stdout.splitlines()[-1])
    return result


@contextmanager
def serving(pages: int, latency_ms: int, paths: int) -> Iterator[str]:
    """The address of a page server that runs until the end of the block."""
    command = [sys.executable, "-m", "benchmarks.page_server", str(pages), str(latency_ms), str(paths)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent)
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
