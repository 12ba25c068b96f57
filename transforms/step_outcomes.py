"""R5: the outcome of each counted step of each enrollment; R16: the waived ones."""

import polars as pl

from transforms.due_dates import due_at
from transforms.enrollment_steps import laid_out
from transforms.nested_paths import as_the_child_says
from transforms.rule_inputs import JOINS_AS_WRITTEN

_NOT_READ_AGAIN = (
    "curriculum_key",
    "starts_at",
    "enrolled_at",
    "is_assessment",
    "is_examination",
    "min_score",
    "attempts_limit",
    "due_months",
    "due_time",
    "first_beside",
    "seen_progress",
    "inside_attempts",
    "inside_time_ms",
    "done_elsewhere",
    "carried_time_ms",
)


def summed_attempts(attempts: pl.LazyFrame) -> pl.LazyFrame:
    """Each cell's attempts in one row: what R5 asks of them."""
    inside, finished = pl.col("in_session"), pl.col("finished_at").is_not_null()
    return (
        attempts.filter(pl.col("cell").is_not_null())
        .with_columns(
            inside_attempts=inside.cast(pl.Int32),
            attempts_used=(inside & finished).cast(pl.Int32),
            done_elsewhere=~inside & ~pl.col("carried_over"),
        )
        .group_by("cell")
        .agg(
            pl.col("finished_at", "successful_at", "started_at").min(),
            pl.col("score", "seen_progress").max(),
            pl.col("inside_attempts", "attempts_used", "inside_time_ms").sum(),
            pl.col("done_elsewhere").any(),
        )
    )


def rested_on(attempts: pl.LazyFrame) -> pl.LazyFrame:
    """R8: the time of the carried-over attempt a cell rests on: cell, carried_time_ms.

    A satisfying one before another, then the earliest completed_at, then the smallest activity_id.
    """
    return (
        attempts.filter("carried_over")
        .sort("cell", pl.col("successful_at").is_null(), "finished_at", "activity_id")
        .unique("cell", keep="first", maintain_order=True)
        .select("cell", carried_time_ms="time_spent_ms")
    )


def step_outcomes(
    cells: pl.DataFrame, attempts: pl.LazyFrame, decided: pl.DataFrame, waivers: pl.DataFrame
) -> pl.LazyFrame:
    """One row per cell, in order: the columns of StepStats and what R6 and R10 to R13 read.

    Adds, where there are waivers, waived_time_ms: the time in the session, null unless the step is waived.

    decided: what child enrollments say, by cell (R17). waivers: as PathVersions.waivers.
    """
    outcomes, awaiting = by_activity(cells, attempts), awaiting_correction()
    if decided.height:
        by_child = laid_out(decided, cells.height)
        outcomes = pl.concat([outcomes.collect(), by_child], how="horizontal").lazy()
        outcomes = outcomes.with_columns(**as_the_child_says())
        awaiting = awaiting | pl.col("child_awaiting").fill_null(False)
    if waivers.height:
        known = outcomes.collect()
        waived = is_waived(known, waivers)
        outcomes = known.lazy().with_columns(
            required=pl.col("required") & ~waived, waived_time_ms=pl.when(waived).then("inside_time_ms")
        )
    return outcomes.with_columns(
        to_retake=pl.col("finished") & ~pl.col("successful") & ~pl.col("exhausted"),
        overdue=overdue(),
        awaiting_correction=awaiting,
    ).drop(*_NOT_READ_AGAIN, pl.selectors.starts_with("child_"))


