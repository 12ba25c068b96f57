"""R4: the attempts that matter for a step of an enrolment.

A *cell* is one counted step of one enrolment; cells are numbered in publication order, so that an attempt
finds its cell by adding two numbers.
"""

import polars as pl

from transforms.conditions import satisfies
from transforms.world import pair

# What an attempt must know of its enrolment and of its step.
_OF_ENROLLMENT = (
    "session_key",
    "curriculum_key",
    "first_cell",
    "evaluated_at",
    "counts_until",
    "enrolled_at",
    "next_enrolled_at",
    "restarts_on_reenrollment",
    "mandatory_replay",
)
_OF_STEP = (
    "ordinal",
    "is_assessment",
    "is_examination",
    "is_scorm",
    "min_score",
    "time_limit_mode",
    "time_limit_s",
)


def counts(instant: str) -> pl.Expr:
    """R2: whether the instant counts; on an assessment also after the session's end. Null never counts."""
    last = pl.when("is_assessment").then("evaluated_at").otherwise("counts_until")
    return (pl.col(instant) <= last).fill_null(False)


def in_session() -> pl.Expr:
    """R4: an attempt in the enrolment's own session, begun while it counts and belonging to the enrolment."""
    return _same_session() & counts("started_at") & _belongs()


def elsewhere() -> pl.Expr:
    """R4: an attempt outside the session that was completed while it counts."""
    return ~_same_session() & counts("completed_at")


def observed() -> pl.Expr:
    """R4: some sign of work on it counts."""
    return counts("last_activity_at") | counts("completed_at")


def _same_session() -> pl.Expr:
    return pl.col("activity_session_key").eq_missing(pl.col("session_key"))


def _belongs() -> pl.Expr:
    """R4: where the session restarts, an attempt belongs to the latest enrolment at its start."""
    since = pl.col("enrolled_at") <= pl.col("started_at")
    until = pl.col("next_enrolled_at").is_null() | (pl.col("started_at") < pl.col("next_enrolled_at"))
    return ~pl.col("restarts_on_reenrollment") | (since & until)


def attempts(activity: pl.LazyFrame, enrollments: pl.LazyFrame, steps: pl.LazyFrame) -> pl.LazyFrame:
    """Every attempt that matters for a cell, one row each, with what it shows of it.

    in_session, carried_over: which of R4's two kinds it is; neither, if it was done elsewhere and the path
    wants it again: such an attempt shows only that.
    finished_at, successful_at, score: null unless it is finished, and satisfies the step.
    seen_progress, inside_time_ms: null unless it is in the session and observed.
    started_at: null unless it is of one of the two kinds.
    """
    paths_of_step = steps.select("step_key", "path_key").unique()
    learners = enrollments.select(pair("user_key", "path_key").alias("learner_on_path"), *_OF_ENROLLMENT)
    inside, carried, finished = pl.col("in_session"), pl.col("carried_over"), pl.col("finished")
    seen_inside = inside & pl.col("observed")
    return (
        activity.rename({"session_key": "activity_session_key"})
        .join(paths_of_step, on="step_key")
        .with_columns(learner_on_path=pair("user_key", "path_key"))
        .join(learners, on="learner_on_path")
        .join(steps.select("curriculum_key", "step_key", *_OF_STEP), on=["curriculum_key", "step_key"])
        .with_columns(in_session=in_session(), elsewhere=elsewhere(), observed=observed())
        .filter(inside | pl.col("elsewhere"))
        .with_columns(carried_over=pl.col("elsewhere") & ~pl.col("mandatory_replay"))
        .with_columns(finished=counts("completed_at") & (inside | carried))
        .select(
            "in_session",
            "carried_over",
            "activity_id",
            "time_spent_ms",
            cell=pl.col("first_cell") + pl.col("ordinal"),
            finished_at=pl.when(finished).then("completed_at"),
            successful_at=pl.when(finished & satisfies()).then("completed_at"),
            score=pl.when(finished).then("score"),
            seen_progress=pl.when(seen_inside).then("progress"),
            inside_time_ms=pl.when(seen_inside).then("time_spent_ms"),
            started_at=pl.when(inside | carried).then("started_at"),
        )
    )


def time_off_path(activity: pl.LazyFrame, enrollments: pl.LazyFrame, steps: pl.LazyFrame) -> pl.LazyFrame:
    """R8: the observed in-session time on steps that are not counted: enrollment_key, time_off_path_ms."""
    curricula_of_path = enrollments.select("path_key", "curriculum_key").unique()
    always_counted = (
        curricula_of_path.with_columns(curricula=pl.len().over("path_key"))
        .join(steps.select("curriculum_key", "step_key"), on="curriculum_key")
        .group_by("path_key", "step_key", "curricula")
        .agg(counted_in=pl.len())
        .filter(pl.col("counted_in") == pl.col("curricula"))
        .select(pair("path_key", "step_key").alias("step_on_path"))
    )
    learners = enrollments.select(
        "enrollment_key", pair("user_key", "session_key").alias("learner_in_session"), *_OF_ENROLLMENT
    )
    return (
        activity.filter(pl.col("session_path_key").is_not_null())
        .with_columns(step_on_path=pair("session_path_key", "step_key"))
        .join(always_counted, on="step_on_path", how="anti")
        .with_columns(learner_in_session=pair("user_key", "session_key"))
        .drop("session_key")
        .join(learners, on="learner_in_session")
        .join(steps.select("curriculum_key", "step_key"), on=["curriculum_key", "step_key"], how="anti")
        .with_columns(is_assessment=pl.lit(False), activity_session_key=pl.col("session_key"))
        .filter(in_session() & observed())
        .group_by("enrollment_key")
        .agg(time_off_path_ms=pl.col("time_spent_ms").sum())
    )
