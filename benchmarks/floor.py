"""Measure the minimum work of any run, reading the input and writing the output: WORLD RELEASE."""

import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from benchmarks.measured_process import report
from schemas.home import PARQUET_TABLES

if __name__ == "__main__":
    world, release = map(Path, sys.argv[1:])
    outputs = {table: pl.read_parquet(release / f"{table}.parquet") for table in PARQUET_TABLES}
    start = time.perf_counter()
    inputs = [pl.read_parquet(file) for file in sorted(world.glob("*.parquet"))]
    inputs += [pl.read_ndjson(file, infer_schema_length=None) for file in sorted(world.glob("*.ndjson"))]
    read = time.perf_counter() - start
    with tempfile.TemporaryDirectory(prefix="pathstats-floor-", dir=world.parent) as folder:
        start = time.perf_counter()
        for table, frame in outputs.items():
            frame.write_parquet(Path(folder) / f"{table}.parquet", compression="zstd", compression_level=1)
        written = time.perf_counter() - start
    report({"read": read, "write": written, "total": read + written})
