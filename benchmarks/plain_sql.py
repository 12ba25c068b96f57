"""Run the same rules as one plain DuckDB script over the same files: WORLD OUT."""

import sys
import time
from datetime import datetime
from pathlib import Path

import duckdb

from benchmarks.companies import AS_OF
from benchmarks.measured_process import report

SCRIPT = Path(__file__).with_suffix(".sql")
# The tables that it writes, equal to the published ones.
WRITES = ("path_session_stats", "session_summary")


def run(world: Path, out: Path, as_of: datetime) -> None:
    """Read the six tables in `world`, `path_steps` as NDJSON and the others as parquet; write into `out`.

    DuckDB runs with its defaults: all cores and most of the memory. Larger data spills next to `out`.
    """
    with duckdb.connect(config={"temp_directory": f"{out}.spilled"}) as connection:
        for name, value in (("world", str(world)), ("out", str(out)), ("as_of", as_of)):
            connection.execute(f"SET VARIABLE {name} = ?", [value])
        connection.execute(SCRIPT.read_text("utf-8"))


if __name__ == "__main__":
    world, out = map(Path, sys.argv[1:])
    out.mkdir(exist_ok=True)
    start = time.perf_counter()
    run(world, out, AS_OF)
    report({"total": time.perf_counter() - start})
