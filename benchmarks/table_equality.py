"""Compare two tables."""

import polars as pl

from schemas.home import Release


def published(release: Release, table: str) -> pl.DataFrame:
    """The published columns that the plain script writes, too: all but `valid_until`."""
    return pl.read_parquet(release.table(table)).drop("valid_until", strict=False)


def differing(found: pl.DataFrame, expected: pl.DataFrame) -> list[str]:
    """One line per differing column with the number of rows; empty if all values and types are equal.

    Rows are compared in order: both tables are sorted by their key.
    """
    if found.schema != expected.schema:
        columns = found.schema.items() ^ expected.schema.items()
        return [f"columns differ: {', '.join(sorted({name for name, _ in columns})) or 'their order'}"]
    if found.height != expected.height:
        return [f"{found.height:,} rows, not {expected.height:,}"]
    counts = found.select((~pl.col(name).eq_missing(expected[name])).sum() for name in found.columns)
    return [f"{name} differs in {count:,} rows" for name, count in counts.row(0, named=True).items() if count]
