"""Categories of differences between our results and the platform's, each with its evidence, in order.

The first that applies is the difference's category. Others are `unexplained`: a fault of ours,
or undocumented wording of the platform.
"""

from dataclasses import dataclass

import polars as pl

from schemas.enums import COMPARED, PARITY_DIFFERENCES, PARITY_FIELDS

_OURS, _THEIRS = pl.col("ours_type"), pl.col("theirs_type")
_OF_ALL = PARITY_FIELDS


@dataclass(frozen=True)
class Difference:
    """A class of differences.

    fields: the fields with a difference that it explains.
    shows:  whether it does: reads `field` and the columns of `evidence`.
    """

    name: str
    fields: tuple[str, ...]
    shows: pl.Expr
    why: str


def _differ_by_one(field: str) -> pl.Expr:
    apart = (pl.col(f"ours_{field}") - pl.col(f"theirs_{field}")).abs() == 1
    return (pl.col("field") == field) & apart


CLASSES: tuple[Difference, ...] = (
    Difference(
        "platform newer than our data",
        COMPARED,
        # The platform's result mentions something after our time, or ours becomes another one until it
        # was asked, without any new data.
        pl.any_horizontal(
            pl.col(f"theirs_{name}") > pl.col("as_of")
            for name in ("completed_at", "started_at", "enrolled_at", "unenrolled_at")
        ).fill_null(False)
        | (pl.col("valid_until") <= pl.col("asked_at")),
        "The platform was asked after the run's time, and something has happened or fallen due in between.",
    ),
    Difference(
        "added required step",
        ("detailed_status", "progress", "completed_at"),
        (pl.col("step_added_at") > pl.col("evaluated_at")) & (pl.col("step_added_at") <= pl.col("asked_at")),
        "A required step was added to the path after the time the enrollment is evaluated at. The platform "
        "requires it of all learners, also of learners who were successful or unenrolled before; we keep the "
        "steps of that time (R1, R3).",
    ),
    Difference(
        "changed steps",
        _OF_ALL,
        (pl.col("steps_changed_at") > pl.col("evaluated_at"))
        & (pl.col("steps_changed_at") <= pl.col("asked_at")),
        "A step of the path was changed or removed after the time the enrollment is evaluated at; the "
        "platform uses the steps it has now, we use the steps of that time (R1, R3).",
    ),
    Difference(
        "toRetake wording",
        ("detailed_status",),
        (_THEIRS == "toRetake") & _OURS.is_in(["notYetStarted", "late", "onTime"]) & pl.col("is_to_retake"),
        "The platform reports toRetake as soon as one required step is failed with attempts left; we, by the "
        "contract, once every required step is finished or to be replayed (R11.5a).",
    ),
    Difference(
        "absolute due date",
        ("detailed_status",),
        ((_OURS == "late") != (_THEIRS == "late"))
        & pl.col("theirs_due_at").dt.truncate("1ms").ne_missing(pl.col("due_at").dt.truncate("1ms")),
        "One of both goes by a due date that the other doesn't know: an absolute one, or one counted from "
        "the session's start, which the steps' options of version 2 can't carry.",
    ),
    Difference(
        "program without results",
        _OF_ALL,
        pl.col("has_open_program"),
        "A step is a program, and the platform reports no results of programs: for us it is never begun.",
    ),
    Difference(
        "correction not received",
        _OF_ALL,
        pl.col("has_uncorrected") & (pl.col("theirs_progress") > pl.col("ours_progress")),
        "An assessment is not corrected as far as we know: the API has no list of corrections, and an event "
        "that was not received or is forgotten is not known to us.",
    ),
    Difference(
        "rounding",
        ("progress", "score"),
        _differ_by_one("progress") | _differ_by_one("score"),
        "They differ by one: how the platform rounds is not described.",
    ),
    Difference(
        "gone from the platform",
        ("enrollment",),
        pl.col("theirs_type").is_null() & pl.col("is_of_changes"),
        "The platform has the enrollment no more. Changes have no word for that; the next run that reads "
        "everything sees it.",
    ),
    Difference(
        "missing reference",
        ("enrollment",),
        pl.col("ours_type").is_null() & pl.col("is_stored"),
        "Its learner, session or path has not come to us yet; it counts from the run they do.",
    ),
)
UNEXPLAINED = PARITY_DIFFERENCES[-1]
WHY = {it.name: it.why for it in CLASSES} | {
    UNEXPLAINED: "None of the reasons known shows. It may be a fault of ours: look at the examples."
}


def of_difference() -> pl.Expr:
    """The class of a difference: the first that shows."""
    shown = [pl.when(pl.col("field").is_in(it.fields) & it.shows).then(pl.lit(it.name)) for it in CLASSES]
    return pl.coalesce(*shown, pl.lit(UNEXPLAINED))
