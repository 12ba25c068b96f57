"""Who is late (R18), since when, and by how many steps?"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["company_id", "session_id", "user_id", "late_since", "overdue_steps"]
ORDER = ["late_since", "company_id", "session_id", "user_id"]


def with_polars(release: Path) -> pl.DataFrame:
    stats = pl.scan_parquet(release / "path_session_stats.parquet")
    return stats.filter("is_current", "is_late").select(COLUMNS).sort(ORDER).collect()


def with_pandas(release: Path) -> "pd.DataFrame":
    import pandas as pd

    stats = pd.read_parquet(release / "path_session_stats.parquet")
    late = stats[stats["is_current"] & stats["is_late"]]
    return late[COLUMNS].sort_values(ORDER, ignore_index=True)


if __name__ == "__main__":
    print(with_polars(Path(*sys.argv[1:] or ["data/demo/published/latest"])))
