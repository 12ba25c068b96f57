"""The demo company in the sizes that are measured."""

from datetime import UTC, datetime
from pathlib import Path

from flows.sources.demo import Demo

AS_OF = datetime(2026, 3, 10, tzinfo=UTC)
# Learners, each with about two and a half enrolments.
SIZES = {"20k": 8_000, "200k": 80_000, "1m": 400_000, "10m": 4_000_000}


def make_world(folder: Path, learners: int) -> dict[str, int]:
    """Write the company's tables; rows per table."""
    folder.mkdir(parents=True)
    return Demo(learners=learners).write(folder, AS_OF)
