"""R5: when a step is due."""

from datetime import UTC, datetime

import polars as pl

_DAY_US = 86_400_000_000
# Due dates beyond ten thousand years become the last instant that a time can represent.
_FARTHEST = {"day": 3_650_000, "week": 520_000, "month": 120_000}
LAST_INSTANT = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


def due_months() -> pl.Expr:
    """How many whole calendar months after its basis a step is due; 0 without a relative due date."""
    return pl.when(pl.col("due_unit") == "month").then(_value("month").floor()).otherwise(0).cast(pl.Int32)


def due_time() -> pl.Expr:
    """How long after those months, to the microsecond; null without a relative due date.

    A day is 86,400 s, a week 7 days, the fraction of a month as many times 30 days.
    """
    days = (
        pl.when(pl.col("due_unit") == "month")
        .then((_value("month") - _value("month").floor()) * 30)
        .when(pl.col("due_unit") == "week")
        .then(_value("week") * 7)
        .when(pl.col("due_unit") == "day")
        .then(_value("day"))
    )
    return pl.duration(microseconds=(days * _DAY_US).round(mode="half_to_even").cast(pl.Int64))


def due_at(enrollment_steps: pl.DataFrame) -> pl.Series:
    """When each enrollment step is due; null if it has no due date.

    A month is a calendar month, its day clamped to the month's end. Only the enrollment steps that need it
    ask the calendar, which is slow.
    """
    basis = pl.when(pl.col("due_basis") == "sessionStart").then("starts_at").otherwise("enrolled_at")
    due = pl.when(pl.col("due_basis") == "absolute").then("due_at").otherwise(basis + pl.col("due_time"))
    by_calendar = (
        enrollment_steps.lazy()
        .with_row_index("enrollment_step")
        .filter(pl.col("due_months") > 0)
        .select(
            "enrollment_step",
            due=basis.dt.offset_by(pl.col("due_months").cast(pl.String) + "mo") + pl.col("due_time"),
        )
        .collect()
    )
    days = enrollment_steps.select(due.alias("due_at")).to_series()
    every = days.scatter(by_calendar["enrollment_step"], by_calendar["due"])
    return every.clip(upper_bound=LAST_INSTANT)


def _value(unit: str) -> pl.Expr:
    return pl.min_horizontal(pl.col("due_value"), pl.lit(float(_FARTHEST[unit])))
