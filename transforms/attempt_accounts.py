"""The attempts of each enrollment, with the reason why each counts or does not (R2, R4, R5, R16, R17).

A satisfying attempt needs no row of its own: the step's row has the completion of the first one, and
`attempts_used` how many there are.
"""

import polars as pl

from schemas.enums import ATTEMPT_ACCOUNTS
from transforms.attempt_reasons import MISSED, NUMBER_OF, account, missed_conditions, reason
from transforms.attempts import candidates_of, counts, is_carried_over, is_in_session, observed
from transforms.rule_inputs import RuleInputs
from transforms.success_criteria import satisfies

_IDS = ("company_id", "session_id", "user_id", "enrollment_id")
ATTEMPTS: tuple[str, ...] = (
    *_IDS,
    "step_id",
    "started_at",
    "completed_at",
    "made_in_session_id",
    "progress",
    "score",
    "time_spent_ms",
    "account",
    *MISSED,
    "attempts_limit",
)


def accountable(
    candidates: pl.LazyFrame, inputs: RuleInputs, enrollments: pl.LazyFrame, *, is_all: bool
) -> pl.LazyFrame:
    """The attempts that may need an account, one row each, with the reason that the attempt itself gives.

    candidates: as `attempts.candidates`; the result shares its join with the attempts that the rules read.
    is_all: include attempts that satisfy their step in the session, because the step may not count.
    """
    open_elsewhere = candidates_of(inputs.open_elsewhere, inputs, enrollments).with_columns(
        made_here=False,
        named_enrollment_id=pl.lit(None, pl.String),
        enrollment_step=pl.col("first_enrollment_step") + pl.col("ordinal"),
    )
    return pl.concat(_of_attempts(attempts, is_all=is_all) for attempts in (candidates, open_elsewhere))


def _of_attempts(attempts: pl.LazyFrame, *, is_all: bool) -> pl.LazyFrame:
    is_counted = pl.when("made_here").then(is_in_session()).otherwise(is_carried_over())
    is_satisfying = pl.col("is_counted") & counts("completed_at") & satisfies()
    return (
        attempts.with_columns(is_counted=is_counted & pl.col("enrollment_step").is_not_null())
        .with_columns(is_satisfying=is_satisfying)
        .filter(is_all | ~(pl.col("made_here") & pl.col("is_satisfying")))
        .select(
            "enrollment",
            "enrollment_step",
            "made_here",
            "step_key",
            "made_in_key",
            "started_at",
            "completed_at",
            "progress",
            "score",
            # R8: time in the session counts once some work on the attempt does.
            pl.when(~pl.col("made_here") | observed().fill_null(False)).then("time_spent_ms"),
            account(),
            *missed_conditions(),
            "attempts_limit",
        )
    )


def attempt_accounts(
    found: pl.DataFrame,
    inputs: RuleInputs,
    enrollments: pl.DataFrame,
    outcomes: pl.DataFrame,
    decided: pl.DataFrame,
) -> pl.DataFrame:
    """The attempts that StepStats alone does not account for: enrollment and ATTEMPTS, in publication order.

    Left out: an attempt in the session that satisfies its step, and a satisfying carried-over one that is the
    only attempt at its step.

    found: as `accountable`. outcomes: one row per enrollment step, as `step_outcomes`. decided: the
    enrollment steps that a child enrollment decides (R17).
    """
    rows = with_reason_of_step(found, outcomes, decided)
    rests = outcomes["carried_over"].gather(rows["enrollment_step"]).fill_null(False)
    is_only = (rows["account"] == NUMBER_OF["satisfies"]) & rests & rows["enrollment_step"].is_unique()
    return in_publication_order(rows.filter(~is_only), inputs, enrollments)


def with_reason_of_step(found: pl.DataFrame, outcomes: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """The rows that need an account, where no attempt at the step counts with that reason.

    The step is waived (R16), or decided by a child enrollment (R17); a waived one is waived in any case.
    """
    ignored = [("sub_path", decided["enrollment_step"])] if decided.height else []
    if "waived_time_ms" in outcomes.columns:
        ignored.append(("step_waived", outcomes["waived_time_ms"].is_not_null().arg_true()))
    if not ignored:
        return found
    reasons = pl.repeat(None, outcomes.height, dtype=pl.UInt8, eager=True)
    for name, numbers in ignored:
        reasons = reasons.scatter(numbers, NUMBER_OF[name])
    return (
        found.with_columns(of_step=reasons.gather(found["enrollment_step"]))
        .with_columns(
            pl.coalesce("of_step", "account").alias("account"),
            *(pl.when(pl.col("of_step").is_null()).then(name).alias(name) for name in MISSED[:-1]),
            pl.col(MISSED[-1]) & pl.col("of_step").is_null(),
        )
        .filter(~pl.col("made_here") | (pl.col("account") != reason("satisfies")))
    )


def in_publication_order(found: pl.DataFrame, inputs: RuleInputs, enrollments: pl.DataFrame) -> pl.DataFrame:
    """The rows with ids in the place of keys; by enrollment, step and time."""
    rows = found[_order(found, inputs)]
    names = pl.Series(ATTEMPT_ACCOUNTS)
    return (
        pl.concat([rows, enrollments.select(_IDS)[rows["enrollment"]]], how="horizontal")
        .with_columns(
            step_id=inputs.step_ids.gather(rows["step_key"]),
            made_in_session_id=inputs.session_ids.gather(rows["made_in_key"]),
            account=names.gather(rows["account"]),
        )
        .select("enrollment", *ATTEMPTS)
    )


def _order(found: pl.DataFrame, inputs: RuleInputs) -> pl.Series:
    """The rows' numbers in the order of publication.

    Three stable sorts by one number each take a third of what one sort by all columns does.
    """
    facts = found.select(
        tie=pl.struct(
            # The id itself: its rank among all ids changes when another id appears.
            pl.lit(inputs.session_ids).gather(pl.col("made_in_key")).alias("made_in_session_id"),
            "completed_at",
            "progress",
            "score",
            "time_spent_ms",
            "account",
            "missed_pass",
        ).hash(),
        started_at=pl.col("started_at").to_physical(),
        place=pl.col("enrollment").cast(pl.UInt64) * 2**32 + _rank(inputs.step_ids, "step_key"),
    )
    by_time = facts.with_row_index("row").sort("tie").sort("started_at", maintain_order=True)
    return by_time.sort("place", maintain_order=True)["row"]


def _rank(ids: pl.Series, key: str) -> pl.Expr:
    """Each key's place in the order of the ids."""
    return pl.lit(ids.rank("ordinal").cast(pl.UInt32)).gather(pl.col(key))
