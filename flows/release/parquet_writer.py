"""Write a table as a parquet file with column descriptions in its metadata."""

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import Full, Queue
from types import TracebackType
from typing import Any, Self

import polars as pl
import pyarrow as pa
from polars.io.plugins import register_io_source

from flows.release.schema_gate import check
from schemas.columns import Table, polars_schema, table_name
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

    Writing goes on in a thread while the next part is computed; one part at most waits. Meanings and units go
    into each column's metadata (pyarrow, pandas) and, as JSON under `columns`, into the file's (DuckDB's
    parquet_kv_metadata, polars' read_parquet_metadata).
    """

    def __init__(self, release: Release, model: type[Table]) -> None:
        self._model, self._file = model, release.table(table_name(model))
        self._parts: Queue[pl.DataFrame | None] = Queue(maxsize=1)
        self._thread = ThreadPoolExecutor(max_workers=1)

    def __enter__(self) -> Self:
        self._writing: Future[Any] = self._thread.submit(self._write)
        return self

    def write(self, part: pl.DataFrame) -> None:
        """Check the part and hand it over.

        Raises: RunBlocked if it breaks the schema; whatever writing an earlier part raised.
        """
        self._hand_over(check(self._model, part))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Complete the file; after an error inside it stays incomplete and is never read."""
        self._hand_over(None)
        self._thread.shutdown()
        if error is None:
            self._writing.result()

    def _hand_over(self, part: pl.DataFrame | None) -> None:
        while not self._writing.done():
            try:
                self._parts.put(part, timeout=1)
            except Full:
                continue
            return
        if part is not None:
            self._writing.result()

    def _write(self) -> None:
        meanings = column_metadata(self._model)
        register_io_source(self._read, schema=polars_schema(self._model)).sink_parquet(
            self._file,
            row_group_size=_ROWS_IN_A_GROUP,
            compression="zstd",
            compression_level=1,
            metadata={"columns": json.dumps(meanings, ensure_ascii=False)},
            arrow_schema=_arrow_schema(self._model, meanings),
        )

    def _read(self, *_: Any) -> Iterator[pl.DataFrame]:
        while (part := self._parts.get()) is not None:
            yield part


def write(release: Release, model: type[Table], frame: pl.DataFrame) -> Path:
    """Check a whole table and write it.

    Raises: RunBlocked if it breaks its schema.
    """
    with TableWriter(release, model) as table:
        table.write(frame)
    return release.table(table_name(model))


def _arrow_schema(model: type[Table], meanings: dict[str, dict[str, str]]) -> pa.Schema:
    return pa.schema(
        [
            pa.field(name, _ARROW_TYPES[str(declared.dtype)], metadata=meanings[name])
            for name, declared in model.to_schema().columns.items()
        ]
    )
