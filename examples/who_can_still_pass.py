"""Who can still pass, and how many steps are left? Ordered by the session's end, open-ended ones last."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import pandas as pd


def with_polars(release: Path) -> pl.DataFrame:
    sessions = pl.scan_parquet(release / "path_sessions.parquet")
    return (
        pl.scan_parquet(release / "path_session_stats.parquet")
        .filter(
            "is_current",
            pl.col("archived_at").is_null(),
            ~pl.col("detailed_status_type").is_in(["successful", "unsuccessful"]),
        )
        .join(sessions, on=["company_id", "session_id"])
        .select(
            "company_id",
            "session_id",
            "user_id",
            standing="detailed_status_type",
            steps_left=pl.col("required_steps") - pl.col("required_steps_finished"),
            ends_at="ends_at",
        )
        .sort("ends_at", "company_id", "session_id", "user_id", nulls_last=True)
        .collect()
    )


def with_pandas(release: Path) -> "pd.DataFrame":
    import pandas as pd

    stats = pd.read_parquet(release / "path_session_stats.parquet")
    sessions = pd.read_parquet(release / "path_sessions.parquet")
    is_decided = stats["detailed_status_type"].isin(["successful", "unsuccessful"])
    found = stats[stats["is_current"] & stats["archived_at"].isna() & ~is_decided].merge(
        sessions[["company_id", "session_id", "ends_at"]], on=["company_id", "session_id"]
    )
    found = found.assign(
        standing=found["detailed_status_type"],
        steps_left=found["required_steps"] - found["required_steps_finished"],
    )
    columns = ["company_id", "session_id", "user_id", "standing", "steps_left", "ends_at"]
    return found[columns].sort_values(
        ["ends_at", "company_id", "session_id", "user_id"], na_position="last", ignore_index=True
    )


if __name__ == "__main__":
    print(with_polars(Path(*sys.argv[1:] or ["data/demo/published/latest"])))
