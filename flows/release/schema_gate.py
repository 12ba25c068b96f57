"""The schema gate: no table is published that breaks its schema."""

import pandera.errors
import polars as pl

from schemas.columns import Table, table_name
from schemas.errors import RunBlocked
from schemas.outputs import SUMMARY_COUNTS

_MOST_FAILURES_NAMED = 5


def check(model: type[Table], frame: pl.DataFrame) -> pl.DataFrame:
    """The same frame, if it passes every check of its schema.

    Raises: RunBlocked, naming the table and each failed check with its number of rows, never their contents.
    """
    try:
        model.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as broken:
        failures = broken.failure_cases.group_by("column", "check", maintain_order=True).len()
        named = "; ".join(
            f"{column}: {check}, {rows:,} rows"
            for column, check, rows in failures.head(_MOST_FAILURES_NAMED).rows()
        )
        raise RunBlocked(
            f"Table {table_name(model)} breaks its schema ({named}). Nothing was published; "
            "this is a fault of pathstats: report it with the words in brackets."
        ) from None
    return frame


def check_summary(stats: pl.DataFrame, summary: pl.DataFrame) -> None:
    """The summary's counts are the counts of the enrollments themselves, session by session.

    Raises: RunBlocked if they are not.
    """
    of_session = ["company_id", "session_id"]
    counted = (
        stats.lazy()
        .filter(pl.col("is_current") & pl.col("archived_at").is_null())
        .group_by(of_session)
        .agg(
            (pl.col("detailed_status_type") == kind).sum().cast(pl.Int32).alias(column)
            for kind, column in SUMMARY_COUNTS.items()
        )
        .sort(of_session)
        .collect()
    )
    published = (
        summary.filter(pl.col("enrolled") > 0).select(*of_session, *SUMMARY_COUNTS.values()).sort(of_session)
    )
    if not published.equals(counted):
        raise RunBlocked(
            "Table session_summary does not match the counts of path_session_stats. Nothing was published; "
            "this is a fault of pathstats: report it with these words."
        )
