"""A table as a parquet file whose columns say what they mean."""

import json
from collections.abc import Callable
from pathlib import Path

import nanoarrow as na
import polars as pl

from flows.publishing.gate import check
from schemas.columns import Table, table_name
from schemas.dictionary import column_metadata
from schemas.home import Release

_ROWS_IN_A_GROUP = 200_000
_ARROW_TYPES: dict[str, Callable[[], na.Schema]] = {
    "String": na.large_string,
    "Int32": na.int32,
    "Int64": na.int64,
    "Float64": na.float64,
    "Boolean": na.bool_,
    "Datetime(time_unit='us', time_zone='UTC')": lambda: na.timestamp("us", timezone="UTC"),
}


def write(release: Release, model: type[Table], frame: pl.DataFrame) -> Path:
    """Check the frame and write it.

    Meanings and units go into each column's metadata (pyarrow, pandas) and, as JSON under `columns`, into the
    file's (DuckDB's parquet_kv_metadata, polars' read_parquet_metadata).

    Raises: HeldBack if the frame breaks its schema.
    """
    file = release.table(table_name(model))
    meanings = column_metadata(model)
    # One chunk, cut into row groups of one size: else the bytes depend on how threads split the work.
    check(model, frame).rechunk().write_parquet(
        file,
        row_group_size=_ROWS_IN_A_GROUP,
        compression="zstd",
        compression_level=1,
        metadata={"columns": json.dumps(meanings, ensure_ascii=False)},
        arrow_schema=_arrow_schema(model, meanings),
    )
    return file


def _arrow_schema(model: type[Table], meanings: dict[str, dict[str, str]]) -> na.Schema:
    return na.struct(
        [
            na.Schema(_ARROW_TYPES[str(declared.dtype)](), name=name, metadata=meanings[name])
            for name, declared in model.to_schema().columns.items()
        ]
    )
