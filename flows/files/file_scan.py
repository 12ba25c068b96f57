"""Scan a table's file with DuckDB, without converting or guessing values."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from flows.database.connection import Connection, file_name, identifier, quoted
from flows.files import parquet_files
from flows.files.text_diagnostics import fault_in_ndjson, first_other_line_end, text_of
from flows.files.text_lines import JSON_LINE, line_numbers, line_of_record, unfinished_column, verify_text
from schemas.errors import PathStatsError, RunFailed, SourceError

ROW_IN_FILE = "row in file"
FORMATS = (".parquet", ".csv", ".csv.gz", ".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz")
_CSV = (".csv", ".csv.gz")
_NDJSON = (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz")


@dataclass(frozen=True)
class Scan:
    """The wanted columns of a file as an SQL relation.

    numbered: the same with ROW_IN_FILE, counted from 1, because joins and threads lose the file's order.
    types:    the DuckDB type of each wanted column that the file has.
    unknown:  the names of its other columns.
    found:    a clearer name for a column's type than DuckDB's.
    places:   builds the SQL expression for a row's place in messages: `line 7` in text, `row 7` in parquet.
              Arguments: the row numbers, how many rows were read, the SQL of the row number.
    """

    sql: str
    numbered: str
    types: dict[str, str]
    unknown: list[str]
    places: Callable[[Connection, Sequence[int], int, str], str]
    found: dict[str, str] = field(default_factory=dict)


def scan(connection: Connection, file: Path, wanted: list[str]) -> Scan:
    """Describe how to read the file, or the folder of parquet files.

    wanted: the columns to read; in NDJSON a key may be absent from any row.
    Raises: SourceError if the file is missing, empty, damaged, in an unknown format or beyond a limit.
    """
    name = file.name.lower()
    try:
        if file.is_dir():
            return _parquet(connection, file, wanted)
        if not file.is_file():
            raise SourceError(f"{file}: the file does not exist.")
        if name.endswith(".parquet"):
            return _parquet(connection, file, wanted)
        if name.endswith(_CSV):
            verify_text(file, is_json=False)
            return _csv(file, wanted)
        if is_ndjson(file):
            verify_text(file, is_json=True)
            return _ndjson(file, wanted)
    except OSError as error:
        raise SourceError(f"{file}: can't be read ({error.strerror}).") from error
    raise SourceError(f"{file}: unknown format; it must be one of {', '.join(FORMATS)}.")


def is_ndjson(file: Path) -> bool:
    """Whether the file is NDJSON: each row names its own columns and there is no header."""
    return file.name.lower().endswith(_NDJSON)


def _parquet(connection: Connection, file: Path, wanted: list[str]) -> Scan:
    parts = parquet_files.read_parts(file, wanted)
    unknown = parquet_files.unknown_names(parts, wanted)
    names = [name for name in wanted if any(name in part.names for part in parts)]
    numbered = parquet_files.relation(parts, names, ROW_IN_FILE)
    try:
        described = {name: kind for name, kind, *_ in connection.rows(f"DESCRIBE FROM {numbered}")}
    except duckdb.Error as error:
        raise unreadable(file, error) from error
    types = {name: described[name] for name in names}
    int96 = (name for part in parts for name, kind in part.types.items() if kind == parquet_files.INT96)
    return Scan(
        numbered,
        numbered,
        types,
        unknown,
        lambda _duck, _rows, _read, row: parquet_files.row_label_sql(parts, row),
        dict.fromkeys(int96, parquet_files.INT96),
    )


def _csv(file: Path, wanted: list[str]) -> Scan:
    names = _header(file, wanted)
    columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in names)
    sql = (
        f"read_csv({file_name(file)}, columns = {{{columns}}}, auto_detect = false, header = true, "
        "delim = ',', quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = true, "
        f"strict_mode = true, hive_partitioning = false, {_compression(file)})"
    )
    present = [name for name in wanted if name in names]
    unknown = [name for name in names if name not in wanted]
    types = dict.fromkeys(present, "VARCHAR")
    return Scan(sql, _numbered(sql, present), types, unknown, _lines(file, is_json=False))


def _compression(file: Path) -> str:
    """The compression option; DuckDB's guess from the name goes wrong if it contains a question mark."""
    return f"compression = '{'gzip' if file.name.lower().endswith('.gz') else 'uncompressed'}'"


def _header(file: Path, wanted: list[str]) -> list[str]:
    """The column names in line 1; a blank or ambiguous one is replaced by its position."""
    with text_of(file) as lines:
        try:
            header = next(csv.reader(lines), None)
        except csv.Error as error:
            raise SourceError(
                f"{file}, line 1: must contain the names of the columns, separated by commas."
            ) from error
    if header is None:
        raise SourceError(f"{file}: the file is empty; line 1 must name the columns.")
    if not any(name.strip() for name in header):
        raise SourceError(f"{file}, line 1: the line is empty; it must name the columns.")
    if re.search("[\ud800-\udfff]", "".join(header)):
        raise SourceError(f"{file}, line 1: not UTF-8 text. Save the file as UTF-8.")
    if len(header) == 1 and re.search("[;\t|]", header[0]):
        raise SourceError(f"{file}, line 1: no comma here; columns must be separated by commas.")
    repeated = [name for name in wanted if header.count(name) > 1]
    if repeated:
        raise SourceError(f"{file}, line 1: column {repeated[0]} occurs more than once.")
    taken = {ROW_IN_FILE, *(name.lower() for name in header if name in wanted)}
    names = []
    for place, name in enumerate(header, 1):
        is_free = name.strip() and name.lower() not in taken
        names.append(name if name in wanted or is_free else f"{name} (column {place})".strip())
        taken.add(name.lower())
    return names


