"""Read the platform's own statistics of each enrollment from stored API pages."""

from datetime import datetime
from typing import Any

import polars as pl

from flows.database.connection import Connection
from flows.sources.learning360 import resources
from flows.sources.learning360.landed_rows import PAGE, landed
from flows.sources.page_store import Landing
from schemas.columns import UTC_TIME

SCHEMA: dict[str, Any] = {
    "enrollment_id": pl.String,
    "session_id": pl.String,
    "user_id": pl.String,
    "type": pl.String,
    "reason": pl.String,
    "progress": pl.Int64,
    "score": pl.Int64,
    "time_ms": pl.Int64,
    "completed_at": UTC_TIME,
    "enrolled_at": UTC_TIME,
    "unenrolled_at": UTC_TIME,
    "started_at": UTC_TIME,
    "due_at": UTC_TIME,
}
_TIMES = {
    "completed_at": "completedAt",
    "enrolled_at": "enrolledAt",
    "unenrolled_at": "unenrolledAt",
    "started_at": "startedAt",
    "due_at": "dueDate",
}


def platform_answers(landing: Landing) -> pl.DataFrame:
    """One row per enrollment, as SCHEMA; empty if the landing has no statistics.

    An enrollment can be in both lists if it was archived while they were read: the archived row counts, else
    the row that was read last. An invalid number or time becomes null: a difference, not an error.
    """
    texts = "_id sessionId userId progress score timeSpent " + " ".join(_TIMES.values())
    whole = {"progress": "progress", "score": "score", "time_ms": "timeSpent"}
    # Round as our published numbers are: to whole percents and milliseconds.
    numbers = ", ".join(
        f"CAST(floor(TRY_CAST({field} AS DOUBLE) + 0.5) AS BIGINT) AS {name}" for name, field in whole.items()
    )
    times = ", ".join(f"TRY_CAST({field} AS TIMESTAMPTZ) AS {name}" for name, field in _TIMES.items())
    with Connection() as connection:
        rows = connection.frame(
            f"""
            SELECT _id AS enrollment_id, sessionId AS session_id, userId AS user_id,
              status ->> '$.type' AS type, status ->> '$.reason' AS reason, {numbers}, {times}
            FROM ({landed(landing, resources.STATS, texts, "status")}) WHERE _id IS NOT NULL
            QUALIFY row_number() OVER (
              PARTITION BY _id ORDER BY unenrolledAt IS NULL, {PAGE} DESC) = 1"""
        )
    return rows.cast(pl.Schema(SCHEMA))


def asked_at(landing: Landing) -> datetime:
    """When the platform had sent its last response."""
    return datetime.fromisoformat(landing.record.read_at or landing.record.begun_at)
