"""R3: which steps count. A *curriculum* is a path's counted steps between two changes of its definition."""

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from schemas.vocabulary import MESSAGE_STEP_TYPES
from transforms.due_dates import due_months, due_time

# Before every instant that the input may hold.
SINCE_EVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Curricula:
    """What counts on each path, and when.

    periods: path_key, since, until (null = still), curriculum_key
    steps:   curriculum_key, path_key, ordinal (from 0, by position), step_key, step_id and the step's
             definition, required, is_assessment, due_months and due_time of a relative due date,
             first_beside: the least ordinal of the same position
    """

    periods: pl.DataFrame
    steps: pl.DataFrame


def curricula(paths: pl.DataFrame, steps: pl.DataFrame) -> Curricula:
    """The curricula of all paths.

    paths: path_key
    steps: path_key, step_key, step_id and the columns of PathSteps, one row per version
    """
    periods = periods_of(paths.lazy(), steps.lazy()).collect()
    return Curricula(periods, counted_steps(periods.lazy(), steps.lazy()).collect())


def periods_of(paths: pl.LazyFrame, steps: pl.LazyFrame) -> pl.LazyFrame:
    """Each path's curricula in their order, from one change of a step's definition to the next."""
    always = paths.select("path_key", since=pl.lit(SINCE_EVER).dt.cast_time_unit("us")).unique()
    changes = [
        steps.select("path_key", since=pl.col(edge)).drop_nulls() for edge in ("valid_from", "valid_to")
    ]
    return (
        pl.concat([always, *changes])
        .join(always.select("path_key"), on="path_key", how="semi")
        .unique()
        .sort("path_key", "since")
        .with_columns(until=pl.col("since").shift(-1).over("path_key", order_by="since"))
        .with_row_index("curriculum_key")
    )


def counted_steps(periods: pl.LazyFrame, steps: pl.LazyFrame) -> pl.LazyFrame:
    """The counted steps of each curriculum, numbered by position in `ordinal` (R3).

    Of several versions that hold at once the one with the greatest valid_from is the step's definition.
    """
    began, ended = pl.col("valid_from"), pl.col("valid_to")
    holds = (began.is_null() | (began <= pl.col("since"))) & (ended.is_null() | (pl.col("since") < ended))
    return (
        periods.join(steps, on="path_key")
        .filter(holds)
        .sort("valid_from", nulls_last=False)
        .unique(["curriculum_key", "step_key"], keep="last", maintain_order=True)
        .filter(~pl.col("type").is_in(MESSAGE_STEP_TYPES))
        .sort("curriculum_key", "position", "step_id")
        .with_columns(
            ordinal=pl.int_range(pl.len(), dtype=pl.UInt32).over("curriculum_key"),
            is_assessment=pl.col("type") == "assessment",
            required=~pl.col("optional"),
            due_months=due_months(),
            due_time=due_time(),
        )
        .with_columns(
            first_beside=pl.col("ordinal").min().over("curriculum_key", "position"),
        )
    )
