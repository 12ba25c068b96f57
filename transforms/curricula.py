"""R3: which steps count. A *curriculum* is a path's counted steps between two changes of its definition."""

from datetime import UTC, datetime

import polars as pl

from schemas.vocabulary import MESSAGE_STEP_TYPES

# Before every instant that the input may hold.
SINCE_EVER = datetime(1, 1, 1, tzinfo=UTC)


def curricula(sessions: pl.LazyFrame, steps: pl.LazyFrame) -> pl.LazyFrame:
    """The curricula of each path in their order: path_key, since, until (null = still), curriculum_key."""
    always = sessions.select("path_key", since=pl.lit(SINCE_EVER).dt.cast_time_unit("us")).unique()
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


def counted_steps(curricula: pl.LazyFrame, steps: pl.LazyFrame) -> pl.LazyFrame:
    """The counted steps of each curriculum, numbered by position in `ordinal` (R3).

    Of several versions that hold at once the one with the greatest valid_from is the step's definition.
    """
    began, ended = pl.col("valid_from"), pl.col("valid_to")
    holds = (began.is_null() | (began <= pl.col("since"))) & (ended.is_null() | (pl.col("since") < ended))
    return (
        curricula.join(steps, on="path_key")
        .filter(holds)
        .sort("valid_from", nulls_last=False)
        .unique(["curriculum_key", "step_key"], keep="last", maintain_order=True)
        .filter(~pl.col("type").is_in(MESSAGE_STEP_TYPES))
        .sort("curriculum_key", "position", "step_key")
        .with_columns(
            ordinal=pl.int_range(pl.len(), dtype=pl.UInt32).over("curriculum_key"),
            is_assessment=pl.col("type") == "assessment",
            required=~pl.col("optional"),
        )
    )
