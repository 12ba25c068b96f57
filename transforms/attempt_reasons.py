"""The reasons why an attempt counts for an enrollment's step or does not, and the conditions it fails.

Each is built from the expressions that the rules themselves use: an account can't disagree with them.
"""

import polars as pl

from schemas.enums import ATTEMPT_ACCOUNTS
from transforms.attempts import counts, is_done_elsewhere, names_another_enrollment, precedes_enrollment
from transforms.success_criteria import beyond_min_time, is_passed, reaches_min_score, within_max_time

MISSED = ("missed_min_score", "missed_max_time_s", "missed_min_time_s", "missed_pass")
# A reason is a number until its rows are published: texts make the rows take twice as long to order.
NUMBER_OF = {reason: number for number, reason in enumerate(ATTEMPT_ACCOUNTS)}


def reason(name: str) -> pl.Expr:
    """A reason of ATTEMPT_ACCOUNTS as its number."""
    return pl.lit(NUMBER_OF[name], pl.UInt8)


def account() -> pl.Expr:
    """Why the attempt counts for its step or does not (R4): the first reason that applies, as its number."""
    return (
        pl.when(pl.col("enrollment_step").is_null())
        .then(reason("step_not_counted"))
        .when("is_counted")
        .then(of_counted())
        .when("made_here")
        .then(of_uncounted_here())
        .otherwise(of_uncounted_elsewhere())
        .alias("account")
    )


def of_counted() -> pl.Expr:
    """R4, R5: what an attempt that counts comes to."""
    return (
        pl.when("is_satisfying")
        .then(reason("satisfies"))
        .when(counts("completed_at"))
        .then(reason("fails_condition"))
        .when(pl.col("completed_at").is_null())
        .then(reason("open"))
        .when(is_after_end("completed_at"))
        .then(reason("completed_after_end"))
        .otherwise(reason("completed_later"))
    )


def of_uncounted_here() -> pl.Expr:
    """R2, R4: why an attempt in the session is not the enrollment's."""
    of_another = (
        pl.when(names_another_enrollment())
        .then(reason("other_enrollment"))
        .when(precedes_enrollment())
        .then(reason("earlier_enrollment"))
        .otherwise(reason("later_enrollment"))
    )
    return (
        pl.when(counts("started_at"))
        .then(of_another)
        .when(is_after_end("started_at"))
        .then(reason("after_end"))
        .otherwise(reason("after_as_of"))
    )


def of_uncounted_elsewhere() -> pl.Expr:
    """R2, R4: why an attempt made elsewhere is not carried over."""
    return (
        pl.when(is_done_elsewhere())
        .then(reason("replay"))
        .when(pl.col("completed_at").is_null())
        .then(reason("not_completed"))
        .when(is_after_end("completed_at"))
        .then(reason("after_end"))
        .otherwise(reason("after_as_of"))
    )


def is_after_end(instant: str) -> pl.Expr:
    """R2: whether an instant that does not count is not before the session's end, where that matters."""
    return ((pl.col(instant) >= pl.col("ends_at")) & ~pl.col("is_assessment")).fill_null(False)


def missed_conditions() -> list[pl.Expr]:
    """R5: each condition that a finished attempt fails, with its limit; null where it meets it."""
    is_finished = pl.col("is_counted") & counts("completed_at")

    def missed(is_met: pl.Expr, limit: str) -> pl.Expr:
        return pl.when(is_finished & ~is_met).then(limit)

    of_limits = (
        missed(reaches_min_score(), "min_score"),
        missed(within_max_time(), "time_limit_s"),
        missed(beyond_min_time(), "time_limit_s"),
        is_finished & ~is_passed(),
    )
    return [test.alias(name) for name, test in zip(MISSED, of_limits, strict=True)]
