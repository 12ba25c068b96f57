"""How many learners completed, by session and month? The month is that of `completed_at`, in UTC."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import pandas as pd


def with_polars(release: Path) -> pl.DataFrame:
    stats = pl.scan_parquet(release / "path_session_stats.parquet")
    return (
        stats.filter("is_current", pl.col("archived_at").is_null(), pl.col("completed_at").is_not_null())
        .group_by("company_id", "session_id", month=pl.col("completed_at").dt.strftime("%Y-%m"))
        .agg(completed=pl.len())
        .sort("company_id", "session_id", "month")
        .collect()
    )


def with_pandas(release: Path) -> "pd.DataFrame":
    import pandas as pd

    stats = pd.read_parquet(release / "path_session_stats.parquet")
    completed = stats[stats["is_current"] & stats["archived_at"].isna() & stats["completed_at"].notna()]
    return (
        completed.assign(month=completed["completed_at"].dt.strftime("%Y-%m"))
        .groupby(["company_id", "session_id", "month"], as_index=False)
        .agg(completed=("enrollment_id", "size"))
        .sort_values(["company_id", "session_id", "month"], ignore_index=True)
    )


if __name__ == "__main__":
    print(with_polars(Path(*sys.argv[1:] or ["data/demo/published/latest"])))
