"""Enrollment steps: each counted step of each enrollment, numbered from 0 in publication order."""

import polars as pl

_OF_ENROLLMENT = (
    "enrollment",
    "company_id",
    "session_id",
    "user_id",
    "enrollment_id",
    "path_version_key",
    "evaluated_at",
    "starts_at",
    "enrolled_at",
)
_OF_STEP = (
    "path_version_key",
    "ordinal",
    "first_at_position",
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


def with_first_enrollment_step(enrollments: pl.DataFrame, steps: pl.DataFrame) -> pl.DataFrame:
    """Add first_enrollment_step: the number of the enrollment's first step.

    enrollments: in publication order.
    """
    sizes = steps.group_by("path_version_key").agg(count=pl.len())
    return (
        enrollments.join(sizes, on="path_version_key", how="left", maintain_order="left")
        .with_columns(pl.col("count").fill_null(0).cast(pl.UInt32))
        .with_columns(first_enrollment_step=pl.col("count").cum_sum() - pl.col("count"))
        .drop("count")
    )


def enrollment_steps(enrollments: pl.LazyFrame, steps: pl.DataFrame) -> pl.LazyFrame:
    """One row per enrollment step, in order of their numbers, with the facts that R5 reads."""
    return enrollments.select(_OF_ENROLLMENT).join(
        steps.lazy().select(_OF_STEP), on="path_version_key", maintain_order="left_right"
    )


def one_row_each(rows: pl.DataFrame, count: int, number: str = "enrollment_step") -> pl.DataFrame:
    """The rows in the order of their number, one for each number from 0, null where a number has no row.

    Several times faster than an ordered left join.

    >>> one_row_each(pl.DataFrame({"enrollment_step": [2, 0], "score": [80, 60]}), 4)["score"].to_list()
    [60, None, 80, None]
    """
    nothing = pl.DataFrame({name: [None] for name in rows.columns}, schema=rows.schema)
    row_of_number = pl.repeat(rows.height, count, dtype=pl.UInt32, eager=True)
    row_of_number = row_of_number.scatter(
        rows[number], pl.int_range(rows.height, dtype=pl.UInt32, eager=True)
    )
    return pl.concat([rows, nothing], rechunk=True).select(pl.exclude(number).gather(row_of_number))
