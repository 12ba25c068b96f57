"""R18: the one definition of late that reports, summaries, examples and alerts use."""

import polars as pl

from schemas.enums import STILL_TO_DO
from schemas.outputs import Stats


def is_late() -> pl.Expr:
    """R18: whether a required step is overdue and the learner can still act on it.

    Neither the endpoint's `status = late` (R10), which learners who failed also have, nor its
    `detailedStatus = late` (R11.5c), which learners who have not started never have. Null: never.

    Reads: overdue_steps, archived_at, detailed_status_type.

    >>> rows = pl.DataFrame({
    ...     "overdue_steps": [1, 0, 1, 1],
    ...     "archived_at": [None, None, "2026-03-05", None],
    ...     "detailed_status_type": ["notYetStarted", "late", "late", "unsuccessful"],
    ... })
    >>> rows.select(is_late()).to_series().to_list()
    [True, False, False, False]
    """
    can_act = pl.col(Stats.detailed_status_type).is_in(STILL_TO_DO)
    return (pl.col(Stats.overdue_steps) > 0) & pl.col(Stats.archived_at).is_null() & can_act


def late_since() -> pl.Expr:
    """R18: the earliest due date of the overdue required steps. Null: not late.

    Reads: is_late, first_overdue_at.
    """
    return pl.when(Stats.is_late).then("first_overdue_at")
