"""Every published column in order, each with the rule that computes it."""

import polars as pl

from schemas.outputs import Stats, Steps
from transforms import detailed_status, lateness, learner_stats, valid_until

PATH_SESSION_STATS: tuple[pl.Expr, ...] = (
    pl.col(Stats.company_id),
    pl.col(Stats.session_id),
    pl.col(Stats.user_id),
    pl.col(Stats.enrollment_id),
    pl.col(Stats.is_current),  # R15
    learner_stats.progress().alias(Stats.progress),  # R7
    learner_stats.global_time_ms().alias(Stats.global_time_ms),  # R8
    learner_stats.score().alias(Stats.score),  # R9
    learner_stats.status().alias(Stats.status),  # R10
    detailed_status.completed_at().alias(Stats.completed_at),  # R13
    pl.col(Stats.detailed_status_type),  # R11
    detailed_status.detailed_status_reason().alias(Stats.detailed_status_reason),  # R11
    learner_stats.result().alias(Stats.result),  # R12
    pl.col(Stats.archived_at),  # R1, R14
    pl.col(Stats.enrolled_at),
    pl.col(Stats.started_at),  # R6
    pl.col(Stats.next_due_at),
    pl.col(Stats.overdue_steps),
    pl.col(Stats.required_steps),
    pl.col(Stats.required_steps_finished),
    pl.col(Stats.decided_by_step_id),  # R11
    pl.col(Stats.deciding_rule).cast(pl.String),  # R11
    learner_stats.all_required_finished_at().alias(Stats.all_required_finished_at),
    pl.col(Stats.is_late),  # R18
    lateness.late_since().alias(Stats.late_since),  # R18
    valid_until.next_certain_change().alias(Stats.valid_until),
)

# Computed by `step_outcomes`, each by a function of its name: R5, and R8 for the time.
STEP_STATS: tuple[str, ...] = (
    Steps.company_id,
    Steps.session_id,
    Steps.user_id,
    Steps.enrollment_id,
    Steps.step_id,
    Steps.position,
    Steps.optional,
    Steps.finished,
    Steps.finished_at,
    Steps.successful,
    Steps.successful_at,
    Steps.exhausted,
    Steps.to_retake,
    Steps.replay_pending,
    Steps.awaiting_correction,
    Steps.carried_over,
    Steps.score,
    Steps.progress,
    Steps.time_ms,
    Steps.attempts_used,
    Steps.due_at,
    Steps.overdue,
)
