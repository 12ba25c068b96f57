"""R1 and R2: when an enrolment is evaluated, and until when activity counts for it."""

from datetime import datetime

import polars as pl

from transforms.world import World

_AN_INSTANT = pl.duration(microseconds=1)


def takes_part(as_of: datetime) -> pl.Expr:
    """Whether the enrolment exists at as_of."""
    return pl.col("enrolled_at") <= as_of


def archived(as_of: datetime) -> pl.Expr:
    """R1: whether the learner is unenrolled at as_of."""
    return (pl.col("archived_at") <= as_of).fill_null(False)


def evaluated_at(as_of: datetime) -> pl.Expr:
    """R1: T_eff, the instant at which everything about the enrolment is evaluated."""
    return pl.when(archived(as_of)).then("archived_at").otherwise(pl.lit(as_of).dt.cast_time_unit("us"))


def counts_until() -> pl.Expr:
    """R2: the last instant that counts: not after T_eff, and before the session's end."""
    return pl.min_horizontal("evaluated_at", pl.col("ends_at") - _AN_INSTANT)


def evaluated_enrollments(world: World, curricula: pl.LazyFrame, as_of: datetime) -> pl.LazyFrame:
    """The enrolments that take part, with their session's and learner's facts, sorted by key.

    Adds: archived_at (null unless archived, R14), evaluated_at, counts_until, next_enrolled_at and
    curriculum_key.
    """
    within = (pl.col("since") <= pl.col("evaluated_at")) & (
        pl.col("until").is_null() | (pl.col("evaluated_at") < pl.col("until"))
    )
    sessions = world.sessions.drop("path_id", "name")
    taking_part = world.enrollments.filter(takes_part(as_of)).join(sessions, on="session_key")
    return (
        taking_part.join(world.users, on="user_key")
        .join(next_enrolments(taking_part), on="enrollment_key", how="left")
        .with_columns(
            evaluated_at=evaluated_at(as_of), archived_at=pl.when(archived(as_of)).then("archived_at")
        )
        .with_columns(counts_until=counts_until())
        .join(curricula, on="path_key")
        .filter(within)
        .drop("since", "until")
        .sort("enrollment_key")
    )


def next_enrolments(taking_part: pl.LazyFrame) -> pl.LazyFrame:
    """R4: when the learner's next enrolment in the session takes over: enrollment_key, next_enrolled_at.

    Only where sessions restart. Equal instants: the greater enrolment id takes over at once, so the other
    owns nothing. Null for the last one.
    """
    following = (
        pl.col("enrolled_at")
        .shift(-1)
        .over("session_key", "user_key", order_by=["enrolled_at", "enrollment_key"])
    )
    return taking_part.filter("restarts_on_reenrollment").select("enrollment_key", next_enrolled_at=following)
