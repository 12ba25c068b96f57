"""Measure how fast pages are read from a server that serves prepared pages without delay.

The floor, measured in the same run, requests the same pages one after the other with httpx and discards them.
A platform allows 50 requests per second, so the time per page beyond the floor must fit into that interval.
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
    write(f"One list of {chosen.pages:,} pages, {ours['attempts']:,.0f} attempts, served without delay:")
    write(_line("  floor", floor, chosen.pages))
    write(_line("  landed", ours, chosen.pages))
    added = (ours["read"] - floor["read"]) / chosen.pages
    write(
        f"  {ours['read'] / floor['read']:.2f} × the floor, {1000 * added:.1f} ms more per page; at 50 "
        f"requests per second that is {50 * ours['read_cpu'] / chosen.pages:.0%} of one core"
    )
    write(
        f"  {ours['landed_mb']:,.0f} MB on disk; tables of it in {ours['tables']:.1f} s, "
        f"{ours['attempts'] / ours['tables']:,.0f} rows/s"
    )
    with serving(chosen.pages // 10, 0, 1) as url:
        few = measured(url)
    for share, run in (("all", ours), ("a tenth", few)):
        write(
            f"  {share} of the pages: peak memory {run['read_peak_mb']:,.0f} MB while reading, "
            f"{run['peak_mb']:,.0f} MB with the tables"
        )

    with serving(20, 100, chosen.paths) as url:
        many = measured(url)
        counts = httpx.get(f"{url}/peak", trust_env=False).json()
    write(f"{counts['requests']:,} requests for {chosen.paths:,} paths, each served after 100 ms:")
    rate = counts["requests"] / many["read"]
    write(f"  {many['read']:.1f} s, {rate:.0f} requests/s, at most {counts['peak']} at once")


def _line(name: str, run: Measured, pages: int) -> str:
    rate = f"{pages / run['read']:,.0f} pages/s, {500 * pages / run['read']:,.0f} rows/s"
    return f"{name}: {run['read']:.1f} s, {rate}, CPU {1000 * run['read_cpu'] / pages:.1f} ms per page"


def measured(url: str, *options: str) -> Measured:
    """Run `benchmarks.one_extraction` in its own process; returns its measurements."""
    with tempfile.TemporaryDirectory(prefix="pathstats-bench-") as folder:
        command = [sys.executable, "-m", "benchmarks.one_extraction", url, folder, *options]
        completed = subprocess.run(command, check=True, capture_output=True, text=True)
    result: Measured = json.loads(completed.stdout.splitlines()[-1])
    return result


@contextmanager
def serving(pages: int, latency_ms: int, paths: int) -> Iterator[str]:
    """Run a page server until the end of the block; yields its address."""
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
