"""R6 to R10, R12 and R15: from step outcomes to the published fields of an enrollment."""

import polars as pl

from schemas.inputs import SCORE_DECIMALS
from schemas.outputs import Stats, Steps

# Scores are summed as whole parts of a percent: a sum of floats depends on the order of its terms.
_PARTS = 10**SCORE_DECIMALS


def summed_steps(outcomes: pl.LazyFrame) -> pl.LazyFrame:
    """Each enrollment's counted steps in one row: what R6 to R13 ask of them. No row without a counted step.

    The `first_…` columns are ordinals: of several steps the first by position decides.
    """
    required, finished = pl.col("required"), pl.col(Steps.finished)
    overdue = required & pl.col(Steps.overdue)
    ahead = ~finished & (pl.col(Steps.due_at) >= pl.col("evaluated_at"))
    sums = {
        "counted_steps": pl.lit(1),
        "counted_steps_finished": finished,
        "required_steps": required,
        "required_steps_finished": required & finished,
        "required_steps_successful": required & pl.col(Steps.successful),
        "required_steps_replay_pending": required & pl.col(Steps.replay_pending),
        "overdue_steps": overdue,
        "scored_steps": pl.col(Steps.score).is_not_null(),
        "summed_progress": pl.when(required).then(Steps.progress),
    }
    firsts = {
        "first_exhausted": required & pl.col(Steps.exhausted),
        "first_awaiting": required & pl.col(Steps.awaiting_correction),
        "first_to_redo": required & (pl.col(Steps.to_retake) | pl.col(Steps.replay_pending)),
        "first_relatively_overdue": overdue & (pl.col("due_basis") != "absolute"),
    }
    return (
        outcomes.select(
            # The addition clears polars' sorted flag: grouping an unsorted column is three times as fast.
            pl.col("enrollment") + 0,
            "started_at",
            time_on_path_ms="time_ms",
            summed_score=(pl.col(Steps.score) * _PARTS).round().cast(pl.Int64),
            # A sub-path may be exhausted before it is finished (R17); an optional one counts only then (R12).
            any_exhausted=pl.col(Steps.exhausted) & (required | finished),
            any_to_retake="to_retake",
            first_overdue_at=pl.when(overdue).then(Steps.due_at),
            next_due_at=pl.when(required & ahead).then(Steps.due_at),
            next_due_at_of_any=pl.when(ahead).then(Steps.due_at),
            last_successful_at=pl.when(required).then(Steps.successful_at),
            last_finished_at=pl.when(required).then(Steps.finished_at),
            **{name: value.cast(pl.Int32) for name, value in sums.items()},
            **{name: pl.when(test).then("ordinal") for name, test in firsts.items()},
        )
        .group_by("enrollment")
        .agg(
            pl.col(*sums, "time_on_path_ms", "summed_score").sum(),
            pl.col("any_exhausted", "any_to_retake").any(),
            pl.col(*firsts, "started_at", "first_overdue_at", "next_due_at", "next_due_at_of_any").min(),
            pl.col("last_successful_at", "last_finished_at").max(),
        )
    )


def zero_without_counted_steps() -> list[pl.Expr]:
    """Zeros and falses for an enrollment without a counted step, or without time off the path."""
    counts = (
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
    )
    return [pl.col(*counts).fill_null(0), pl.col("any_exhausted", "any_to_retake").fill_null(False)]


def progress() -> pl.Expr:
    """R7: the mean of the required steps' progress, rounded down; 0 if none is required."""
    required = pl.col(Stats.required_steps)
    return pl.when(required > 0).then(pl.col("summed_progress") // required).otherwise(0).cast(pl.Int32)


def global_time_ms() -> pl.Expr:
    """R8: the time on counted steps and, inside the session, on any other step."""
    return pl.col("time_on_path_ms") + pl.col("time_off_path_ms")


def score() -> pl.Expr:
    """R9: the mean of the counted steps' scores, rounded half up; null if none has a score."""
    parts = pl.col("scored_steps").cast(pl.Int64) * _PARTS
    return pl.when(parts > 0).then((2 * pl.col("summed_score") + parts) // (2 * parts)).cast(pl.Int32)


def status() -> pl.Expr:
    """R10: completed, awaitingCorrection, late or onTime, the first that applies."""
    counted = pl.col("counted_steps")
    return (
        pl.when((counted > 0) & (pl.col("counted_steps_finished") == counted))
        .then(pl.lit("completed"))
        .when(pl.col("first_awaiting").is_not_null())
        .then(pl.lit("awaitingCorrection"))
        .when(pl.col(Stats.overdue_steps) > 0)
        .then(pl.lit("late"))
        .otherwise(pl.lit("onTime"))
    )


def all_required_successful() -> pl.Expr:
    """Whether every required step is successful, and there is one."""
    required = pl.col(Stats.required_steps)
    return (required > 0) & (pl.col("required_steps_successful") == required)


def all_required_finished() -> pl.Expr:
    """Whether every required step is finished, and there is one."""
    required = pl.col(Stats.required_steps)
    return (required > 0) & (pl.col(Stats.required_steps_finished) == required)


def result() -> pl.Expr:
    """R12: unsuccessful, retake or successful; null while a required step is open and none has failed."""
    return (
        pl.when("any_exhausted")
        .then(pl.lit("unsuccessful"))
        .when("any_to_retake")
        .then(pl.lit("retake"))
        .when(all_required_successful())
        .then(pl.lit("successful"))
        .otherwise(pl.lit(None, pl.String))
    )


def all_required_finished_at() -> pl.Expr:
    """When the last required step was first finished, once all are."""
    return pl.when(all_required_finished()).then("last_finished_at")


def with_is_current(enrollments: pl.LazyFrame) -> pl.LazyFrame:
    """R15: add is_current, whether the enrollment answers for its learner and session.

    The not-archived one with the greatest enrolled_at, else the one with the greatest archived_at; ties by
    the greater enrollment id.
    """
    still_enrolled = pl.col(Stats.archived_at).is_null()
    latest = pl.when(still_enrolled).then(Stats.enrolled_at).otherwise(Stats.archived_at)
    last = pl.col("enrollment").sort_by(still_enrolled, latest, "enrollment").last().over("learner_session")
    return enrollments.with_columns(is_current=pl.col("enrollment") == last)
