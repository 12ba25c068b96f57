"""`pathstats query`"""

import csv
import json
import re
import sys
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pathstats import settings
from pathstats.cli.options import HomeOption, reporting_errors
from pathstats.scanning import latest_release
from schemas.errors import ReleaseDamaged, UsageError
from schemas.home import Release

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

_SHOWN = 100
# What DuckDB says of a file that is no whole parquet file.
_OF_DAMAGE = ("magic bytes", "too small to be a Parquet file")
_NO_JSON = ("NaN", "Infinity", "-Infinity")


class Shape(StrEnum):
    """How a query's answer is written."""

    table = "table"
    csv = "csv"
    json = "json"


@reporting_errors
def query(
    sql: Annotated[str, typer.Argument(help="DuckDB SQL; the release's tables go by their names.")],
    shape: Annotated[Shape, typer.Option("--format", help="How to write the answer.")] = Shape.table,
    home: HomeOption = None,
) -> None:
    """Ask the latest release in SQL.

    Tables: path_session_stats, step_stats, session_summary, users, path_sessions, quarantine, status_changes;
    parity where the night read a platform's own answers; waivers and child_sessions where there are some.

    Examples:

    pathstats query "SELECT user_id, next_due_at FROM path_session_stats WHERE detailed_status_type = 'late'"

    pathstats query "SELECT field, new_value, cause, count(*) FROM status_changes GROUP BY ALL"
    """
    release = latest_release(settings.home(home))
    from concurrent.futures import ThreadPoolExecutor

    import duckdb

    from flows.warehouse.interrupting import interruptibly

    with (
        duckdb.connect(config={"autoinstall_known_extensions": "false"}) as connection,
        ThreadPoolExecutor(max_workers=1) as aside,
    ):
        try:
            _name_tables(connection, release)
            interruptibly(connection, aside, lambda: _answer(connection, sql, shape))
        except duckdb.Error as error:
            if any(words in str(error) for words in _OF_DAMAGE):
                raise ReleaseDamaged(
                    f"A table of release {release.folder.name} can't be read; `pathstats verify` names it."
                ) from error
            raise UsageError(f"DuckDB can't run this query: {_without_data(error)}") from error


def _answer(connection: "DuckDBPyConnection", sql: str, shape: Shape) -> None:
    answer = connection.sql(sql)
    if answer is not None:
        _WRITERS[shape](answer)
    elif not sql.strip(" \n\t;"):
        raise UsageError("The query is empty; write SQL, for example: FROM session_summary.")


def _name_tables(connection: "DuckDBPyConnection", release: Release) -> None:
    connection.execute("SET TimeZone = 'UTC'")
    for table in release.tables():
        file = str(release.table(table)).replace("'", "''")
        connection.execute(f"CREATE VIEW {table} AS FROM read_parquet('{file}', hive_partitioning = false)")


def _without_data(error: Exception) -> str:
    """What DuckDB says, without values that it quotes and, below an empty line, its drawing of the query."""
    import duckdb

    words = " ".join(str(error).partition("\n\n")[0].split())
    of_the_query = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)
    return words if isinstance(error, of_the_query) else re.sub("['\"].*['\"]", "'…'", words)


def _write_table(answer: "DuckDBPyRelation") -> None:
    from pathstats.cli.screen import show_rows

    rows = _texts(answer.limit(_SHOWN + 1), "{value}", " UTC").fetchall()
    kinds = [str(kind) for kind in answer.types]
    show_rows(answer.columns, [_is_number(kind) for kind in kinds], rows[:_SHOWN], is_all=len(rows) <= _SHOWN)


def _write_csv(answer: "DuckDBPyRelation") -> None:
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow(answer.columns)
    lines.writerows(_rows(_texts(answer, "{value}", "Z")))


def _write_json(answer: "DuckDBPyRelation") -> None:
    names = answer.columns
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UsageError(f"JSON can't hold two columns named {twice[0]}; give one another name with AS.")
    keys = [json.dumps(name, ensure_ascii=False) for name in names]
    before = "[\n"
    for row in _rows(_texts(answer, "to_json({value})", "Z")):
        values = ("null" if value is None or value in _NO_JSON else value for value in row)
        pairs = (f"{key}: {value}" for key, value in zip(keys, values, strict=True))
        sys.stdout.write(before + "{" + ", ".join(pairs) + "}")
        before = ",\n"
    sys.stdout.write("[]\n" if before == "[\n" else "\n]\n")


_WRITERS = {Shape.table: _write_table, Shape.csv: _write_csv, Shape.json: _write_json}


def _texts(answer: "DuckDBPyRelation", form: str, utc: str) -> "DuckDBPyRelation":
    """The answer with every value as text; times as ISO 8601, with a fraction where they have one.

    form: what is made of a value before it becomes text.
    utc:  how a time says that it is UTC.
    """
    columns = []
    for place, kind in enumerate(answer.types, 1):
        value = f"#{place}"
        if str(kind) == "TIMESTAMP WITH TIME ZONE":
            form_of_time = f"%Y-%m-%d{'T' if utc == 'Z' else ' '}%H:%M:%S.%f"
            value = f"rtrim(rtrim(strftime({value}, '{form_of_time}'), '0'), '.') || '{utc}'"
        columns.append(f"CAST({form.format(value=value)} AS VARCHAR) AS c{place}")
    return answer.project(", ".join(columns))


def _rows(answer: "DuckDBPyRelation") -> Iterator[tuple[str | None, ...]]:
    while rows := answer.fetchmany(10_000):
        yield from rows


def _is_number(kind: str) -> bool:
    return kind.endswith("INT") or kind.startswith(("INTEGER", "UINTEGER", "DOUBLE", "FLOAT", "DECIMAL"))
