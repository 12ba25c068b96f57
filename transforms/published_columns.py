"""Every published column in order, each with the rule that computes it."""

import polars as pl

from transforms import detailed_status, lateness, learner_stats, valid_until

PATH_SESSION_STATS: tuple[pl.Expr, ...] = (
    pl.col("company_id"),
    pl.col("session_id"),
    pl.col("user_id"),
    pl.col("enrollment_id"),
    pl.col("is_current"),  # R15
    learner_stats.progress().alias("progress"),  # R7
    learner_stats.global_time_ms().alias("global_time_ms"),  # R8
    learner_stats.score().alias("score"),  # R9
    learner_stats.status().alias("status"),  # R10
    detailed_status.completed_at().alias("completed_at"),  # R13
    pl.col("detailed_status_type"),  # R11
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
    pl.col("deciding_rule").cast(pl.String),  # R11
    learner_stats.all_required_finished_at().alias("all_required_finished_at"),
    pl.col("is_late"),  # R18
    lateness.late_since().alias("late_since"),  # R18
    valid_until.next_certain_change().alias("valid_until"),
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
