"""Compare two tables."""

import polars as pl

from schemas.home import Release


def published(release: Release, table: str) -> pl.DataFrame:
    """The published columns that the plain script has too: it does not look ahead."""
    return pl.read_parquet(release.table(table)).drop("valid_until", strict=False)


def differing(found: pl.DataFrame, expected: pl.DataFrame) -> list[str]:
    """One line per column that differs, with in how many rows; none if all values and types are the same.

    Rows are compared as they stand: both tables are sorted by their key.
    """
    if found.schema != expected.schema:
        kinds = found.schema.items() ^ expected.schema.items()
        return [f"columns differ: {', '.join(sorted({name for name, _ in kinds})) or 'their order'}"]
    if found.height != expected.height:
        return [f"{found.height:,} rows, not {expected.height:,}"]
    counts = found.select((~pl.col(name).eq_missing(expected[name])).sum() for name in found.columns)
    return [f"{name} differs in {count:,} rows" for name, count in counts.row(0, named=True).items() if count]
