"""R4: the attempts that matter for a step of an enrollment.

Enrollment steps are numbered in publication order, so an attempt finds its own by adding two numbers.
"""

import polars as pl

from transforms.rule_inputs import RuleInputs, joint_key
from transforms.success_criteria import satisfies

# The columns of its enrollment and of its step that the rules read for an attempt.
_OF_ENROLLMENT = (
    "enrollment",
    "path_version_key",
    "first_enrollment_step",
    "enrollment_id",
    "evaluated_at",
    "counts_until",
    "ends_at",
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
    "attempts_limit",
)


def counts(instant: str) -> pl.Expr:
    """R2: whether the instant counts; on an assessment also after the session's end. Null never does."""
    last = pl.when("is_assessment").then("evaluated_at").otherwise("counts_until")
    return (pl.col(instant) <= last).fill_null(False)


def is_owned() -> pl.Expr:
    """R4: an attempt in the session that names an enrollment belongs to that one alone.

    Else, where the session restarts, it belongs to the latest enrollment at its start.
    """
    until = pl.col("next_enrolled_at").is_null() | (pl.col("started_at") < pl.col("next_enrolled_at"))
    by_time = ~pl.col("restarts_on_reenrollment") | (~precedes_enrollment() & until)
    is_named = pl.col("named_enrollment_id").is_not_null()
    return pl.when(is_named).then(~names_another_enrollment()).otherwise(by_time)


def names_another_enrollment() -> pl.Expr:
    """R4: whether an attempt names an enrollment, and another one."""
    return (pl.col("named_enrollment_id") != pl.col("enrollment_id")).fill_null(False)


def precedes_enrollment() -> pl.Expr:
    """R4: whether an attempt began before the enrollment did."""
    return pl.col("started_at") < pl.col("enrolled_at")


def is_in_session() -> pl.Expr:
    """R4: whether an attempt made in the session is the enrollment's own; it counts, finished or not."""
    return counts("started_at") & is_owned()


def is_done_elsewhere() -> pl.Expr:
    """R4, R5: whether an attempt made elsewhere is done, as far as the enrollment may know."""
    return pl.col("ordinal").is_not_null() & counts("completed_at")


def is_carried_over() -> pl.Expr:
    """R4: whether an attempt that is done elsewhere counts here too."""
    return is_done_elsewhere() & ~pl.col("mandatory_replay")


def observed() -> pl.Expr:
    """R4: some sign of work on it counts."""
    return counts("last_activity_at") | counts("completed_at")


def candidates(inputs: RuleInputs, enrollments: pl.LazyFrame) -> pl.LazyFrame:
    """Every attempt with each enrollment that it may count for, and its counted step.

    Adds made_here: whether it was made in the session, and enrollment_step: null if the step is not counted.
    """
    inside = candidates_of(inputs.in_session, inputs, enrollments)
    outside = candidates_of(inputs.elsewhere, inputs, enrollments)
    return pl.concat(
        [
            inside.with_columns(
                made_here=True, made_in_key="session_key", activity_id=pl.lit(None, pl.String)
            ),
            outside.with_columns(made_here=False),
        ],
        how="diagonal",
    ).with_columns(enrollment_step=pl.col("first_enrollment_step") + pl.col("ordinal"))


def attempts(candidates: pl.LazyFrame) -> pl.LazyFrame:
    """Every attempt that matters for an enrollment, one row each, with the facts that the rules read.

    enrollment_step:   null for an attempt in the session on a step that is not counted (R8 wants its time).
    activity_id:       null for attempts in the session, where it decides nothing.
    in_session, carried_over: R4's two kinds. Neither, if it was done elsewhere and the path wants it again:
                       such an attempt shows only that.
    finished_at, successful_at, score: null unless it is finished, and satisfies the step.
    observed_progress, inside_time_ms: null unless it is in the session and observed.
    started_at:        null unless it is of one of the two kinds.
    """
    made_here = pl.col("made_here")
    return (
        candidates.filter((made_here & is_in_session()) | (~made_here & is_done_elsewhere()))
        .with_columns(in_session="made_here", carried_over=~made_here & is_carried_over())
        .select(**_facts())
    )


def candidates_of(activity: pl.DataFrame, inputs: RuleInputs, enrollments: pl.LazyFrame) -> pl.LazyFrame:
    """The attempts with each enrollment that they may count for, and their counted step."""
    learners = enrollments.select(joint_key("session_key", "user_key").alias("learner"), *_OF_ENROLLMENT)
    steps = inputs.path_versions.steps.lazy().select(
        joint_key("path_version_key", "step_key").alias("step"), *_OF_STEP
    )
    return (
        activity.lazy()
        .with_columns(learner=joint_key("session_key", "user_key"))
        .join(learners, on="learner")
        .with_columns(step=joint_key("path_version_key", "step_key"))
        .join(steps, on="step", how="left")
        .with_columns(pl.col("is_assessment").fill_null(False))
    )


def _facts() -> dict[str, pl.Expr]:
    is_of_a_kind = pl.col("in_session") | pl.col("carried_over")
    finished = counts("completed_at") & is_of_a_kind
    observed_inside = pl.col("in_session") & observed()
    return {
        "enrollment": pl.col("enrollment"),
        "enrollment_step": pl.col("enrollment_step"),
        "in_session": pl.col("in_session"),
        "carried_over": pl.col("carried_over"),
        "activity_id": pl.col("activity_id"),
        "time_spent_ms": pl.col("time_spent_ms"),
        "finished_at": pl.when(finished).then("completed_at"),
        "successful_at": pl.when(finished & satisfies()).then("completed_at"),
        "score": pl.when(finished).then("score"),
        "observed_progress": pl.when(observed_inside).then("progress"),
        "inside_time_ms": pl.when(observed_inside).then("time_spent_ms"),
        "started_at": pl.when(is_of_a_kind).then("started_at"),
    }


def time_off_path(attempts: pl.LazyFrame) -> pl.LazyFrame:
    """R8: the observed in-session time on steps that are not counted: enrollment, time_off_path_ms."""
    return (
        attempts.filter(pl.col("enrollment_step").is_null())
        .group_by("enrollment")
        .agg(time_off_path_ms=pl.col("inside_time_ms").sum())
    )


def with_time_on_waived_steps(off_path: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """R8, R16: time in the session on a waived step counts like time on a step that left the path."""
    waived = outcomes.lazy().drop_nulls("waived_time_ms")
    return (
        pl.concat([off_path.lazy(), waived.select("enrollment", time_off_path_ms="waived_time_ms")])
        .group_by("enrollment")
        .agg(pl.col("time_off_path_ms").sum())
        .collect()
    )
