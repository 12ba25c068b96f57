"""Fields of an enrollment that differ from the live release, and what people act on among them."""

import polars as pl

from schemas.enums import CHANGED_FIELDS, STILL_TO_DO
from schemas.outputs import Stats

KEYS = ("company_id", "session_id", "user_id", "enrollment_id")
FIELDS = CHANGED_FIELDS[:-2]


def changes(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """One row per field that differs: the keys, field, old_value, new_value.

    A new enrollment has the single field `appeared`, a removed one `gone`.
    """
    was, now = values(before), values(after)
    both = now.join(was, on=KEYS, suffix="_before")
    fields = [
        both.filter(_differs(field)).select(
            *KEYS,
            field=pl.lit(field),
            old_value=pl.col(f"{field}_before"),
            new_value=pl.col(field),
        )
        for field in FIELDS
    ]
    presence = [
        one.join(other, on=KEYS, how="anti").select(*KEYS, field=pl.lit(field), old_value=old, new_value=new)
        for one, other, field, old, new in (
            (now, was, "appeared", _NOTHING, ENROLLED),
            (was, now, "gone", ENROLLED, _NOTHING),
        )
    ]
    return pl.concat([*fields, *presence]).sort(*KEYS, "field")


_NOTHING, ENROLLED = pl.lit(None, pl.String), pl.lit("enrolled")


def values(stats: pl.DataFrame) -> pl.DataFrame:
    """The fields as text, null without a value."""
    return stats.select(
        *KEYS,
        "status",
        pl.concat_str(
            "detailed_status_type", "detailed_status_reason", separator=", ", ignore_nulls=True
        ).alias("detailed_status"),
        "result",
        _instant(Stats.completed_at),
        pl.col(Stats.progress).cast(pl.String),
        _instant(Stats.archived_at),
    )


def _instant(column: str) -> pl.Expr:
    return pl.col(column).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")


def _differs(field: str) -> pl.Expr:
    now, before = pl.col(field), pl.col(f"{field}_before")
    if field == "progress":
        return (now == "100") != (before == "100")
    return now.ne_missing(before)


def transitions(found: pl.DataFrame, now: pl.DataFrame) -> dict[str, int]:
    """How many enrollments changed to what people act on, and how many were restated: dates, and themselves.

    Counted are current enrollments, not archived, that are late (R18) or have that detailed status now and
    were not or had not before, newly enrolled ones included; every completion date that is another one; and
    every enrollment that is gone, with or without its completion date.

    found: rows of `changes`. now: rows of PathSessionStats, all that changed among them.
    """
    before = found.group_by("company_id", "enrollment_id").agg(
        is_new=(pl.col("field") == "appeared").any() | (pl.col("field") == "archived_at").any(),
        **{f"{field}_before": _old_value(field) for field in ("status", "detailed_status")},
    )
    changed = (
        now.filter(pl.col(Stats.is_current), pl.col(Stats.archived_at).is_null())
        .join(before, on=["company_id", "enrollment_id"])
        .with_columns(
            kind=pl.col(Stats.detailed_status_type),
            kind_before=pl.coalesce(
                pl.col("detailed_status_before").str.split(", ").list.first(), "detailed_status_type"
            ),
            status_before=pl.coalesce("status_before", "status"),
        )
    )
    # While R11 leaves something to do, no required step awaits correction: overdue is `late` in R10.
    was_late = (pl.col("status_before") == "late") & pl.col("kind_before").is_in(STILL_TO_DO)
    acted_on = {
        "became late": pl.col(Stats.is_late) & (~was_late | pl.col("is_new")),
        "completed": _became("successful"),
        "to retake": _became("toRetake"),
        "unsuccessful": _became("unsuccessful"),
    }
    found = found.join(gone(found), on=KEYS, how="left")
    is_gone = pl.col("is_gone").fill_null(False)
    moved = (pl.col("field") == "completed_at") & pl.col("old_value").is_not_null()
    restated = {
        "completion date moved": moved & pl.col("new_value").is_not_null(),
        "completion date vanished": moved & pl.col("new_value").is_null() & ~is_gone,
        "enrollment gone": pl.col("field") == "gone",
        "enrollment gone with its completion date": moved & is_gone,
    }
    counts = [
        rows.select(**{kind: test.sum() for kind, test in kinds.items()}).row(0, named=True)
        for rows, kinds in ((changed, acted_on), (found, restated))
    ]
    return counts[0] | counts[1]


def with_gone_dates(found: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Add the completion dates that are gone with their enrollments, each with the cause of the row `gone`.

    found: rows of status_changes. before: the rows of the release before.
    """
    dates = values(before).select(*KEYS, date="completed_at").drop_nulls()
    gone = (
        found.filter(pl.col("field") == "gone")
        .join(dates, on=KEYS)
        .with_columns(field=pl.lit("completed_at"), old_value="date")
    )
    return pl.concat([found, gone.select(found.columns)]).sort(*KEYS, "field")


def gone(found: pl.DataFrame) -> pl.DataFrame:
    """The removed enrollments among changes: their keys and is_gone, always true."""
    return found.filter(pl.col("field") == "gone").select(*KEYS, is_gone=True)


def _old_value(field: str) -> pl.Expr:
    return pl.col("old_value").filter(pl.col("field") == field).first()


def _became(kind: str) -> pl.Expr:
    """Whether the detailed status is another one now, another reason alone not counted."""
    return (pl.col("kind") == kind) & ((pl.col("kind_before") != kind) | pl.col("is_new"))
