"""Who is late (R18: a required step is overdue, and the learner can still act on it), and since when?"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import pandas as pd


def with_polars(release: Path) -> pl.DataFrame:
    late = pl.scan_parquet(release / "path_session_stats.parquet").filter(
        "is_current",
        pl.col("archived_at").is_null(),
        pl.col("overdue_steps") > 0,
        pl.col("detailed_status_type").is_in(["late", "notYetStarted", "onTime", "toRetake"]),
    )
    overdue = pl.scan_parquet(release / "step_stats.parquet").filter("overdue", ~pl.col("optional"))
    return (
        late.select("company_id", "session_id", "user_id", "enrollment_id")
        .join(overdue, on=["company_id", "enrollment_id"])
        .group_by("company_id", "session_id", "user_id")
        .agg(late_since=pl.col("due_at").min(), steps_overdue=pl.len())
        .sort("late_since", "company_id", "session_id", "user_id")
        .collect()
    )


def with_pandas(release: Path) -> "pd.DataFrame":
    import pandas as pd

    stats = pd.read_parquet(release / "path_session_stats.parquet")
    steps = pd.read_parquet(release / "step_stats.parquet")
    can_act = stats["detailed_status_type"].isin(["late", "notYetStarted", "onTime", "toRetake"])
    is_enrolled = stats["is_current"] & stats["archived_at"].isna()
    late = stats[is_enrolled & can_act & (stats["overdue_steps"] > 0)]
    overdue = steps[steps["overdue"] & ~steps["optional"]]
    keys = ["company_id", "session_id", "user_id", "enrollment_id"]
    return (
        late[keys]
        .merge(overdue[["company_id", "enrollment_id", "due_at"]], on=["company_id", "enrollment_id"])
        .groupby(["company_id", "session_id", "user_id"], as_index=False)
        .agg(late_since=("due_at", "min"), steps_overdue=("due_at", "size"))
        .sort_values(["late_since", "company_id", "session_id", "user_id"], ignore_index=True)
    )


if __name__ == "__main__":
    print(with_polars(Path(*sys.argv[1:] or ["data/demo/published/latest"])))
