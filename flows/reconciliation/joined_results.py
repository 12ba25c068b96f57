"""Join our result and the platform's of each enrollment with the evidence for a difference."""

from dataclasses import dataclass
from datetime import datetime

import polars as pl

from flows.database.connection import Connection
from flows.staging.surrogate_keys import by_id
from schemas.columns import UTC_TIME
from schemas.enums import MESSAGE_STEP_TYPES
from schemas.home import Release
from schemas.inputs import PathSteps

_KEYS = ("company_id", "session_id", "user_id", "enrollment_id")
_STEP_FACTS = "company_id, path_id, step_id, type, optional, valid_from, valid_to"


@dataclass(frozen=True)
class Asked:
    """A platform's own answers. theirs: as `platform_answers`.

    as_of: the run's time. at: when the platform had answered. of_changes: whether the run read changes.
    """

    company_id: str
    theirs: pl.DataFrame
    as_of: datetime
    at: datetime
    of_changes: bool


def evidence(connection: Connection, release: Release, asked: Asked) -> pl.DataFrame:
    """One row per enrollment of ours or the platform's, by company, session, learner and enrollment.

    Both answers as `ours_…` and `theirs_…` (null: none), and:
    evaluated_at:     the time ours is of (R1). valid_until: when it changes without new data.
    step_added_at:    when a required step last came to the path; steps_changed_at: when any was changed.
    due_at:           the earliest due date of a required step that is not finished.
    is_to_retake:     a required step is failed with attempts left.
    has_uncorrected:  an assessment is not corrected. has_open_program: a program is not finished.
    is_stored:          the warehouse has the enrollment.
    """
    steps = connection.frame(f"SELECT {_STEP_FACTS} FROM ({by_id(PathSteps, 'path_steps')})")
    company = pl.col("company_id") == asked.company_id
    theirs = asked.theirs.lazy().rename(
        {name: f"theirs_{name}" for name in asked.theirs.columns if not name.endswith("_id")}
    )
    ours = (
        _ours(release, asked, company)
        .join(_of_steps(release, steps, company), on="enrollment_id", how="left")
        .join(_of_paths(steps, company), on="path_id", how="left")
    )
    both = ours.join(theirs, on="enrollment_id", how="full", coalesce=True, suffix="_theirs")
    stored = connection.frame(
        "SELECT enrollment_id, true AS is_stored FROM enrollments JOIN company_keys USING (company_key) "
        "WHERE company_id = $company",
        {"company": asked.company_id},
    )
    time = pl.lit(asked.as_of).dt.cast_time_unit("us")
    return (
        both.with_columns(
            company_id=pl.lit(asked.company_id),
            session_id=pl.coalesce("session_id", "session_id_theirs"),
            user_id=pl.coalesce("user_id", "user_id_theirs"),
        )
        .join(stored.lazy(), on="enrollment_id", how="left")
        .with_columns(
            pl.col("is_stored").fill_null(False),
            as_of=time,
            asked_at=pl.lit(asked.at).dt.cast_time_unit("us"),
            is_of_changes=pl.lit(asked.of_changes),
        )
        # The platform names no session for a result without content: such a row can't be compared.
        .drop_nulls(["session_id", "user_id"])
        .sort(_KEYS)
        .collect()
    )


def _ours(release: Release, asked: Asked, company: pl.Expr) -> pl.LazyFrame:
    sessions = pl.scan_parquet(release.table("path_sessions"), glob=False).filter(company)
    time = pl.lit(asked.as_of).dt.cast_time_unit("us")
    return (
        pl.scan_parquet(release.table("path_session_stats"), glob=False)
        .filter(company)
        .join(sessions.select("session_id", "path_id"), on="session_id", how="left")
        .select(
            "session_id",
            "user_id",
            "enrollment_id",
            "path_id",
            "valid_until",
            ours_type="detailed_status_type",
            ours_reason="detailed_status_reason",
            ours_progress=pl.col("progress").cast(pl.Int64),
            ours_score=pl.col("score").cast(pl.Int64),
            ours_time_ms="global_time_ms",
            ours_completed_at="completed_at",
            evaluated_at=pl.coalesce("archived_at", time),
        )
    )


def _of_steps(release: Release, steps: pl.DataFrame, company: pl.Expr) -> pl.LazyFrame:
    """The evidence from the enrollment's counted steps."""
    kinds = steps.filter(company).unique("step_id").select("step_id", "type").lazy()
    is_open = ~pl.col("optional") & ~pl.col("finished")
    return (
        pl.scan_parquet(release.table("step_stats"), glob=False)
        .filter(company)
        .join(kinds, on="step_id", how="left")
        .group_by("enrollment_id")
        .agg(
            due_at=pl.col("due_at").filter(is_open).min(),
            is_to_retake=(pl.col("to_retake") & ~pl.col("optional")).any(),
            has_uncorrected=((pl.col("type") == "assessment") & ~pl.col("finished")).any(),
            has_open_program=((pl.col("type") == "program") & ~pl.col("finished")).any(),
        )
    )


def _of_paths(steps: pl.DataFrame, company: pl.Expr) -> pl.LazyFrame:
    """The last change of each path's steps. A definition without a start is not a change."""
    versions = steps.lazy().filter(company, ~pl.col("type").is_in(MESSAGE_STEP_TYPES))
    of_step = versions.group_by("path_id", "step_id").agg(
        added_at=pl.when(pl.col("valid_from").is_not_null().all()).then(pl.col("valid_from").min()),
        required=(~pl.col("optional")).any(),
        changed_at=pl.max_horizontal(pl.col("valid_from").max(), pl.col("valid_to").max()),
    )
    return of_step.group_by("path_id").agg(
        step_added_at=pl.col("added_at").filter("required").max().cast(UTC_TIME),
        steps_changed_at=pl.col("changed_at").max().cast(UTC_TIME),
    )
