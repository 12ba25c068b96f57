"""R5: when a step is due."""

from datetime import UTC, datetime

import polars as pl

_DAY_US = 86_400_000_000
# Due dates further off than ten thousand years are as good as the last instant a time can hold.
_FARTHEST = {"day": 3_650_000, "week": 520_000, "month": 120_000}
_LAST_INSTANT = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


def due_at() -> pl.Expr:
    """When the step is due, to the microsecond; null if it has no due date.

    A day is 86,400 s, a week 7 days; a month is a calendar month for the whole part, its day clamped to the
    month's end, and 30 days x the fraction.
    """
    relative = (
        pl.when(pl.col("due_unit") == "month")
        .then(_months_after(_basis(), _value("month")))
        .when(pl.col("due_unit") == "week")
        .then(_basis() + _days(_value("week") * 7))
        .when(pl.col("due_unit") == "day")
        .then(_basis() + _days(_value("day")))
    )
    due = pl.when(pl.col("due_basis") == "absolute").then("due_at").otherwise(relative)
    return pl.when(due.is_not_null()).then(pl.min_horizontal(due, pl.lit(_LAST_INSTANT)))


def _basis() -> pl.Expr:
    return pl.when(pl.col("due_basis") == "sessionStart").then("starts_at").otherwise("enrolled_at")


def _value(unit: str) -> pl.Expr:
    return pl.min_horizontal(pl.col("due_value"), pl.lit(float(_FARTHEST[unit])))


def _days(days: pl.Expr) -> pl.Expr:
    return pl.duration(microseconds=(days * _DAY_US).round(mode="half_to_even").cast(pl.Int64))


def _months_after(start: pl.Expr, months: pl.Expr) -> pl.Expr:
    whole = months.floor()
    shifted = start.dt.offset_by(whole.fill_null(0).cast(pl.Int64).cast(pl.String) + "mo")
    return shifted + _days((months - whole) * 30)
