"""R5: the outcome of each counted step of each enrollment; R16: the waived ones."""

import polars as pl

from schemas.outputs import Steps
from transforms.due_dates import due_at
from transforms.enrollment_steps import one_row_each
from transforms.nested_paths import outcome_of_child
from transforms.rule_inputs import JOINS_AS_WRITTEN

_INTERMEDIATE = (
    "path_version_key",
    "starts_at",
    "enrolled_at",
    "is_assessment",
    "is_examination",
    "min_score",
    "attempts_limit",
    "due_months",
    "due_time",
    "first_at_position",
    "observed_progress",
    "inside_attempts",
    "inside_time_ms",
    "done_elsewhere",
    "carried_time_ms",
)


def summed_attempts(attempts: pl.LazyFrame) -> pl.LazyFrame:
    """Each enrollment step's attempts in one row: what R5 asks of them."""
    inside, finished = pl.col("in_session"), pl.col(Steps.finished_at).is_not_null()
    return (
        attempts.filter(pl.col("enrollment_step").is_not_null())
        .with_columns(
            inside_attempts=inside.cast(pl.Int32),
            attempts_used=(inside & finished).cast(pl.Int32),
            done_elsewhere=~inside & ~pl.col(Steps.carried_over),
        )
        .group_by("enrollment_step")
        .agg(
            pl.col(Steps.finished_at, "successful_at", "started_at").min(),
            pl.col(Steps.score, "observed_progress").max(),
            pl.col("inside_attempts", "attempts_used", "inside_time_ms").sum(),
            pl.col("done_elsewhere").any(),
        )
    )


def carried_over_time(attempts: pl.LazyFrame) -> pl.LazyFrame:
    """R8: the time of the carried-over attempt an enrollment step rests on: enrollment step, carried_time_ms.

    A satisfying one before another, then the earliest completed_at, then the smallest activity_id.
    """
    return (
        attempts.filter("carried_over")
        .sort("enrollment_step", pl.col(Steps.successful_at).is_null(), "finished_at", "activity_id")
        .unique("enrollment_step", keep="first", maintain_order=True)
        .select("enrollment_step", carried_time_ms="time_spent_ms")
    )


def step_outcomes(
    enrollment_steps: pl.DataFrame, attempts: pl.LazyFrame, decided: pl.DataFrame, waivers: pl.DataFrame
) -> pl.LazyFrame:
    """One row per enrollment step, in order: the columns of StepStats and what R6 and R10 to R13 read.

    Adds, where there are waivers, waived_time_ms: the time in the session, null unless the step is waived.

    decided: what child enrollments say, by enrollment step (R17). waivers: as PathVersions.waivers.
    """
    outcomes = by_activity(enrollment_steps, attempts)
    if decided.height:
        by_child = one_row_each(decided, enrollment_steps.height)
        outcomes = pl.concat([outcomes.collect(), by_child], how="horizontal").lazy()
        outcomes = outcomes.with_columns(**outcome_of_child())
    if waivers.height:
        known = outcomes.collect()
        waived = is_waived(known, waivers)
        outcomes = known.lazy().with_columns(
            required=pl.col("required") & ~waived, waived_time_ms=pl.when(waived).then("inside_time_ms")
        )
    outcomes = with_awaiting_correction(outcomes)
    if decided.height:
        outcomes = outcomes.with_columns(
            pl.col(Steps.awaiting_correction) | pl.col("child_awaiting").fill_null(False)
        )
    return outcomes.with_columns(
        to_retake=pl.col(Steps.finished) & ~pl.col(Steps.successful) & ~pl.col(Steps.exhausted),
        overdue=overdue(),
    ).drop(*_INTERMEDIATE, pl.selectors.starts_with("child_"))


