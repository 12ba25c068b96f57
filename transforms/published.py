"""Every published field in the order in which it is published, each with the rule that computes it."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from transforms import learner_stats as rule
from transforms.attempts import attempts, time_off_path
from transforms.curricula import counted_steps, curricula
from transforms.evaluation import evaluated_enrollments
from transforms.session_summary import session_summary
from transforms.step_outcomes import step_outcomes
from transforms.world import World

PATH_SESSION_STATS: tuple[pl.Expr, ...] = (
    pl.col("company_id"),
    pl.col("session_id"),
    pl.col("user_id"),
    pl.col("enrollment_id"),
    rule.is_current().alias("is_current"),  # R15
    rule.progress().alias("progress"),  # R7
    rule.global_time_ms().alias("global_time_ms"),  # R8
    rule.score().alias("score"),  # R9
    rule.status().alias("status"),  # R10
    rule.completed_at().alias("completed_at"),  # R13
    rule.detailed_status_type().alias("detailed_status_type"),  # R11
    rule.detailed_status_reason().alias("detailed_status_reason"),  # R11
    rule.result().alias("result"),  # R12
    pl.col("archived_at"),  # R1, R14
    pl.col("enrolled_at"),
    pl.col("started_at"),  # R6
    pl.col("next_due_at"),
    pl.col("overdue_steps"),
    pl.col("required_steps"),
    pl.col("required_steps_finished"),
    pl.col("decided_by_step_id"),  # R11
    rule.all_required_finished_at().alias("all_required_finished_at"),
)

STEP_STATS: tuple[pl.Expr, ...] = (
    pl.col("company_id"),
    pl.col("session_id"),
    pl.col("user_id"),
    pl.col("enrollment_id"),
    pl.col("step_id"),
    pl.col("position"),
    (~pl.col("required")).alias("optional"),
    pl.col("finished"),
    pl.col("finished_at"),
    pl.col("successful"),
    pl.col("successful_at"),
    pl.col("exhausted"),
    pl.col("to_retake"),
    pl.col("replay_pending"),
    pl.col("awaiting_correction"),
    pl.col("carried_over"),
    pl.col("score"),
    pl.col("progress"),
    pl.col("time_ms"),
    pl.col("attempts_used"),
    pl.col("due_at"),
    pl.col("overdue"),
)


@dataclass(frozen=True)
class Statistics:
    """One night's answer: the tables of SPEC section 3 that the rules compute."""

    path_session_stats: pl.DataFrame
    step_stats: pl.DataFrame
    session_summary: pl.DataFrame


def statistics(world: World, as_of: datetime) -> Statistics:
    """All rules over the whole world, as of one instant."""
    of_paths = curricula(world.sessions, world.steps).collect().lazy()
    steps = counted_steps(of_paths, world.steps).collect().lazy()
    enrollments = _with_first_cell(evaluated_enrollments(world, of_paths, as_of), steps).collect().lazy()
    known = attempts(world.activity, enrollments, steps).collect().lazy()
    outcomes = step_outcomes(enrollments, steps, known).collect().lazy()
    off_path = time_off_path(world.activity, enrollments, steps)

    named = enrollments.join(world.users, on="user_key", how="left").sort("enrollment_key")
    stats = (
        named.join(rule.summed_steps(outcomes), on="enrollment_key", how="left")
        .join(off_path, on="enrollment_key", how="left")
        .with_columns(
            pl.col(
                "counted_steps",
                "counted_steps_finished",
                "required_steps",
                "required_steps_finished",
                "required_steps_successful",
                "required_steps_replay_pending",
                "overdue_steps",
                "summed_progress",
                "summed_score",
                "scored_steps",
                "time_on_path_ms",
                "time_off_path_ms",
            ).fill_null(0),
            pl.col("any_exhausted", "any_to_retake").fill_null(False),
        )
        .with_columns(deciding_rule=rule.deciding_rule())
        .with_columns(ordinal=rule.deciding_ordinal())
        .join(
            steps.select("curriculum_key", "ordinal", decided_by_step_id="step_id"),
            on=["curriculum_key", "ordinal"],
            how="left",
        )
        .sort("enrollment_key")
        .select("session_key", *PATH_SESSION_STATS)
        .collect()
    )
    step_ids = steps.select("step_key", "step_id").unique()
    ids = named.select("enrollment_key", "company_id", "session_id", "user_id", "enrollment_id")
    step_stats = (
        outcomes.join(ids, on="enrollment_key")
        .join(step_ids, on="step_key")
        .sort("cell")
        .select(STEP_STATS)
        .collect()
    )
    summary = session_summary(world.sessions, stats.lazy()).collect()
    return Statistics(stats.drop("session_key"), step_stats, summary)


def _with_first_cell(enrollments: pl.LazyFrame, steps: pl.LazyFrame) -> pl.LazyFrame:
    """Add first_cell: how many cells come before the enrolment's own."""
    sizes = steps.group_by("curriculum_key").agg(cells=pl.len())
    return (
        enrollments.join(sizes, on="curriculum_key", how="left")
        .sort("enrollment_key")
        .with_columns(pl.col("cells").fill_null(0).cast(pl.UInt32))
        .with_columns(first_cell=pl.col("cells").cum_sum() - pl.col("cells"))
        .drop("cells")
    )
