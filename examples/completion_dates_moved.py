"""Which published completion dates moved or vanished, and why?"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import pandas as pd


def with_polars(release: Path) -> pl.DataFrame:
    return (
        pl.scan_parquet(release / "status_changes.parquet")
        .filter(pl.col("field") == "completed_at", pl.col("old_value").is_not_null())
        .sort("company_id", "session_id", "user_id", "enrollment_id")
        .select("company_id", "session_id", "user_id", before="old_value", now="new_value", cause="cause")
        .collect()
    )


def with_pandas(release: Path) -> "pd.DataFrame":
    import pandas as pd

    changes = pd.read_parquet(release / "status_changes.parquet")
    moved = changes[(changes["field"] == "completed_at") & changes["old_value"].notna()]
    return (
        moved.sort_values(["company_id", "session_id", "user_id", "enrollment_id"], ignore_index=True)
        .rename(columns={"old_value": "before", "new_value": "now"})
        .loc[:, ["company_id", "session_id", "user_id", "before", "now", "cause"]]
    )


if __name__ == "__main__":
    print(with_polars(Path(*sys.argv[1:] or ["data/demo/published/latest"])))
