"""One row per session: counts and means over its learners."""

import polars as pl

from schemas.outputs import SUMMARY_COUNTS, Stats


def session_summary(sessions: pl.DataFrame, stats: pl.DataFrame) -> pl.DataFrame:
    """The columns of SessionSummary, one row per session, learners or none.

    sessions: in publication order. stats: PathSessionStats of all of them. Means are integer sums divided
    once, so that they come out the same to the last bit however the rows were split.
    """
    enrolled = pl.col(Stats.archived_at).is_null()
    counts = {
        column: (enrolled & (pl.col(Stats.detailed_status_type) == kind)).sum().cast(pl.Int32)
        for kind, column in SUMMARY_COUNTS.items()
    }
    score = pl.col(Stats.score).filter(enrolled)
    summed = (
        stats.lazy()
        .filter("is_current")
        .group_by("company_id", "session_id")
        .agg(
            **counts,
            enrolled=enrolled.sum().cast(pl.Int32),
            archived=(~enrolled).sum().cast(pl.Int32),
            overdue=pl.col(Stats.is_late).sum().cast(pl.Int32),
            mean_progress=_mean(pl.col(Stats.progress).filter(enrolled)),
            mean_score=_mean(score),
            median_global_time_ms=pl.col(Stats.global_time_ms).filter(enrolled).median(),
        )
    )
    return (
        sessions.lazy()
        .select("company_id", "session_id", "path_id", "name")
        .join(summed, on=["company_id", "session_id"], how="left", maintain_order="left")
        .with_columns(pl.col(*SUMMARY_COUNTS.values(), "enrolled", "archived", "overdue").fill_null(0))
        .collect()
    )


def _mean(values: pl.Expr) -> pl.Expr:
    return pl.when(values.count() > 0).then(values.cast(pl.Int64).sum() / values.count())
