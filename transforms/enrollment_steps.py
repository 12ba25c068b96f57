"""The enrollment steps: each counted step of each enrollment, numbered in publication order."""

import polars as pl

_OF_ENROLLMENT = (
    "enrollment",
    "company_id",
    "session_id",
    "user_id",
    "enrollment_id",
    "curriculum_key",
    "evaluated_at",
    "starts_at",
    "enrolled_at",
)
_OF_STEP = (
    "curriculum_key",
    "ordinal",
    "first_beside",
    "step_id",
    "position",
    "optional",
    "required",
    "is_assessment",
    "is_examination",
    "min_score",
    "attempts_limit",
    "due_basis",
    "due_months",
    "due_time",
    "due_at",
)


def with_first_cell(enrollments: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """Add first_cell: how many cells come before the enrollment's own. enrollments: in publication order."""
    sizes = steps.group_by("curriculum_key").agg(cells=pl.len())
    return (
        enrollments.join(sizes, on="curriculum_key", how="left", maintain_order="left")
        .with_columns(pl.col("cells").fill_null(0).cast(pl.UInt32))
        .with_columns(first_cell=pl.col("cells").cum_sum() - pl.col("cells"))
        .drop("cells")
    )


def cells(enrollments: pl.LazyFrame, steps: pl.DataFrame) -> pl.LazyFrame:
    """One row per cell, in order: row n is cell n. Both come with what R5 asks of them."""
    return enrollments.select(_OF_ENROLLMENT).join(
        steps.lazy().select(_OF_STEP), on="curriculum_key", maintain_order="left_right"
    )


def laid_out(rows: pl.DataFrame, count: int) -> pl.DataFrame:
    """Rows that carry a `cell` as one row per cell, in order, null where a cell has none.

    Several times faster than an ordered left join onto the cells.

    >>> laid_out(pl.DataFrame({"cell": [2, 0], "score": [80, 60]}), 4)["score"].to_list()
    [60, None, 80, None]
    """
    nothing = pl.DataFrame({name: [None] for name in rows.columns}, schema=rows.schema)
    row_of_cell = pl.repeat(rows.height, count, dtype=pl.UInt32, eager=True)
    row_of_cell = row_of_cell.scatter(rows["cell"], pl.int_range(rows.height, dtype=pl.UInt32, eager=True))
    return pl.concat([rows, nothing], rechunk=True).select(pl.exclude("cell").gather(row_of_cell))
