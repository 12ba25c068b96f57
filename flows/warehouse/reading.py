"""How a table's file is read: as DuckDB finds it, nothing converted, nothing guessed."""

import csv
import gzip
import json
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import duckdb

from flows.warehouse.duck import Duck, identifier, quoted
from schemas.errors import SourceError

ROW_IN_FILE = "row in file"
FORMATS = (".parquet", ".csv", ".csv.gz", ".ndjson", ".ndjson.gz")


@dataclass(frozen=True)
class Scan:
    """A file as an SQL relation, with the DuckDB type of each of its columns.

    numbered: the same relation with ROW_IN_FILE, counted from 1; joins and threads lose the file's order.
    """

    sql: str
    numbered: str
    types: dict[str, str]

    @property
    def is_json(self) -> bool:
        return "JSON" in self.types.values()


def scan(duck: Duck, file: Path, wanted: list[str]) -> Scan:
    """How to read the file.

    wanted: the columns to look for in NDJSON, where a key may be absent from any row.
    Raises: SourceError if it is missing, empty, damaged or of an unknown format.
    """
    if not file.is_file():
        raise SourceError(f"{file}: there is no such file.")
    if file.name.endswith(".gz"):
        _verify_gzip(file)
    if file.name.endswith(".parquet"):
        return _parquet(duck, file)
    if file.name.endswith((".csv", ".csv.gz")):
        return _csv(file)
    if file.name.endswith((".ndjson", ".ndjson.gz")):
        return _ndjson(file, wanted)
    raise SourceError(f"{file}: unknown format; it must be one of {', '.join(FORMATS)}.")


def _parquet(duck: Duck, file: Path) -> Scan:
    sql = f"read_parquet({quoted(str(file))})"
    numbered = (
        f"(SELECT file_row_number + 1 AS {identifier(ROW_IN_FILE)}, * EXCLUDE (file_row_number) "
        f"FROM read_parquet({quoted(str(file))}, file_row_number = true))"
    )
    try:
        return Scan(sql, numbered, {name: kind for name, kind, *_ in duck.rows(f"DESCRIBE FROM {sql}")})
    except duckdb.Error as error:
        raise unreadable(file, error) from error


def _csv(file: Path) -> Scan:
    with _text(file) as lines:
        try:
            header = next(csv.reader(lines), [])
        except (UnicodeDecodeError, csv.Error) as error:
            raise SourceError(f"{file}, line 1: the header is not UTF-8 text separated by commas.") from error
    if not header:
        raise SourceError(f"{file}: the file is empty; line 1 must name the columns.")
    repeated = {name for name in header if header.count(name) > 1}
    if repeated:
        raise SourceError(f"{file}, line 1: column {min(repeated)} stands there more than once.")
    columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in header)
    sql = (
        f"read_csv({quoted(str(file))}, columns = {{{columns}}}, auto_detect = false, header = true, "
        "delim = ',', quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = true, "
        "strict_mode = true)"
    )
    return Scan(sql, _numbered(sql), dict.fromkeys(header, "VARCHAR"))


def _ndjson(file: Path, wanted: list[str]) -> Scan:
    names = dict.fromkeys([*wanted, *_keys_of_first_row(file)])
    columns = ", ".join(f"{quoted(name)}: 'JSON'" for name in names)
    sql = (
        f"read_json({quoted(str(file))}, columns = {{{columns}}}, format = 'newline_delimited', "
        "maximum_object_size = 67108864)"
    )
    return Scan(sql, _numbered(sql), dict.fromkeys(names, "JSON"))


def _numbered(sql: str) -> str:
    return f"(SELECT row_number() OVER () AS {identifier(ROW_IN_FILE)}, * FROM {sql})"


def _keys_of_first_row(file: Path) -> list[str]:
    with _text(file) as lines:
        try:
            first = json.loads(next((line for line in lines if line.strip()), "{}"))
        except ValueError as error:
            raise SourceError(f"{file}, line 1: not a JSON object.") from error
    if not isinstance(first, dict):
        raise SourceError(f"{file}, line 1: not a JSON object.")
    return list(first)


def present_keys(duck: Duck, found: Scan, wanted: list[str]) -> set[str]:
    """Which of the wanted columns the file has: for NDJSON, those that some row holds."""
    if not found.is_json:
        return set(wanted) & set(found.types)
    seen = ", ".join(f"count({identifier(name)})" for name in wanted)
    counts = duck.rows(f"SELECT count(*), {seen} FROM {found.sql}")[0]
    return (
        set(wanted) if counts[0] == 0 else {n for n, count in zip(wanted, counts[1:], strict=True) if count}
    )


def _text(file: Path) -> IO[str]:
    if file.name.endswith(".gz"):
        return gzip.open(file, "rt", encoding="utf-8-sig", newline="")
    return open(file, encoding="utf-8-sig", newline="")


def _verify_gzip(file: Path) -> None:
    """Read to the end: DuckDB takes a truncated .gz for a shorter file."""
    try:
        with gzip.open(file) as stream:
            while stream.read(1 << 22):
                pass
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{file}: the gzip file is damaged or truncated; deliver it again.") from error


def unreadable(file: Path, error: duckdb.Error) -> SourceError:
    """One clear sentence for what DuckDB says of a file; its own words may quote rows, so they stay out."""
    words = str(error)
    line = re.search(r"CSV Error on Line: (\d+)|in line (\d+)", words)
    where = f"{file}, line {next(filter(None, line.groups()))}" if line else str(file)
    columns = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", words)
    if columns:
        return SourceError(f"{where}: {columns[2]} fields where the header has {columns[1]}. Mend the line.")
    known = {
        "unterminated quote": "a quoted value does not end. Mend the line.",
        "quote": "a quote inside an unquoted value, or text after a closing quote. Mend the line.",
        "Invalid unicode": "not UTF-8 text. Save the file as UTF-8.",
        "Malformed JSON": "not valid JSON. Mend the line.",
        "Parquet": "not a parquet file, or a truncated one; deliver it again.",
        "magic bytes": "not a parquet file, or a truncated one; deliver it again.",
        "ermission": "can't be read; give this user the right to read it.",
    }
    cause = next((text for sign, text in known.items() if sign in words), "damaged; deliver it again.")
    return SourceError(f"{where}: {cause}")
