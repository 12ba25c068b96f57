"""The last gate: no table goes out that breaks its schema."""

import pandera.errors
import polars as pl

from schemas.columns import Table, table_name
from schemas.errors import HeldBack


def check(model: type[Table], frame: pl.DataFrame) -> pl.DataFrame:
    """The frame as it came, if it keeps every promise of its schema.

    Raises: HeldBack, naming the table, each broken check and how many rows break it; never a row's contents.
    """
    try:
        model.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as broken:
        failures = broken.failure_cases
        named = failures.group_by("column", "check", maintain_order=True).len().head(5).rows()
        words = "; ".join(f"{column}: {check}, {rows:,} rows" for column, check, rows in named)
        raise HeldBack(
            f"Table {table_name(model)} breaks its schema ({words}). Nothing was published; "
            "this is a fault of pathstats: report it with the words in brackets."
        ) from None
    return frame
