"""The sandbox's demo company, with values that real platforms send and the demo lacks.

The rows that get such a value are chosen by id, so the company is the same on every day.
"""

from datetime import datetime

import polars as pl

from sandbox.api_projection import kinds
from sandbox.constant_fields import is_chosen
from sandbox.valid_tables import Tables, valid_tables


def world(source: str, as_of: datetime, company: str | None = None) -> Tables:
    """The input tables of one company.

    Raises: SourceError if a table can't be read; UsageError if there are several companies and none is named.
    """
    tables = valid_tables(source, as_of, company)
    return with_rare_values(tables) if source.partition(":")[0] == "demo" else tables


def with_rare_values(tables: Tables) -> Tables:
    """The tables with fractions and enrollments in corrections, one unnamed session and unnamed courses."""
    sessions = tables["path_sessions"]
    known = sessions.join(tables["paths"], on="path_id", how="semi")
    is_first = pl.col("session_id") == known["session_id"].min()
    return tables | {
        "path_sessions": sessions.with_columns(name=pl.when(~is_first).then("name")),
        "path_steps": tables["path_steps"].with_columns(
            title=pl.when(~is_chosen("step_id", 10)).then("title")
        ),
        "step_activity": _with_corrections(tables),
    }


def _with_corrections(tables: Tables) -> pl.DataFrame:
    """The activity with a fraction added to half of the scores, and an enrollment in every third correction.

    The fraction is below one, so it never lifts a score to the next whole minimum score.
    """
    activity = tables["step_activity"]
    assessments = kinds(tables["path_steps"]).filter(pl.col("type") == "assessment")["step_id"].implode()
    is_correction = pl.col("step_id").is_in(assessments)
    fraction = (
        pl.when(is_chosen("activity_id", 2)).then(pl.col("activity_id").hash(1) % 10 / 10).otherwise(0.0)
    )
    score = pl.min_horizontal(pl.col("score") + fraction, 100.0)
    corrected = (
        activity.filter(is_correction & is_chosen("activity_id", 3))
        .join(tables["enrollments"], on=["session_id", "user_id"], suffix="_of_session")
        .filter(pl.col("enrolled_at") <= pl.col("completed_at"))
        .sort("enrolled_at", "enrollment_id_of_session")
        .unique("activity_id", keep="last", maintain_order=True)
        .select("activity_id", named="enrollment_id_of_session")
    )
    return (
        activity.join(corrected, on="activity_id", how="left", maintain_order="left")
        .with_columns(
            score=pl.when(is_correction & pl.col("score").is_not_null()).then(score).otherwise("score"),
            enrollment_id=pl.coalesce("enrollment_id", "named"),
        )
        .drop("named")
    )
