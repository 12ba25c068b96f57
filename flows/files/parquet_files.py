"""Read a table from one parquet file or a folder of parts, with the types that its writer declares."""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from flows.database.connection import file_name, identifier, quoted
from schemas.errors import SourceError

# The timestamp type of old Hive, Impala and Spark; the file format does not record its zone.
INT96 = "INT96"
_SPARK_SCHEMA = b"org.apache.spark.sql.parquet.row.metadata"
_ARROW_SCHEMA = b"ARROW:schema"


@dataclass(frozen=True)
class Part:
    """One file of a table.

    types: the parquet type of each wanted column in the file; None if the writer saw only nulls.
    utc:   the INT96 columns that the writer declares to be instants.
    """

    file: Path
    rows: int
    names: tuple[str, ...]
    types: dict[str, str | None]
    utc: frozenset[str]

    def lacks(self, name: str) -> bool:
        return self.types.get(name) is None


def part_files(folder: Path) -> list[Path]:
    """The parquet files in the folder, sorted by name, without the files that Spark treats as hidden.

    Raises: SourceError if the folder is a Delta table, has partitions or is still being written.
    """
    entries = sorted(folder.iterdir())
    names = {entry.name for entry in entries}
    if "_delta_log" in names:
        raise SourceError(f"{folder}: this is a Delta table; its files contain deleted rows too. Export it.")
    if "_temporary" in names:
        raise SourceError(f"{folder}: the folder is still being written, or its writer was interrupted.")
    visible = [entry for entry in entries if not entry.name.startswith(("_", "."))]
    parts = [entry for entry in visible if entry.name.lower().endswith(".parquet") and entry.is_file()]
    if any(not entry.name.isprintable() for entry in parts):
        raise SourceError(
            f"{folder}: a file's name is not valid UTF-8, or contains control characters. Rename it."
        )
    folders = [entry.name for entry in visible if entry.is_dir()]
    if (parts and folders) or any("=" in name for name in folders):
        raise SourceError(
            f"{folder}: contains the folder {folders[0]}; only parquet files directly in it are read. "
            "Write the table without partitions."
        )
    return parts


def read_parts(file: Path, wanted: list[str]) -> list[Part]:
    """The parts of a table, read from the parquet footers; a single file is one part.

    Raises: SourceError if there is no part, if one is damaged, or if parts differ in a column's type.
    """
    files = part_files(file) if file.is_dir() else [file]
    if not files:
        raise SourceError(f"{file}: the folder contains no parquet file.")
    found = [_part(part, wanted) for part in files]
    parts = [part for part in found if part.rows] or found[:1]
    for name in wanted:
        first = next((part for part in parts if not part.lacks(name)), parts[0])
        for other in parts:
            if not other.lacks(name) and _kind(first, name) != _kind(other, name):
                raise SourceError(
                    f"{file}: column {name} is {_kind(first, name)} in {first.file.name} and "
                    f"{_kind(other, name)} in {other.file.name}. Write all parts with one type."
                )
    return parts


def _kind(part: Part, name: str) -> str:
    return f"{part.types[name]}{' in UTC' if name in part.utc else ''}"


def _part(file: Path, wanted: list[str]) -> Part:
    try:
        footer = pq.read_metadata(file)
        columns = [footer.schema.column(place) for place in range(footer.num_columns)]
        types = {column.path: _type(column) for column in columns if column.path in wanted}
        int96 = {name for name, kind in types.items() if kind == INT96}
        utc = frozenset(int96 & _declared_instants(footer.metadata or {})) if int96 else frozenset[str]()
        names = tuple(dict.fromkeys(column.path.partition(".")[0] for column in columns))
        _check_case(file, names, wanted)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise SourceError(f"{file}: not a parquet file, or a truncated one; deliver it again.") from error
    # The footer has no type for a nested column; DuckDB names it later.
    nested: dict[str, str | None] = {name: "nested" for name in names if name in wanted}
    return Part(file, footer.num_rows, names, nested | types, utc)


def _check_case(file: Path, names: Iterable[str], wanted: list[str]) -> None:
    """Raise if two columns differ only in case: DuckDB would silently read the first one."""
    twice = [name for name in names if name not in wanted and name.lower() in wanted]
    for name in twice:
        if name.lower() in names:
            raise SourceError(f"{file}: columns {name.lower()} and {name} differ only in case. Rename one.")


def _type(column: pq.ColumnSchema) -> str | None:
    logical = str(column.logical_type)
    if logical == "Null":
        return None
    return column.physical_type if logical == "None" else logical


def _declared_instants(metadata: dict[bytes, bytes]) -> set[str]:
    """The columns that the file's writer declares to be instants: their INT96 values are in UTC.

    Arrow stores each column's zone in its schema. Spark stores its own types; its `timestamp` is an instant,
    written in UTC regardless of the session's zone.
    """
    found: set[str] = set()
    if _ARROW_SCHEMA in metadata:
        schema = pa.ipc.read_schema(pa.BufferReader(base64.b64decode(metadata[_ARROW_SCHEMA])))
        found |= {field.name for field in schema if pa.types.is_timestamp(field.type) and field.type.tz}
    if _SPARK_SCHEMA in metadata:
        fields = json.loads(metadata[_SPARK_SCHEMA])["fields"]
        found |= {field["name"] for field in fields if field["type"] == "timestamp"}
    return found


def relation(parts: list[Part], columns: list[str], row_in_file: str) -> str:
    """The SQL relation of the columns and each row's number, counted from 1 across all parts.

    INT96 in UTC becomes TIMESTAMPTZ; a column is null in the parts that lack it.
    """
    starts = list(accumulate((part.rows for part in parts), initial=0))
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, part in enumerate(parts):
        groups.setdefault(tuple(name for name in columns if part.lacks(name)), []).append(place)
    selects = [
        _select([parts[place] for place in places], [starts[place] for place in places], columns, row_in_file)
        for places in groups.values()
    ]
    return f"({' UNION ALL '.join(selects)})"


def _select(parts: list[Part], starts: list[int], columns: list[str], row_in_file: str) -> str:
    files = ", ".join(file_name(part.file) for part in parts)
    first = (
        f"[{', '.join(map(str, starts))}][CAST(file_index AS BIGINT) + 1]" if len(parts) > 1 else starts[0]
    )
    values = [f"{first} + file_row_number + 1 AS {identifier(row_in_file)}"]
    for name in columns:
        if name in parts[0].utc:
            values.append(f"{identifier(name)} AT TIME ZONE 'UTC' AS {identifier(name)}")
        else:
            values.append(f"{'NULL AS ' if parts[0].lacks(name) else ''}{identifier(name)}")
    return (
        f"SELECT {', '.join(values)} FROM read_parquet([{files}], hive_partitioning = false, "
        "union_by_name = true)"
    )


def row_label_sql(parts: list[Part], row: str) -> str:
    """The SQL expression for a row's place: `row 7`, or `row 7 of part-00001.parquet`."""
    if len(parts) == 1:
        return f"'row ' || {row}"
    whens, start = [], 0
    for part in parts:
        whens.append(
            f"WHEN {row} <= {start + part.rows} THEN 'row ' || ({row} - {start}) || "
            f"{quoted(f' of {part.file.name}')}"
        )
        start += part.rows
    return f"CASE {' '.join(whens)} END"


def unknown_names(parts: Iterable[Part], wanted: list[str]) -> list[str]:
    """The columns of any part that are not wanted."""
    return list(dict.fromkeys(name for part in parts for name in part.names if name not in wanted))
