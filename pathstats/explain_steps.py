"""Explain waived steps, and which session a sub-path's results come from (R16, R17)."""

from datetime import datetime
from typing import Any

import polars as pl

from pathstats.tables import scan_table
from schemas.home import Release

Row = dict[str, Any]


def waived(release: Release, session: Row, steps: list[Row], evaluated_at: datetime) -> list[str]:
    """A sentence for each step that a score of the learner's waives.

    A quiz that is waived itself is not among the steps, so the steps it waives are not explained.
    """
    if not release.table("waivers").exists():
        return []
    began, ended = pl.col("valid_from"), pl.col("valid_to")
    rows = (
        scan_table(release, "waivers")
        .filter(
            pl.col("company_id") == session["company_id"],
            pl.col("path_id") == session["path_id"],
            began.is_null() | (began <= evaluated_at),
            ended.is_null() | (ended > evaluated_at),
        )
        .sort("waived_step_id", "threshold", "step_id")
        .collect()
        .to_dicts()
    )
    scores = {step["step_id"]: step["score"] for step in steps}
    reached = {
        row["waived_step_id"]: row
        for row in rows
        if row["waived_step_id"] not in scores
        and scores.get(row["step_id"]) is not None
        and scores[row["step_id"]] >= row["threshold"]
    }
    return [
        f"Step {step} does not count: {scores[by['step_id']]:g} % in step {by['step_id']} reach "
        f"{by['threshold']} %, which waives it (R16)."
        for step, by in reached.items()
    ]


def deciding_sessions(release: Release, row: Row, session: Row, evaluated_at: datetime) -> dict[str, str]:
    """The session of the child enrollment that decides, by step_id (which is the sub-path's path_id)."""
    if not release.table("child_sessions").exists():
        return {}
    company = pl.col("company_id") == row["company_id"]
    made_for = scan_table(release, "child_sessions").filter(company)
    own = made_for.filter(pl.col("session_id") == row["session_id"]).collect()["root_session_id"]
    root = own[0] if own.len() else row["session_id"]
    is_archived = pl.col("archived_at") <= evaluated_at
    enrolled = (
        scan_table(release, "path_session_stats")
        .filter(company, pl.col("user_id") == row["user_id"], pl.col("enrolled_at") <= evaluated_at)
        .join(made_for.filter(pl.col("root_session_id") == root), on=["company_id", "session_id"], how="semi")
        .join(scan_table(release, "path_sessions"), on=["company_id", "session_id"])
        .filter(pl.col("path_id") != session["path_id"])
        .with_columns(still_enrolled=~is_archived.fill_null(False))
        .with_columns(latest=pl.when("still_enrolled").then("enrolled_at").otherwise("archived_at"))
        .sort("still_enrolled", "latest", "enrollment_id")
        .collect()
    )
    return dict(enrolled.select("path_id", "session_id").iter_rows())