def by_activity(enrollment_steps: pl.DataFrame, attempts: pl.LazyFrame) -> pl.LazyFrame:
    """The outcome of each enrollment step by its attempts alone, one row each, in order."""
    of_attempts = one_row_each(
        summed_attempts(attempts).collect(optimizations=JOINS_AS_WRITTEN), enrollment_steps.height
    )
    rests = carried_over_time(attempts).collect(engine="in-memory", optimizations=JOINS_AS_WRITTEN)
    carried = one_row_each(rests, enrollment_steps.height)
    return (
        pl.concat([enrollment_steps, of_attempts, carried], how="horizontal")
        .lazy()
        .with_columns(due_at=due_at(enrollment_steps))
        .with_columns(
            pl.col("inside_attempts", "attempts_used", "inside_time_ms").fill_null(0),
            pl.col("done_elsewhere").fill_null(False),
            finished=pl.col(Steps.finished_at).is_not_null(),
            successful=pl.col(Steps.successful_at).is_not_null(),
        )
        .with_columns(
            carried_over=carried_over(),
            exhausted=exhausted(),
            replay_pending=replay_pending(),
            progress=progress(),
        )
        .with_columns(
            time_ms=pl.when(Steps.carried_over).then("carried_time_ms").otherwise("inside_time_ms"),
        )
    )


def is_waived(outcomes: pl.DataFrame, waivers: pl.DataFrame) -> pl.Series:
    """R16: whether a score of the enrollment's in a positioning quiz waives the step of each enrollment step.

    outcomes: one row per enrollment step, in order.
    """
    enrollment_steps = (
        outcomes.lazy()
        .select("path_version_key", "ordinal", "score")
        .with_row_index("enrollment_step")
        .drop_nulls(Steps.score)
        .join(waivers.lazy(), on=["path_version_key", "ordinal"])
        .filter(pl.col(Steps.score) >= pl.col("threshold"))
        .select(pl.col("enrollment_step") - pl.col("ordinal") + pl.col("waived_ordinal"))
        .collect()
        .to_series()
    )
    return pl.repeat(False, outcomes.height, eager=True).scatter(enrollment_steps, True)


def carried_over() -> pl.Expr:
    """R8: no attempt inside the session at all, and one outside it that counts."""
    return (pl.col("inside_attempts") == 0) & pl.col("carried_time_ms").is_not_null()


def exhausted() -> pl.Expr:
    """Finished, not successful, and no attempt left.

    A validation can't be undone: an assessment is exhausted by it if it is an examination or has a min_score.
    """
    all_used = (
        (pl.col(Steps.attempts_used) >= pl.col("attempts_limit"))
        & (pl.col("inside_attempts") == pl.col(Steps.attempts_used))
    ).fill_null(False)
    none_left = (
        pl.when("is_assessment")
        .then(pl.col("is_examination") | pl.col("min_score").is_not_null())
        .otherwise(all_used)
    )
    return pl.col(Steps.finished) & ~pl.col(Steps.successful) & none_left


def replay_pending() -> pl.Expr:
    """The path wants it done again in the session, and so far it was finished outside only."""
    return pl.col("done_elsewhere") & (pl.col(Steps.attempts_used) == 0)


def progress() -> pl.Expr:
    """100 if finished, else the furthest an observed attempt in the session got, at most 99."""
    open_progress = pl.min_horizontal(pl.col("observed_progress").fill_null(0), pl.lit(99, pl.Int32))
    return pl.when(Steps.finished).then(pl.lit(100, pl.Int32)).otherwise(open_progress)


def overdue() -> pl.Expr:
    """Not finished, and the due date has passed; at the very instant it is still on time."""
    return ~pl.col(Steps.finished) & (pl.col(Steps.due_at) < pl.col("evaluated_at")).fill_null(False)


def with_awaiting_correction(outcomes: pl.LazyFrame) -> pl.LazyFrame:
    """Add awaiting_correction: an assessment that is reached and not finished.

    Reached: the session has begun, and every required non-assessment step before it is successful. The steps
    of an enrollment are adjacent and ordered by position, so the number of blocking steps before one is a
    difference of running counts.
    """
    blocks = (pl.col("required") & ~pl.col("is_assessment") & ~pl.col(Steps.successful)).cast(pl.Int32)
    blocking_before = blocks.cum_sum() - blocks
    first = pl.int_range(pl.len(), dtype=pl.Int64) - pl.col("ordinal")
    blocked = blocking_before.gather(first + pl.col("first_at_position")) > blocking_before.gather(first)
    return outcomes.with_columns(
        awaiting_correction=pl.col("is_assessment")
        & ~pl.col(Steps.finished)
        & (pl.col("evaluated_at") >= pl.col("starts_at"))
        & ~blocked
    )
