"""One whole run without Prefect, in its own process: SOURCE HOME AS_OF."""

import sys
import time
from datetime import datetime
from pathlib import Path

from flows.ops.process_tuning import prepare_memory

prepare_memory()

from benchmarks.measured_process import report  # noqa: E402
from flows.pipeline import run_pipeline  # noqa: E402
from flows.run_config import RunConfig  # noqa: E402
from schemas.home import Home  # noqa: E402

if __name__ == "__main__":
    source, home, as_of = sys.argv[1:]
    start = time.perf_counter()
    manifest = run_pipeline(RunConfig(source, Home(Path(home)), datetime.fromisoformat(as_of)))
    total = time.perf_counter() - start
    report({**manifest.seconds, "total": total, "computed": manifest.computed, "reused": manifest.reused})
