"""Write a table as a parquet file with column descriptions in its metadata."""

import json
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from flows.release.schema_gate import check
from schemas.columns import Table, table_name
from schemas.dictionary import column_metadata
from schemas.home import Release

_ROWS_IN_A_GROUP = 200_000
_ARROW_TYPES: dict[str, pa.DataType] = {
    "String": pa.large_string(),
    "Int32": pa.int32(),
    "Int64": pa.int64(),
    "Float64": pa.float64(),
    "Boolean": pa.bool_(),
    "Datetime(time_unit='us', time_zone='UTC')": pa.timestamp("us", tz="UTC"),
}


class TableWriter:
    """A table that is written part by part, each checked against its schema first.

    Each column's metadata contains its meaning and unit (for pyarrow and pandas). The file's metadata
    contains them all as JSON under `columns` (for DuckDB's parquet_kv_metadata and polars'
    read_parquet_metadata).
    """

    def __init__(self, release: Release, model: type[Table]) -> None:
        self._model, self._schema = model, _arrow_schema(model)
        self._file = release.table(table_name(model))

    def __enter__(self) -> Self:
        self._writer = pq.ParquetWriter(self._file, self._schema, compression="zstd", compression_level=1)
        return self

    def write(self, part: pl.DataFrame) -> None:
        """Check the part and append it to the file.

        Raises: RunBlocked if it breaks the schema.
        """
        # In one piece: pages end where pieces do, and the same rows must give the same bytes.
        rows = check(self._model, part).rechunk().to_arrow().cast(self._schema)
        if rows.num_rows:
            self._writer.write_table(rows, row_group_size=_ROWS_IN_A_GROUP)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Complete the file."""
        self._writer.close()


def write(release: Release, model: type[Table], frame: pl.DataFrame) -> Path:
    """Check a whole table and write it.

    Raises: RunBlocked if it breaks its schema.
    """
    with TableWriter(release, model) as table:
        table.write(frame)
    return release.table(table_name(model))


def _arrow_schema(model: type[Table]) -> pa.Schema:
    meanings = column_metadata(model)
    fields = [
        pa.field(name, _ARROW_TYPES[str(declared.dtype)], metadata=meanings[name])
        for name, declared in model.to_schema().columns.items()
    ]
    return pa.schema(fields, {"columns": json.dumps(meanings, ensure_ascii=False)})
