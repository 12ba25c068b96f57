"""The one place that executes SQL."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import duckdb
import polars as pl

from flows.database.interruptible import interruptibly
from flows.database.steps import logged, name_of
from flows.run_config import DEFAULT_MEMORY_LIMIT
from schemas.errors import RunFailed, WarehouseDamaged

Answer = TypeVar("Answer", bound=Sized | int)
# Values of a statement's $names. Ids and other data are passed this way, never as text of the statement.
Parameters = Mapping[str, object]

# Nothing is fetched from outside. No query relies on the order of a file: rows to be distinguished have
# their number.
CONFIG: dict[str, Any] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "preserve_insertion_order": "false",
}

HOW_TO_REBUILD = (
    "run again with a --source that delivers full tables: the run moves the file away and builds a new one."
)
# DuckDB has no error class for a damaged file; only the text of its errors shows it, with {file}.
_OF_DAMAGE = (
    "not a valid DuckDB database file",
    "database file with version number",
    "Corrupt database file",
    "replaying WAL file",
    "database has been invalidated",
    'from file "{file}"',
)
_NOT_OF_DAMAGE = ("No space left", "File too large", "Permission denied", "Out of Memory")


def quoted(text: str) -> str:
    r"""The text as an SQL string literal.

    >>> quoted("it's"), quoted("a\0b")
    ("'it''s'", "('a' || chr(0) || 'b')")
    """
    # DuckDB reads a statement only up to a NUL.
    parts = ["'" + part.replace("'", "''") + "'" for part in text.split("\0")]
    return parts[0] if len(parts) == 1 else f"({' || chr(0) || '.join(parts)})"


def identifier(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def instant(moment: datetime) -> str:
    """The moment as an SQL literal."""
    return f"TIMESTAMPTZ {quoted(moment.isoformat())}"


def file_name(file: Path) -> str:
    """The path as an SQL literal that matches only this file, whatever wildcards its name contains."""
    return quoted(re.sub(r"[\[*?]", r"[\g<0>]", str(file)))


def parquet(file: Path) -> str:
    """The file as an SQL relation."""
    return f"read_parquet({file_name(file)}, hive_partitioning = false)"


class Connection:
    """A connection to a DuckDB file, or to memory without one.

    memory_limit: such as 4GB; beyond it DuckDB works on disk, next to the file.
    """

    def __init__(self, file: Path | None = None, memory_limit: str = DEFAULT_MEMORY_LIMIT) -> None:
        self._file = file
        try:
            self._connection = duckdb.connect(
                str(file) if file else ":memory:", config=CONFIG | {"memory_limit": memory_limit}
            )
        except duckdb.Error as error:
            raise _unopened(file, error) from error
        self._is_in_transaction = False
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="duckdb")
        # Times without an offset are never read in the machine's time zone.
        self.execute("SET TimeZone = 'UTC'")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._worker.shutdown()
        self._connection.close()

    def execute(self, sql: str, parameters: Parameters | None = None) -> None:
        """Execute a statement. sql: here as in all methods a `Step`, or plain text."""
        self._run(sql, lambda: _changed(self._connection.execute(sql, parameters)))

    def execute_all(self, statements: Iterable[str]) -> None:
        """Execute statements one after the other."""
        for sql in statements:
            self.execute(sql)

    def rows(self, sql: str, parameters: Parameters | None = None) -> list[tuple[Any, ...]]:
        return self._run(sql, lambda: self._connection.execute(sql, parameters).fetchall())

    def value(self, sql: str, parameters: Parameters | None = None) -> Any:
        return self.rows(sql, parameters)[0][0]

    def frame(self, sql: str, parameters: Parameters | None = None) -> pl.DataFrame:
        """The result of the query as a polars frame."""
        # As a pyarrow table, because its threads convert in parallel; without pyarrow a single one does.
        table = self._run(sql, lambda: self._connection.sql(sql, params=parameters).to_arrow_table())
        # Rechunking would copy it.
        return cast(pl.DataFrame, pl.from_arrow(table, rechunk=False))

    @contextmanager
    def lent(self, name: str, frame: pl.DataFrame) -> Iterator[None]:
        """Register the frame under the name for the statements inside."""
        self._connection.register(name, frame.to_arrow())
        try:
            yield
        finally:
            self._connection.unregister(name)

    def tables(self) -> set[str]:
        """The names of all tables there are."""
        return {name for (name,) in self.rows("SELECT table_name FROM duckdb_tables()")}

    def columns(self, table: str) -> list[str]:
        return [name for name, *_ in self.rows(f"DESCRIBE {table}")]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Execute all of the statements inside, or none; a nested one is part of the outer one."""
        if self._is_in_transaction:
            yield
            return
        self.execute("BEGIN")
        self._is_in_transaction = True
        try:
            yield
        except BaseException:
            # On a damaged file the transaction has ended already; raise the error that reported it.
            with suppress(duckdb.Error, WarehouseDamaged):
                self.execute("ROLLBACK")
            raise
        finally:
            self._is_in_transaction = False
        self.execute("COMMIT")

    def _run(self, sql: str, work: Callable[[], Answer]) -> Answer:
        try:
            return logged(name_of(sql), lambda: interruptibly(self._connection, self._worker, work))
        except duckdb.Error as error:
            if self._file and _tells_of_damage(error, self._file):
                raise WarehouseDamaged(_damaged(self._file)) from error
            raise


def _changed(result: duckdb.DuckDBPyConnection) -> int:
    """How many rows a statement inserted, updated or deleted; 0 for one that does none of these."""
    row = result.fetchone()
    return int(row[0]) if row and isinstance(row[0], int) else 0


def _unopened(file: Path | None, error: duckdb.Error) -> RunFailed:
    if file and _tells_of_damage(error, file):
        return WarehouseDamaged(_damaged(file))
    if "Could not set lock" in str(error):
        return RunFailed(f"The warehouse {file} is open in another program; close it there and run again.")
    # The file may be intact.
    return RunFailed(
        f"The warehouse {file} can't be opened ({type(error).__name__}). Mend that and run again, or move it "
        "away: a run with a --source builds a new one."
    )


def _damaged(file: Path) -> str:
    return f"The warehouse {file} is damaged; {HOW_TO_REBUILD}"


def _tells_of_damage(error: duckdb.Error, file: Path) -> bool:
    text = str(error)
    return any(words.format(file=file) in text for words in _OF_DAMAGE) and not any(
        words in text for words in _NOT_OF_DAMAGE
    )
