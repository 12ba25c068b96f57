"""Join our result and the platform's for each enrollment, with the evidence for a difference."""

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
class PlatformResults:
    """A platform's own results, and when they were read.

    theirs:     as returned by `platform_answers`.
    as_of:      the run's as_of.
    read_at:    when the platform had sent its last response.
    of_changes: whether the run read an extract of changes.
    """

    company_id: str
    theirs: pl.DataFrame
    as_of: datetime
    read_at: datetime
    of_changes: bool


def evidence(connection: Connection, release: Release, platform: PlatformResults) -> pl.DataFrame:
    """One row per enrollment of ours or the platform's, sorted by company, session, learner and enrollment.

    Contains both results as `ours_…` and `theirs_…` (null where that side lacks the enrollment), and:
    evaluated_at:     the time at which our result is evaluated (R1).
    valid_until:      when our result changes without new data.
    step_added_at:    when a required step was last added to the path.
    steps_changed_at: when any step of the path last changed.
    due_at:           the earliest due date of a required step that is not finished.
    is_to_retake:     whether a required step is failed with attempts left.
    has_uncorrected:  whether an assessment is not corrected.
    has_open_program: whether a program is not finished.
    is_stored:        whether the warehouse has the enrollment.
    """
    steps = connection.frame(f"SELECT {_STEP_FACTS} FROM ({by_id(PathSteps, 'path_steps')})")
    company = pl.col("company_id") == platform.company_id
    theirs = platform.theirs.lazy().rename(
        {name: f"theirs_{name}" for name in platform.theirs.columns if not name.endswith("_id")}
    )
    ours = (
        _ours(release, platform, company)
        .join(_of_steps(release, steps, company), on="enrollment_id", how="left")
        .join(_of_paths(steps, company), on="path_id", how="left")
    )
    both = ours.join(theirs, on="enrollment_id", how="full", coalesce=True, suffix="_theirs")
    stored = connection.frame(
        "SELECT enrollment_id, true AS is_stored FROM enrollments JOIN company_keys USING (company_key) "
        "WHERE company_id = $company",
        {"company": platform.company_id},
    )
    time = pl.lit(platform.as_of).dt.cast_time_unit("us")
    return (
        both.with_columns(
            company_id=pl.lit(platform.company_id),
            session_id=pl.coalesce("session_id", "session_id_theirs"),
            user_id=pl.coalesce("user_id", "user_id_theirs"),
        )
        .join(stored.lazy(), on="enrollment_id", how="left")
        .with_columns(
            pl.col("is_stored").fill_null(False),
            as_of=time,
            asked_at=pl.lit(platform.read_at).dt.cast_time_unit("us"),
            is_of_changes=pl.lit(platform.of_changes),
        )
        # The platform leaves out the session where it has no useful statistics: parity can't key such a row.
        .drop_nulls(["session_id", "user_id"])
        .sort(_KEYS)
        .collect()
    )


def _ours(release: Release, platform: PlatformResults, company: pl.Expr) -> pl.LazyFrame:
    sessions = pl.scan_parquet(release.table("path_sessions"), glob=False).filter(company)
    time = pl.lit(platform.as_of).dt.cast_time_unit("us")
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
    """The last change to each path's steps. A definition without a valid_from is not a change."""
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
