"""Measure one whole run without Prefect: SOURCE HOME AS_OF."""

import sys
import time
from datetime import datetime

from benchmarks.measured_process import report
from flows.pipeline import run_pipeline
from flows.run_config import RunConfig
from schemas.home import home_at

if __name__ == "__main__":
    source, home, as_of = sys.argv[1:]
    start = time.perf_counter()
    manifest = run_pipeline(RunConfig(source=source, home=home_at(home), as_of=datetime.fromisoformat(as_of)))
    total = time.perf_counter() - start
    report({**manifest.seconds, "total": total, "computed": manifest.computed, "reused": manifest.reused})