def _ndjson(file: Path, wanted: list[str]) -> Scan:
    columns = ", ".join(f"{quoted(name)}: 'JSON'" for name in wanted)
    sql = (
        f"read_json({file_name(file)}, columns = {{{columns}}}, format = 'newline_delimited', "
        f"maximum_object_size = {JSON_LINE}, hive_partitioning = false, {_compression(file)})"
    )
    unknown = [name for name in _distinct([*wanted, *_keys_of_first_row(file)]) if name not in wanted]
    types = dict.fromkeys(wanted, "JSON")
    return Scan(sql, _numbered(sql, wanted), types, unknown, _lines(file, is_json=True))


def _numbered(sql: str, columns: list[str]) -> str:
    """The relation with row numbers, of the wanted columns only: DuckDB allocates a vector per column."""
    names = ", ".join(map(identifier, columns))
    return f"(SELECT row_number() OVER () AS {identifier(ROW_IN_FILE)}, {names} FROM {sql})"


def _lines(file: Path, *, is_json: bool) -> Callable[[Connection, Sequence[int], int, str], str]:
    def places(connection: Connection, rows: Sequence[int], read: int, row: str) -> str:
        found = line_numbers(file, rows, read, is_json=is_json)
        frame = pl.DataFrame({"row": rows, "line": found}, schema={"row": pl.Int64, "line": pl.Int64})
        with connection.lent("lines", frame):
            connection.execute("CREATE OR REPLACE TEMP TABLE line_of_row AS FROM lines")
        return f"'line ' || (SELECT line FROM line_of_row AS l WHERE l.row = {row})"

    return places


def _keys_of_first_row(file: Path) -> list[str]:
    with text_of(file) as lines:
        first = next((line for line in lines if line.strip()), "{}")
    try:
        row = json.loads(first)
    except (ValueError, RecursionError):
        return []
    return [key for key in row if key] if isinstance(row, dict) else []


def _distinct(names: Iterable[str]) -> list[str]:
    """The first of each group of names that differ only in case, since DuckDB ignores case."""
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(name.lower(), name)
    first.pop(ROW_IN_FILE, None)
    return list(first.values())


def present_keys(connection: Connection, found: Scan, wanted: list[str]) -> set[str]:
    """The wanted columns that the file has; in NDJSON, the ones with a value in at least one row."""
    present = {name for name in wanted if name in found.types}
    in_json = [name for name in present if found.types[name] == "JSON"]
    if not in_json:
        return present
    seen = ", ".join(f"count({identifier(name)})" for name in in_json)
    rows, *counts = connection.rows(f"SELECT count(*), {seen} FROM {found.sql}")[0]
    absent = {name for name, count in zip(in_json, counts, strict=True) if rows and not count}
    return present - absent


# A fragment of DuckDB's error message, and the cause and remedy that users see.
_CAUSES = {
    "Value with unterminated quote": "a closing quote is missing or misplaced. Correct the line.",
    "Maximum line size": "longer than 2 MB; a quote may not be closed. Correct the line.",
    "Invalid unicode": "not UTF-8 text. Save the file as UTF-8.",
    "magic bytes": "not a parquet file, or a truncated one; deliver it again.",
    "Parquet": "not a parquet file, or a truncated one; deliver it again.",
    "too small": "not a parquet file, or a truncated one; deliver it again.",
    "ermission denied": "can't be read; give this user permission to read it.",
}


def unreadable(file: Path, error: duckdb.Error) -> PathStatsError:
    """One clear sentence for DuckDB's error about a file; DuckDB's own message may quote rows."""
    words = str(error)
    if isinstance(error, duckdb.OutOfMemoryException) or "No space left" in words:
        return RunFailed(f"{file}: not enough memory or disk space to load it; free some and run again.")
    if is_ndjson(file) and (fault := fault_in_ndjson(file)):
        return SourceError(f"{file}, line {fault[0]}: {fault[1]}")
    if "reached an invalid state" in words and (number := first_other_line_end(file)):
        return SourceError(
            f"{file}, line {number}: has another line ending than line 1 (CRLF, LF or CR). "
            "Save the file with one kind."
        )
    record = re.search(r"CSV Error on Line: (\d+)", words)
    line = line_of_record(file, int(record[1])) if record else 0
    where = f"{file}, line {line}" if line else str(file)
    if line and "unterminated quote" in words and (column := unfinished_column(file, line)):
        where += f", column {column}"
    fields = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", words)
    if fields:
        found = f"{fields[2]} field{'' if fields[2] == '1' else 's'}"
        return SourceError(f"{where}: {found}, but the header has {fields[1]}. Correct the line.")
    cause = next((cause for sign, cause in _CAUSES.items() if sign in words), "damaged; deliver it again.")
    return SourceError(f"{where}: {cause}")
