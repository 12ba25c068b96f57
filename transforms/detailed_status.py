"""R11 and R13: the detailed status, its reason, the deciding rule and step, and completed_at."""

import polars as pl

from schemas.enums import DECIDING_RULES
from schemas.outputs import Stats
from transforms.learner_stats import all_required_successful

OPEN_RULES = DECIDING_RULES[4:]
_RULE = pl.Enum(DECIDING_RULES)


def deciding_rule() -> pl.Expr:
    """R11: which of its lines decides."""
    return (
        pl.when(pl.col("evaluated_at") < pl.col("starts_at"))
        .then(pl.lit("1", _RULE))
        .when(all_required_successful())
        .then(pl.lit("2", _RULE))
        .when(pl.col("first_exhausted").is_not_null())
        .then(pl.lit("3", _RULE))
        .when(pl.col("first_awaiting").is_not_null())
        .then(pl.lit("4", _RULE))
        .when(_everything_to_redo())
        .then(pl.lit("5a", _RULE))
        .when(pl.col(Stats.started_at).is_null())
        .then(pl.lit("5b", _RULE))
        .when(pl.col("first_relatively_overdue").is_not_null())
        .then(pl.lit("5c", _RULE))
        .otherwise(pl.lit("5d", _RULE))
    )


def ended_while_open() -> pl.Expr:
    """R11.6: the session ended, and none of R11.1 to 4 had decided."""
    return session_ended() & pl.col(Stats.deciding_rule).is_in(OPEN_RULES)


def detailed_status_type() -> pl.Expr:
    """R11: the detailed status. Reads deciding_rule."""
    types = {
        "1": "sessionNotOpened",
        "2": "successful",
        "3": "unsuccessful",
        "4": "awaitingCorrection",
        "5a": "toRetake",
        "5b": "notYetStarted",
        "5c": "late",
        "5d": "onTime",
    }
    return (
        pl.when(ended_while_open())
        .then(pl.lit("unsuccessful"))
        .otherwise(pl.col(Stats.deciding_rule).replace_strict(types, return_dtype=pl.String))
    )


def detailed_status_reason() -> pl.Expr:
    """R11: sessionEnded where the end decided, mandatoryReplay where a step to redo is replay-pending."""
    replay = (pl.col(Stats.deciding_rule) == "5a") & (pl.col("required_steps_replay_pending") > 0)
    return (
        pl.when(ended_while_open())
        .then(pl.lit("sessionEnded"))
        .when(replay)
        .then(pl.lit("mandatoryReplay"))
        .otherwise(pl.lit(None, pl.String))
    )


def deciding_ordinal() -> pl.Expr:
    """R11: the step that decided, by its ordinal; null where no single step did."""
    return (
        pl.when(pl.col(Stats.deciding_rule) == "3")
        .then("first_exhausted")
        .when(pl.col(Stats.deciding_rule) == "4")
        .then("first_awaiting")
        .when(pl.col(Stats.deciding_rule) == "5a")
        .then("first_to_redo")
        .when(pl.col(Stats.deciding_rule) == "5c")
        .then("first_relatively_overdue")
    )


def completed_at() -> pl.Expr:
    """R13: when the last required step was earned, if R11 gives successful."""
    return pl.when(pl.col(Stats.deciding_rule) == "2").then("last_successful_at")


def session_ended() -> pl.Expr:
    """R11.6: the session has ended by T_eff."""
    return (pl.col("evaluated_at") >= pl.col("ends_at")).fill_null(False)


def _everything_to_redo() -> pl.Expr:
    """R11.5a: every required step is finished or replay-pending (never both), and there is one."""
    done = pl.col(Stats.required_steps_finished) + pl.col("required_steps_replay_pending")
    return (pl.col(Stats.required_steps) > 0) & (done == pl.col(Stats.required_steps))
