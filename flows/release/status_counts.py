"""Count the learners of each company by detailed status, for the manifest."""

import polars as pl

from schemas.enums import DETAILED_STATUSES
from schemas.home import Release
from schemas.manifest import StatusCounts


def status_counts(release: Release) -> dict[str, StatusCounts]:
    """By company, in their order; a company is one that has a user or a session."""
    kind = pl.col("detailed_status_type")
    enrolled = pl.col("archived_at").is_null()
    counts = (
        pl.scan_parquet(release.table("path_session_stats"), glob=False)
        .filter("is_current")
        .group_by("company_id")
        .agg(
            *((enrolled & (kind == name)).sum().alias(name) for name in DETAILED_STATUSES),
            is_late=pl.col("is_late").sum(),
            archived=(~enrolled).sum(),
        )
    )
    companies = pl.concat(
        pl.scan_parquet(release.table(name), glob=False).select("company_id").unique()
        for name in ("users", "path_sessions")
    ).unique()
    rows = companies.join(counts, on="company_id", how="left").fill_null(0).sort("company_id").collect()
    return {
        row["company_id"]: StatusCounts(
            {name: row[name] for name in DETAILED_STATUSES}, late=row["is_late"], archived=row["archived"]
        )
        for row in rows.iter_rows(named=True)
    }
