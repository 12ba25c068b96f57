"""Load a source's file into a staging table: validated, keyed, deduplicated."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import duckdb
import polars as pl

from flows.database.connection import Connection, identifier, quoted
from flows.database.steps import Step
from flows.files.file_scan import Scan, present_keys, scan, unreadable
from flows.sources.base import DataWarning, Extract
from flows.staging.contract_sql import (
    ADDED_BY_THE_CHECK,
    DUCKDB_TYPES,
    checked_select,
    columns,
    key_text,
    rejection,
)
from flows.staging.deduplication import hashes_of_keys, surplus_rows
from flows.staging.surrogate_keys import by_id, keyed, new_keys, stored_name
from schemas.columns import Table, table_name
from schemas.errors import SourceError
from schemas.inputs import INPUTS, OPTIONAL

TABLES = (
    Step(
        'CREATE TABLE IF NOT EXISTS rejected ("table" VARCHAR, "key" VARCHAR, reason VARCHAR, '
        "detail VARCHAR, row VARCHAR, row_in_file BIGINT, is_full BOOLEAN)",
        name="declare rejected rows",
    ),
)
_MAY_BE_EMPTY = ("step_activity", *map(table_name, OPTIONAL))
# The number of unknown columns that a warning names.
_NAMED_COLUMNS = 10


@dataclass(frozen=True)
class Counts:
    """Counts of the rows of an extract: read = stored + deduplicated + rejected.

    pending: rows of the whole table with a missing reference; they are stored.
    misspelt: ignored columns that are perhaps missing columns under another name.
    warnings: sentences about the data that a person should know, with the table in front.
    implausible: such sentences about rows that keep the contract and are hardly meant so.
    columns: the contract's columns that the extraction has.
    """

    read: int
    stored: int
    deduplicated: int
    rejected: int
    pending: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    ignored_columns: tuple[str, ...] = ()
    misspelt: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    implausible: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def rejected_share(self) -> float:
        return self.rejected / self.read if self.read else 0.0


def staging_table(model: type[Table], *, is_full: bool) -> str:
    """The name of the staging table of a full extract, or of changes."""
    return f"staging_{'full' if is_full else 'changes'}_{table_name(model)}"


def stored_types(model: type[Table]) -> dict[str, str]:
    """The DuckDB type of each column of a stored table."""
    return {
        stored_name(name): "UINTEGER" if stored_name(name) != name else DUCKDB_TYPES[str(declared.dtype)]
        for name, declared in model.to_schema().columns.items()
    }


def discard_staging_tables(connection: Connection) -> None:
    """Drop what an earlier, unfinished run left behind."""
    tables = (staging_table(model, is_full=is_full) for model in INPUTS for is_full in (True, False))
    connection.execute_all(
        [
            *(Step(f"DROP TABLE IF EXISTS {table}", name=f"drop {table}") for table in tables),
            Step("DELETE FROM rejected", name="clear rejected rows"),
        ]
    )


def load(connection: Connection, model: type[Table], extract: Extract) -> Counts:
    """Load an extract into its staging table, and its rejected rows into `rejected`.

    Raises: SourceError, naming the file and the line or column that can't be read.
    """
    wanted = list(model.to_schema().columns)
    found = scan(connection, extract.file, wanted)
    try:
        present = present_keys(connection, found, wanted)
        types = {name: kind for name, kind in found.types.items() if name in present}
        checked = columns(model, types, found.found)
        ignored = tuple(found.unknown)
        misspelt = _misspelt(ignored, [column.name for column in checked if column.found is None])
        absent = [column.name for column in checked if column.required and column.found is None]
        if absent:
            hint = "".join(f" Is it {name}?" for name, meant in misspelt.items() if meant in absent)
            raise SourceError(
                f"{extract.file}: table {table_name(model)} must have column {', '.join(absent)}.{hint}"
            )
        table = staging_table(model, is_full=extract.is_full)
        read = _read(connection, model, checked_select(model, found, checked), table)
    except duckdb.Error as error:
        raise unreadable(extract.file, error) from error
    if read == 0 and extract.is_full and table_name(model) not in _MAY_BE_EMPTY:
        raise SourceError(
            f"{extract.file}: table {table_name(model)} is empty; nothing could be published from it."
        )
    deduplicated = _deduplicate(connection, model, table)
    rejected = _move_rejected(connection, model, found, read, is_full=extract.is_full)
    connection.execute(
        Step(f"ALTER TABLE {table} DROP COLUMN rejection", name=f"drop the rejections of {table}")
    )
    return Counts(
        read,
        read - deduplicated - sum(rejected.values()),
        deduplicated,
        sum(rejected.values()),
        reasons=rejected,
        examples=_examples(connection, table_name(model), is_full=extract.is_full) if rejected else (),
        ignored_columns=ignored,
        misspelt=misspelt,
        warnings=(str(unknown_columns(extract.name, ignored, misspelt)),) if ignored else (),
        columns=tuple(name for name in wanted if name in present),
    )


def drop_row_numbers(connection: Connection, model: type[Table], *, is_full: bool) -> None:
    """Leave only the contract's columns in a staging table; until then rows can be named by their number."""
    table = staging_table(model, is_full=is_full)
    connection.execute(
        Step(
            f"ALTER TABLE {table} DROP COLUMN IF EXISTS row_in_file", name=f"drop the row numbers of {table}"
        )
    )


