"""Assign each difference between our results and the platform's to a category, by its evidence.

The categories are ordered: the first that applies wins. The remaining differences are `unexplained`: a bug of
ours, or undocumented behavior of the platform.
"""

from dataclasses import dataclass

import polars as pl

from schemas.enums import COMPARED, PARITY_DIFFERENCES, PARITY_FIELDS

_OURS, _THEIRS = pl.col("ours_type"), pl.col("theirs_type")
_ALL_FIELDS = PARITY_FIELDS


@dataclass(frozen=True)
class Category:
    """A category of differences.

    fields:  the fields whose differences it can explain.
    applies: whether it explains a difference; reads `field` and the columns of `evidence`.
    why:     the explanation that `pathstats parity` prints.
    """

    name: str
    fields: tuple[str, ...]
    applies: pl.Expr
    why: str


def _differ_by_one(field: str) -> pl.Expr:
    apart = (pl.col(f"ours_{field}") - pl.col(f"theirs_{field}")).abs() == 1
    return (pl.col("field") == field) & apart


CATEGORIES: tuple[Category, ...] = (
    Category(
        "platform newer than our data",
        COMPARED,
        # The platform reports an event after our as_of, or our own result changes, without new data, before
        # the platform was read.
        pl.any_horizontal(
            pl.col(f"theirs_{name}") > pl.col("as_of")
            for name in ("completed_at", "started_at", "enrolled_at", "unenrolled_at")
        ).fill_null(False)
        | (pl.col("valid_until") <= pl.col("asked_at")),
        "The platform was read after the run's as_of, and something happened or fell due in between.",
    ),
    Category(
        "added required step",
        ("detailed_status", "progress", "completed_at"),
        (pl.col("step_added_at") > pl.col("evaluated_at")) & (pl.col("step_added_at") <= pl.col("asked_at")),
        "A required step was added to the path after the time at which the enrollment is evaluated. The "
        "platform requires it of all learners, including learners who were successful or unenrolled before; "
        "we use the steps of that time (R1, R3).",
    ),
    Category(
        "changed steps",
        _ALL_FIELDS,
        (pl.col("steps_changed_at") > pl.col("evaluated_at"))
        & (pl.col("steps_changed_at") <= pl.col("asked_at")),
        "A step of the path was changed or removed after the time at which the enrollment is evaluated. The "
        "platform uses its present steps; we use the steps of that time (R1, R3).",
    ),
    Category(
        "toRetake wording",
        ("detailed_status",),
        (_THEIRS == "toRetake") & _OURS.is_in(["notYetStarted", "late", "onTime"]) & pl.col("is_to_retake"),
        "The platform reports toRetake as soon as one required step is failed with attempts left; we follow "
        "the contract and report it once every required step is finished or to be replayed (R11.5a).",
    ),
    Category(
        "absolute due date",
        ("detailed_status",),
        ((_OURS == "late") != (_THEIRS == "late"))
        & pl.col("theirs_due_at").dt.truncate("1ms").ne_missing(pl.col("due_at").dt.truncate("1ms")),
        "Only one side knows the due date: an absolute one, or one counted from the session's start, which "
        "the step options of API version 2 can't express.",
    ),
    Category(
        "program without results",
        _ALL_FIELDS,
        pl.col("has_open_program"),
        "A step is a program, and the platform's API has no results of programs: we never see it started.",
    ),
    Category(
        "correction not received",
        _ALL_FIELDS,
        pl.col("has_uncorrected") & (pl.col("theirs_progress") > pl.col("ours_progress")),
        "An assessment is uncorrected in our data. The API has no list of corrections, so we miss the ones "
        "that were not received as events or are no longer kept.",
    ),
    Category(
        "rounding",
        ("progress", "score"),
        _differ_by_one("progress") | _differ_by_one("score"),
        "The values differ by one; the platform's rounding is undocumented.",
    ),
    Category(
        "gone from the platform",
        ("enrollment",),
        pl.col("theirs_type").is_null() & pl.col("is_of_changes"),
        "The platform no longer has the enrollment. An extract of changes can't report deletions; the next "
        "run that reads everything notices it.",
    ),
    Category(
        "missing reference",
        ("enrollment",),
        pl.col("ours_type").is_null() & pl.col("is_stored"),
        "Its learner, session or path has not been delivered to us yet; the enrollment counts from the run "
        "that receives it.",
    ),
)
UNEXPLAINED = PARITY_DIFFERENCES[-1]
WHY = {category.name: category.why for category in CATEGORIES} | {
    UNEXPLAINED: "No known reason applies. It may be a bug of ours: look at the examples."
}


def difference_category() -> pl.Expr:
    """The name of the first category that applies to a difference."""
    names = [
        pl.when(pl.col("field").is_in(category.fields) & category.applies).then(pl.lit(category.name))
        for category in CATEGORIES
    ]
    return pl.coalesce(*names, pl.lit(UNEXPLAINED))
