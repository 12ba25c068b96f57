"""Every published field in the order in which it is published, each with the rule that computes it."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from transforms import detailed_status, learner_stats
from transforms.answers import body
from transforms.attempts import attempts, time_off_path
from transforms.cells import cells, with_first_cell
from transforms.curricula import counted_steps, curricula
from transforms.evaluation import evaluated_enrollments
from transforms.session_summary import session_summary
from transforms.step_outcomes import step_outcomes
from transforms.world import JOINS_AS_WRITTEN, World

PATH_SESSION_STATS: tuple[pl.Expr, ...] = (
    pl.col("company_id"),
    pl.col("session_id"),
    pl.col("user_id"),
    pl.col("enrollment_id"),
    learner_stats.is_current().alias("is_current"),  # R15
    learner_stats.progress().alias("progress"),  # R7
    learner_stats.global_time_ms().alias("global_time_ms"),  # R8
    learner_stats.score().alias("score"),  # R9
    learner_stats.status().alias("status"),  # R10
    detailed_status.completed_at().alias("completed_at"),  # R13
    detailed_status.detailed_status_type().alias("detailed_status_type"),  # R11
    detailed_status.detailed_status_reason().alias("detailed_status_reason"),  # R11
    learner_stats.result().alias("result"),  # R12
    pl.col("archived_at"),  # R1, R14
    pl.col("enrolled_at"),
    pl.col("started_at"),  # R6
    pl.col("next_due_at"),
    pl.col("overdue_steps"),
    pl.col("required_steps"),
    pl.col("required_steps_finished"),
    pl.col("decided_by_step_id"),  # R11
    learner_stats.all_required_finished_at().alias("all_required_finished_at"),
)

# Computed by `step_outcomes`, each by a function of its name: R5, and R8 for the time.
STEP_STATS: tuple[str, ...] = (
    "company_id",
    "session_id",
    "user_id",
    "enrollment_id",
    "step_id",
    "position",
    "optional",
    "finished",
    "finished_at",
    "successful",
    "successful_at",
    "exhausted",
    "to_retake",
    "replay_pending",
    "awaiting_correction",
    "carried_over",
    "score",
    "progress",
    "time_ms",
    "attempts_used",
    "due_at",
    "overdue",
)


@dataclass(frozen=True)
class Statistics:
    """One night's answer: the tables of SPEC section 3 that the rules compute.

    answers: session_key, user_key and body, the endpoint's JSON, of each enrolment that answers (R15).
    """

    path_session_stats: pl.DataFrame
    step_stats: pl.DataFrame
    session_summary: pl.DataFrame
    answers: pl.DataFrame


def statistics(world: World, as_of: datetime) -> Statistics:
    """All rules over the whole world, as of one instant."""
    of_paths = curricula(world.sessions, world.steps).collect(optimizations=JOINS_AS_WRITTEN).lazy()
    steps = counted_steps(of_paths, world.steps).collect(optimizations=JOINS_AS_WRITTEN).lazy()
    evaluated = evaluated_enrollments(world, of_paths, as_of)
    enrollments = with_first_cell(evaluated, steps).collect(optimizations=JOINS_AS_WRITTEN).lazy()
    known = attempts(world.activity, enrollments, steps).collect(optimizations=JOINS_AS_WRITTEN).lazy()
    outcomes = step_outcomes(
        cells(enrollments, steps).collect(optimizations=JOINS_AS_WRITTEN), known
    ).collect(optimizations=JOINS_AS_WRITTEN)
    del known
    stats = (
        learner_facts(enrollments, outcomes.lazy(), time_off_path(world.activity, enrollments, steps), steps)
        .select("session_key", "user_key", *PATH_SESSION_STATS)
        .collect(optimizations=JOINS_AS_WRITTEN)
    )
    return Statistics(
        stats.drop("session_key", "user_key"),
        outcomes[list(STEP_STATS)],
        session_summary(world.sessions, stats.lazy()).collect(),
        stats.lazy().filter("is_current").select("session_key", "user_key", body=body()).collect(),
    )


def learner_facts(
    enrollments: pl.LazyFrame, outcomes: pl.LazyFrame, off_path: pl.LazyFrame, steps: pl.LazyFrame
) -> pl.LazyFrame:
    """What the fields of PATH_SESSION_STATS read, one row per enrolment, in publication order."""
    return (
        enrollments.join(learner_stats.summed_steps(outcomes), on="enrollment_key", how="left")
        .join(off_path, on="enrollment_key", how="left")
        .with_columns(learner_stats.nothing_where_no_step_counts())
        .with_columns(deciding_rule=detailed_status.deciding_rule())
        .with_columns(ordinal=detailed_status.deciding_ordinal())
        .join(
            steps.select("curriculum_key", "ordinal", decided_by_step_id="step_id"),
            on=["curriculum_key", "ordinal"],
            how="left",
        )
        .sort("enrollment_key")
    )