def _misspelt(ignored: Sequence[str], absent: Sequence[str]) -> dict[str, str]:
    """Ignored columns that may be misspelt, each with the missing column it resembles.

    >>> _misspelt(["archived", "enroled_at", "shoe"], ["archived_at", "enrolled_at"])
    {'archived': 'archived_at', 'enroled_at': 'enrolled_at'}
    """
    alike = {name: get_close_matches(name.lower(), absent, n=1, cutoff=0.8) for name in ignored}
    return {name: meant[0] for name, meant in alike.items() if meant}


def unknown_columns(table: str, names: Sequence[str], misspelt: dict[str, str]) -> DataWarning:
    """The warning that columns outside the contract are ignored; of many columns the first ten are named.

    >>> print(unknown_columns("users", ["shoe", "enroled_at"], {"enroled_at": "enrolled_at"}))
    users: 2 unknown columns are ignored: shoe, enroled_at. Is enroled_at meant to be enrolled_at?
    """
    named = ", ".join(name[:60] for name in names[:_NAMED_COLUMNS])
    more = f" and {len(names) - _NAMED_COLUMNS:,} more" if len(names) > _NAMED_COLUMNS else ""
    count = "1 unknown column is" if len(names) == 1 else f"{len(names):,} unknown columns are"
    hints = (f" Is {name} meant to be {meant}?" for name, meant in misspelt.items())
    return DataWarning(table, f"{count} ignored: {named}{more}.{''.join(hints)}")


def _read(connection: Connection, model: type[Table], rows: str, table: str) -> int:
    """Read the file: typed, checked, and with keys in place of ids; the number of its rows."""
    connection.execute(Step(f"CREATE OR REPLACE TEMP TABLE read AS {rows}", name=f"read {table}"))
    connection.execute_all(new_keys(model, "FROM read WHERE rejection IS NULL"))
    _declare(connection, table, stored_types(model) | ADDED_BY_THE_CHECK)
    insert = f"INSERT INTO {table} BY NAME {keyed(model, 'FROM read')}"
    return int(connection.value(Step(insert, name=f"replace the ids of {table} by keys")))


def _declare(connection: Connection, table: str, types: dict[str, str]) -> None:
    # Don't compress text: it has high entropy or is dropped before the run ends, so compression costs more
    # than the I/O it saves.
    declared = ", ".join(
        f"{identifier(name)} {kind}{' USING COMPRESSION uncompressed' if kind == 'VARCHAR' else ''}"
        for name, kind in types.items()
    )
    connection.execute(Step(f"CREATE OR REPLACE TABLE {table} ({declared})", name=f"declare {table}"))


