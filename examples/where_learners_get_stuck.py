"""Where do learners get stuck? Counts the first unsuccessful required step of each active learner."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import pandas as pd


def with_polars(release: Path) -> pl.DataFrame:
    learners = pl.scan_parquet(release / "path_session_stats.parquet").filter(
        "is_current",
        pl.col("archived_at").is_null(),
        ~pl.col("detailed_status_type").is_in(["successful", "unsuccessful", "sessionNotOpened"]),
    )
    open_steps = pl.scan_parquet(release / "step_stats.parquet").filter(
        ~pl.col("optional"), ~pl.col("successful")
    )
    return (
        open_steps.join(learners, on=["company_id", "enrollment_id"], how="semi")
        .sort("position", "step_id")
        .group_by("company_id", "session_id", "enrollment_id", maintain_order=True)
        .agg(pl.col("step_id").first())
        .group_by("company_id", "session_id", "step_id")
        .agg(learners=pl.len())
        .sort("learners", "company_id", "session_id", "step_id", descending=[True, False, False, False])
        .collect()
    )


def with_pandas(release: Path) -> "pd.DataFrame":
    import pandas as pd

    stats = pd.read_parquet(release / "path_session_stats.parquet")
    steps = pd.read_parquet(release / "step_stats.parquet")
    is_done = stats["detailed_status_type"].isin(["successful", "unsuccessful", "sessionNotOpened"])
    learners = stats[stats["is_current"] & stats["archived_at"].isna() & ~is_done]
    open_steps = steps[~steps["optional"] & ~steps["successful"]].merge(
        learners[["company_id", "enrollment_id"]], on=["company_id", "enrollment_id"]
    )
    first = open_steps.sort_values(["position", "step_id"]).drop_duplicates(["company_id", "enrollment_id"])
    return (
        first.groupby(["company_id", "session_id", "step_id"], as_index=False)
        .agg(learners=("enrollment_id", "size"))
        .sort_values(
            ["learners", "company_id", "session_id", "step_id"],
            ascending=[False, True, True, True],
            ignore_index=True,
        )
    )


if __name__ == "__main__":
    print(with_polars(Path(*sys.argv[1:] or ["data/demo/published/latest"])))
