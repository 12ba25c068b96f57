"""Read the rejected attempts of a release, and the session ids needed to explain attempts."""

from collections.abc import Collection
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import polars as pl

from flows.report.attempt_labels import Line
from schemas.home import Release

# The fields that are read from a rejected row, if they are readable.
_OF_ROW = (
    "company_id",
    "activity_id",
    "user_id",
    "step_id",
    "session_id",
    "started_at",
    "completed_at",
    "score",
)


def known_sessions(release: Release, company_id: str) -> frozenset[str]:
    """The ids of the company's sessions in the release."""
    sessions = pl.scan_parquet(release.table("path_sessions"), glob=False)
    return frozenset(
        sessions.filter(pl.col("company_id") == pl.lit(company_id)).select("session_id").collect().to_series()
    )


def rejected_attempts(release: Release, company_id: str, users: Collection[str]) -> pl.DataFrame:
    """The rejected rows of step_activity of some learners: reason, detail and the readable fields of the row.

    Rows without a readable user_id are not included.
    """
    row = pl.col("row")
    return (
        pl.scan_parquet(release.table("quarantine"), glob=False)
        .filter(pl.col("table") == "step_activity")
        .select(
            "reason",
            "detail",
            *(row.str.json_path_match(f"$.{name}").alias(name) for name in _OF_ROW),
        )
        .filter(pl.col("company_id") == pl.lit(company_id), pl.col("user_id").is_in(list(users)))
        .sort("user_id", "step_id", "activity_id", "detail", nulls_last=True)
        .collect()
    )


def rejected_lines(rows: pl.DataFrame, session_id: str, steps: Collection[str]) -> list[Line]:
    """A line for each rejected attempt of one learner at one of the steps, or in the session.

    rows: the learner's rows of `rejected_attempts`.
    """
    return [
        Line(
            row["step_id"] or "no step",
            _instant(row["completed_at"]) or _instant(row["started_at"]),
            _number(row["score"]),
            None,
            counts=False,
            words=rejected_words(row),
        )
        for row in rows.iter_rows(named=True)
        if row["step_id"] in steps or row["session_id"] == session_id
    ]


def rejected_words(row: dict[str, Any]) -> str:
    """Why a rejected attempt does not count."""
    name = f"attempt {row['activity_id']}" if row["activity_id"] else "an attempt"
    return f"not counted: {name} is in quarantine, rejected as {row['reason']}: {row['detail']}"


def _instant(text: str | None) -> datetime | None:
    """The time in a rejected row; None if it is invalid or has no zone."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def _number(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if isfinite(found) else None
