"""The last gate: no table goes out that breaks its schema."""

import pandera.errors
import polars as pl

from schemas.columns import Table, table_name
from schemas.errors import HeldBack
from schemas.outputs import SUMMARY_COUNTS


def check(model: type[Table], frame: pl.DataFrame) -> pl.DataFrame:
    """The frame as it came, if it keeps every promise of its schema.

    Raises: HeldBack, naming the table, each broken check and how many rows break it; never a row's contents.
    """
    try:
        model.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as broken:
        failures = broken.failure_cases
        named = failures.group_by("column", "check", maintain_order=True).len().head(5).rows()
        words = "; ".join(f"{column}: {check}, {rows:,} rows" for column, check, rows in named)
        raise HeldBack(
            f"Table {table_name(model)} breaks its schema ({words}). Nothing was published; "
            "this is a fault of pathstats: report it with the words in brackets."
        ) from None
    return frame


def check_summary(stats: pl.DataFrame, summary: pl.DataFrame) -> None:
    """The summary's counts are the counts of the enrolments themselves, session by session.

    Raises: HeldBack if they are not.
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
    told = (
        summary.filter(pl.col("enrolled") > 0).select(*of_session, *SUMMARY_COUNTS.values()).sort(of_session)
    )
    if not told.equals(counted):
        raise HeldBack(
            "Table session_summary does not count what path_session_stats holds. Nothing was published; "
            "this is a fault of pathstats: report it with these words."
        )
