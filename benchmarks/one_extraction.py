"""Measure one extraction from a served platform, or only its pages.

    python -m benchmarks.one_extraction URL FOLDER [bare]

bare: request the pages one after the other and discard them: the cost of the server and HTTP alone.
"""

import asyncio
import sys
import time
from pathlib import Path

import httpx

from benchmarks.companies import AS_OF
from benchmarks.measured_process import peak_mb, report
from flows.sources.base import EMPTY_WAREHOUSE
from flows.sources.learning360 import Learning360
from flows.sources.learning360.input_tables import make_tables
from flows.sources.learning360.resources import COURSES
from flows.sources.learning360.settings import Settings
from flows.sources.page_store import Landing


def settings(url: str) -> Settings:
    """Settings without a rate limit, to measure the maximum speed."""
    values = {"base_url": url, "company_id": "c", "client_id": "i", "client_secret": "s"}
    skip = ["classrooms", "assessments", "stats"]
    return Settings(**values, skip=skip).model_copy(update={"requests_per_second": 100_000.0})  # type: ignore[arg-type]


def bare(url: str) -> dict[str, float]:
    """Request and discard all pages."""
    start, cpu = time.perf_counter(), time.process_time()
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        address: str | None = COURSES.path
        while address:
            page = client.get(address)
            address = page.links.get("next", {}).get("url")
    return {"read": time.perf_counter() - start, "read_cpu": time.process_time() - cpu}


def whole(url: str, folder: Path) -> dict[str, float]:
    """Land all pages and make the input tables."""
    landed, scratch = folder / "landing", folder / "landing" / "extracts"
    scratch.mkdir(parents=True)
    start, cpu = time.perf_counter(), time.process_time()
    landing = Learning360(settings(url), run=asyncio.run).land(landed, AS_OF, EMPTY_WAREHOUSE)
    read, read_cpu = time.perf_counter() - start, time.process_time() - cpu
    read_peak = peak_mb()
    start = time.perf_counter()
    make_tables(Landing.open(landing.folder), scratch, landing.folder / "known")
    made = time.perf_counter() - start
    counts = landing.counts()
    size = sum(file.stat().st_size for file in landing.folder.rglob("*.gz")) / 1e6
    rows = {"attempts": float(counts["courses"]), "enrollments": float(counts["enrollments"])}
    measured = {"read": read, "read_cpu": read_cpu, "read_peak_mb": read_peak, "tables": made}
    return measured | {"landed_mb": size} | rows


if __name__ == "__main__":
    at, into = sys.argv[1], Path(sys.argv[2])
    report(bare(at) if "bare" in sys.argv else whole(at, into))