def _deduplicate(connection: Connection, model: type[Table], table: str) -> int:
    """Deduplicate or reject rows with repeated keys; the number of deduplicated ones."""
    rows = connection.frame(Step(hashes_of_keys(model, table), name=f"hash the keys of {table}"))
    hashes = rows["hash"].sort()
    repeated = hashes.filter(hashes == hashes.shift(1)).unique()
    if repeated.is_empty():
        return 0
    with connection.lent("suspects", rows.filter(pl.col("hash").is_in(repeated.implode()))):
        connection.execute(
            Step(
                f"CREATE OR REPLACE TEMP TABLE surplus AS {surplus_rows(model, table, 'suspects')}",
                name=f"find rows of {table} with repeated keys",
            )
        )
    problem = quoted("duplicate_key:other rows have the same key and other content")
    rejected = rejection(problem, key_text(model), row_as_json(model))
    connection.execute_all(
        [
            Step(
                f"DELETE FROM {table} WHERE row_in_file IN (SELECT row_id FROM surplus WHERE is_duplicate)",
                name=f"deduplicate {table}",
            ),
            Step(
                f"UPDATE {table} SET rejection = s.rejection "
                f"FROM (SELECT row_in_file, {rejected} AS rejection FROM ({by_id(model, table)}) "
                "WHERE row_in_file IN (SELECT row_id FROM surplus)) AS s "
                f"WHERE {table}.row_in_file = s.row_in_file",
                name=f"reject rows of {table} with the same key and other content",
            ),
        ]
    )
    count = Step("SELECT count(*) FROM surplus WHERE is_duplicate", name="count deduplicated rows")
    return int(connection.value(count))


def _move_rejected(
    connection: Connection, model: type[Table], found: Scan, read: int, *, is_full: bool
) -> dict[str, int]:
    """Move the rejected rows out of the staging table; the number of them by reason."""
    table, name = staging_table(model, is_full=is_full), quoted(table_name(model))
    rows = connection.rows(
        Step(
            f"SELECT row_in_file FROM {table} WHERE rejection IS NOT NULL ORDER BY 1",
            name=f"find the rejected rows of {table}",
        )
    )
    if not rows:
        return {}
    place = found.places(connection, [row for (row,) in rows], read, "row_in_file")
    detail = f"substr(problem, instr(problem, ':') + 1) || ' (' || {place} || ')'"
    # The row may be rejected for a NUL in its key, which text can't contain.
    key = "replace(rejection.key, chr(0), '\\0')"
    connection.execute_all(
        [
            Step(
                f"INSERT INTO rejected SELECT {name}, {key}, split_part(problem, ':', 1), {detail}, "
                f"rejection.row, row_in_file, {is_full} "
                f"FROM (SELECT rejection.problem AS problem, * FROM {table} "
                "WHERE rejection IS NOT NULL)",
                name=f"keep the rejected rows of {table}",
            ),
            Step(
                f"DELETE FROM {table} WHERE rejection IS NOT NULL",
                name=f"remove the rejected rows from {table}",
            ),
        ]
    )
    reasons = connection.rows(
        Step(
            f'SELECT reason, count(*) FROM rejected WHERE "table" = {name} AND is_full = {is_full} '
            "GROUP BY 1 ORDER BY 2 DESC, 1",
            name=f"count the rejected rows of {table} by reason",
        )
    )
    return dict(reasons)


def _examples(connection: Connection, table: str, *, is_full: bool) -> tuple[str, ...]:
    """One line per reason: which column, and the first row that has it."""
    return tuple(
        f"{reason}: {detail}"
        for reason, detail in connection.rows(
            Step(
                "SELECT reason, first(detail ORDER BY row_in_file) FROM rejected "
                f'WHERE "table" = {quoted(table)} AND is_full = {is_full} GROUP BY 1 ORDER BY 1',
                name=f"find an example of each rejection of {table}",
            )
        )
    )


def row_as_json(model: type[Table]) -> str:
    """The row as the contract's columns, ids as text."""
    pairs = ", ".join(f"{quoted(name)}: {identifier(name)}" for name in model.to_schema().columns)
    return f"to_json({{{pairs}}})"
