"""Rows of the base release: reused where nothing can have changed, compared with where it can."""

from collections.abc import Sequence

import polars as pl

from flows.compute.parts import PartRange
from schemas.columns import table_name
from schemas.home import Release
from schemas.outputs import Attempts, PathSessionStats, StepStats

_IDS = ("company_id", "session_id", "user_id", "enrollment_id")


class ReleaseRows:
    """The path_session_stats, step_stats and attempts of a release, some sessions at a time."""

    def __init__(self, release: Release) -> None:
        self.release = release
        self.stats_file, self.attempts_file = (
            release.table(table_name(model)) for model in (PathSessionStats, Attempts)
        )
        self._stats = pl.scan_parquet(self.stats_file, glob=False)
        self._details = [
            pl.scan_parquet(release.table(table_name(model)), glob=False) for model in (StepStats, Attempts)
        ]

    def stats(self, part_range: PartRange) -> pl.DataFrame:
        """The rows of all sessions in the range, in publication order."""
        return self._stats.filter(part_range.contains()).collect()

    def completion_dates(self) -> dict[str, int]:
        """The number of completion dates of each company."""
        counts = self._stats.group_by("company_id").agg(pl.col("completed_at").count()).collect()
        return dict(counts.iter_rows())

    def details(self, part_range: PartRange) -> list[pl.DataFrame]:
        """The steps and the attempts of all sessions in the range, in publication order."""
        return [rows.filter(part_range.contains()).collect() for rows in self._details]


def split(
    rows: pl.DataFrame, sessions: pl.DataFrame, requested: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows to reuse; and the rows that are computed again or belong to a removed session.

    requested: the enrollments that are computed: session_key, user_id.
    """
    ids = ["company_id", "session_id"]
    named = sessions.select(*ids, "session_key")
    is_requested = requested.select("session_key", "user_id").with_columns(is_requested=True)
    kept = (
        rows.select(*ids, "user_id")
        .join(named, on=ids, how="left", maintain_order="left")
        .join(is_requested, on=["session_key", "user_id"], how="left", maintain_order="left")
        .select(pl.col("session_key").is_not_null() & pl.col("is_requested").is_null())
        .to_series()
    )
    return rows.filter(kept), rows.filter(~kept)


def merged(
    found: Sequence[pl.DataFrame], kept: pl.DataFrame, details: Sequence[pl.DataFrame], sessions: pl.DataFrame
) -> tuple[pl.DataFrame, ...]:
    """The computed and the reused stats with their details, merged in publication order.

    found: computed stats, steps, attempts. kept: reused stats. details: steps and attempts of the base
    release, of these and perhaps of other enrollments.
    """
    places = sessions.select("company_id", "session_id").with_row_index("session").lazy()
    stats = pl.concat([found[0], kept])
    order = (
        stats.lazy()
        .select(_IDS)
        .with_row_index("row")
        .join(places, on=["company_id", "session_id"])
        .sort("session", "user_id", "enrollment_id")
        .select("row")
        .collect()
        .to_series()
    )
    merged_details = []
    for computed, reused in zip(found[1:], details, strict=True):
        ranges = pl.concat([_row_ranges(found[0], computed, 0), _row_ranges(kept, reused, computed.height)])
        numbers = pl.int_ranges("start", "end", dtype=pl.UInt32).list.explode()
        rows = ranges[order].drop_nulls().select(numbers).to_series()
        merged_details.append(pl.concat([computed, reused])[rows])
    return stats[order], *merged_details


def _row_ranges(stats: pl.DataFrame, details: pl.DataFrame, rows_before: int) -> pl.DataFrame:
    """The first and last detail of each row of stats, null without any; a row's details are adjacent."""
    begins = pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(name).shift(1)) for name in ("company_id", "enrollment_id")
    )
    ranges = (
        details.lazy()
        .select("company_id", "enrollment_id")
        .with_row_index("start", rows_before)
        .filter(begins)
        .with_columns(end=pl.col("start").shift(-1, fill_value=rows_before + details.height))
    )
    return (
        stats.lazy()
        .select("company_id", "enrollment_id")
        .join(ranges, on=["company_id", "enrollment_id"], how="left", maintain_order="left")
        .select("start", "end")
        .collect()
    )
