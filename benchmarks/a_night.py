"""One whole night without Prefect, in a process of its own: WORLD HOME."""

import shutil
import sys
import time
from pathlib import Path

from benchmarks.measuring import report
from benchmarks.worlds import AS_OF
from flows.night import Plan, run_night
from schemas.home import Home

if __name__ == "__main__":
    world, home = sys.argv[1:]
    start = time.perf_counter()
    shutil.rmtree(home, ignore_errors=True)
    manifest = run_night(Plan(f"files:{world}", Home(Path(home)), AS_OF))
    report({**manifest.seconds, "total": time.perf_counter() - start})
