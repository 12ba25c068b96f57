"""Write the demo company in the measured sizes, and its changes of one day."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from flows.sources.demo import Demo

AS_OF = datetime(2026, 3, 30, tzinfo=UTC)
NEXT_DAY = AS_OF + timedelta(days=1)
# Learners, each with about two and a half enrollments.
SIZES = {"20k": 8_000, "200k": 80_000, "1m": 400_000, "10m": 4_000_000}
_CHANGED_SHARE = 0.01


def make_world(folder: Path, learners: int) -> dict[str, int]:
    """Write the company's tables; returns the rows per table."""
    folder.mkdir(parents=True)
    return Demo(learners=learners).write(folder, AS_OF)


def make_changes(folder: Path, world: Path, as_of: datetime = NEXT_DAY, number: int = 1) -> int:
    """Write one day's activity: one percent of the enrollments in open sessions complete a course each.

    Returns the number of rows. as_of: the end of the day. number: selects which enrollments.
    """
    folder.mkdir(parents=True)
    sessions = pl.read_parquet(world / "path_sessions.parquet").filter(
        pl.col("starts_at") <= AS_OF, pl.col("ends_at").is_null() | (pl.col("ends_at") > as_of)
    )
    courses = pl.read_ndjson(world / "path_steps.ndjson", infer_schema_length=None).filter(type="course")
    course_of_path = courses.group_by("path_id").agg(pl.col("step_id").min())
    enrollments = pl.read_parquet(world / "enrollments.parquet")
    active = (
        enrollments.filter(pl.col("enrolled_at") <= AS_OF, pl.col("archived_at").is_null())
        .join(sessions.select("session_id", "path_id"), on="session_id")
        .join(course_of_path, on="path_id")
        .sample(round(enrollments.height * _CHANGED_SHARE), seed=number)
    )
    begun = pl.lit(as_of - timedelta(hours=16)).dt.cast_time_unit("us")
    active.select(
        "company_id",
        "user_id",
        "step_id",
        "session_id",
        activity_id=pl.concat_str(pl.lit(f"new-{number}-"), "enrollment_id"),
        started_at=begun,
        last_activity_at=begun + pl.duration(minutes=20),
        completed_at=begun + pl.duration(minutes=20),
        progress=pl.lit(100, pl.Int32),
        score=pl.lit(80.0),
        time_spent_ms=pl.lit(1_200_000, pl.Int64),
        passed=pl.lit(None, pl.Boolean),
        enrollment_id=pl.lit(None, pl.String),
    ).write_parquet(folder / "step_activity.parquet")
    return active.height