def by_activity(cells: pl.DataFrame, attempts: pl.LazyFrame) -> pl.LazyFrame:
    """The outcome of each cell by its attempts alone, one row each, in order."""
    of_attempts = laid_out(summed_attempts(attempts).collect(optimizations=JOINS_AS_WRITTEN), cells.height)
    rests = rested_on(attempts).collect(engine="in-memory", optimizations=JOINS_AS_WRITTEN)
    carried = laid_out(rests, cells.height)
    return (
        pl.concat([cells, of_attempts, carried], how="horizontal")
        .lazy()
        .with_columns(due_at=due_at(cells))
        .with_columns(
            pl.col("inside_attempts", "attempts_used", "inside_time_ms").fill_null(0),
            pl.col("done_elsewhere").fill_null(False),
            finished=pl.col("finished_at").is_not_null(),
            successful=pl.col("successful_at").is_not_null(),
        )
        .with_columns(
            carried_over=carried_over(),
            exhausted=exhausted(),
            replay_pending=replay_pending(),
            progress=progress(),
        )
        .with_columns(
            time_ms=pl.when("carried_over").then("carried_time_ms").otherwise("inside_time_ms"),
        )
    )


def is_waived(outcomes: pl.DataFrame, waivers: pl.DataFrame) -> pl.Series:
    """R16: whether a score of the enrollment's in a positioning quiz waives the step of each cell.

    outcomes: one row per cell, in order.
    """
    cells = (
        outcomes.lazy()
        .select("curriculum_key", "ordinal", "score")
        .with_row_index("cell")
        .drop_nulls("score")
        .join(waivers.lazy(), on=["curriculum_key", "ordinal"])
        .filter(pl.col("score") >= pl.col("threshold"))
        .select(pl.col("cell") - pl.col("ordinal") + pl.col("waived_ordinal"))
        .collect()
        .to_series()
    )
    return pl.repeat(False, outcomes.height, eager=True).scatter(cells, True)


def carried_over() -> pl.Expr:
    """R8: no attempt inside the session at all, and one outside it that counts."""
    return (pl.col("inside_attempts") == 0) & pl.col("carried_time_ms").is_not_null()


def exhausted() -> pl.Expr:
    """Finished, not successful, and no attempt left.

    A validation can't be undone: an assessment is exhausted by it if it is an examination or has a min_score.
    """
    all_used = (
        (pl.col("attempts_used") >= pl.col("attempts_limit"))
        & (pl.col("inside_attempts") == pl.col("attempts_used"))
    ).fill_null(False)
    none_left = (
        pl.when("is_assessment")
        .then(pl.col("is_examination") | pl.col("min_score").is_not_null())
        .otherwise(all_used)
    )
    return pl.col("finished") & ~pl.col("successful") & none_left


def replay_pending() -> pl.Expr:
    """The path wants it done again in the session, and so far it was finished outside only."""
    return pl.col("done_elsewhere") & (pl.col("attempts_used") == 0)


def progress() -> pl.Expr:
    """100 if finished, else the furthest an observed attempt in the session got, at most 99."""
    open_progress = pl.min_horizontal(pl.col("seen_progress").fill_null(0), pl.lit(99, pl.Int32))
    return pl.when("finished").then(pl.lit(100, pl.Int32)).otherwise(open_progress)


def overdue() -> pl.Expr:
    """Not finished, and the due date has passed; at the very instant it is still on time."""
    return ~pl.col("finished") & (pl.col("due_at") < pl.col("evaluated_at")).fill_null(False)


def awaiting_correction() -> pl.Expr:
    """An assessment that is reached and not finished.

    Reached: the session has begun, and every required non-assessment step before it is successful. Cells of
    an enrollment follow each other by position: what blocks before a cell is a difference of running counts.
    """
    blocks = (pl.col("required") & ~pl.col("is_assessment") & ~pl.col("successful")).cast(pl.Int32)
    blocking_before = blocks.cum_sum() - blocks
    first = pl.int_range(pl.len(), dtype=pl.Int64) - pl.col("ordinal")
    blocked = blocking_before.gather(first + pl.col("first_beside")) > blocking_before.gather(first)
    return (
        pl.col("is_assessment")
        & ~pl.col("finished")
        & (pl.col("evaluated_at") >= pl.col("starts_at"))
        & ~blocked
    )
