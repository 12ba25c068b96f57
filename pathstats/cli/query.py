"""`pathstats query`"""

import csv
import functools
import json
import re
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pathstats.cli.options import HomeOption, RawOption, clean_up_on_sigterm, reporting_errors
from pathstats.cli.query_errors import error_sentence
from pathstats.cli.query_files import check_targets, config, damaged, lock, name_tables
from pathstats.cli.render.printable import printable_json
from pathstats.spreadsheets import as_plain_text
from pathstats.tables import reading
from schemas.errors import UsageError
from schemas.home import Home, Release, home_at

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    _Writer = Callable[[DuckDBPyRelation], None]

_SHOWN = 100
# How DuckDB begins an error of pyarrow, which reads the tables.
_OF_DAMAGE = "arrow_scan: get_next failed"
# Types with values that a spreadsheet reads correctly, though some begin with a minus.
_NO_TEXT = re.compile(
    r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?\b|DECIMAL|DOUBLE|FLOAT|BOOLEAN|DATE|TIME|INTERVAL|UUID"
)
_NO_JSON = ("NaN", "Infinity", "-Infinity")


class Shape(StrEnum):
    """How a query's answer is written."""

    table = "table"
    csv = "csv"
    json = "json"


@reporting_errors
def query(
    sql: Annotated[
        str,
        typer.Argument(help="DuckDB SQL; the release's tables go by their names. `-` reads it from stdin."),
    ],
    shape: Annotated[Shape, typer.Option("--format", help="How to write the answer.")] = Shape.table,
    raw: RawOption = False,
    allow_write: Annotated[
        bool,
        typer.Option(
            "--allow-write",
            help="Let the query read and write files, attach databases and load extensions; never in a home.",
        ),
    ] = False,
    home: HomeOption = None,
) -> None:
    """Query the live release in SQL.

    Tables: path_session_stats, step_stats, attempts, session_summary, users, path_sessions, quarantine,
    status_changes; parity if the run read a platform's own results; waivers and child_sessions if they
    have rows.
    The query can use these tables and nothing else: no files, no other databases, no network.

    Examples:

    pathstats query "SELECT user_id, next_due_at FROM path_session_stats WHERE detailed_status_type = 'late'"

    pathstats query - --format csv < examples/who_is_late.sql

    pathstats query "COPY session_summary TO 'summary.parquet'" --allow-write
    """
    clean_up_on_sigterm()
    text = sys.stdin.read() if sql == "-" else sql
    if not text.strip(" \n\t;"):
        raise UsageError("The query is empty; write SQL, for example: FROM session_summary.")
    place = home_at(home)
    write = functools.partial(_write_csv, is_raw=raw) if shape is Shape.csv else _WRITERS[shape]
    with reading(place) as release, TemporaryDirectory(prefix="pathstats-") as folder:
        _ask(release, place, text, config(Path(folder), allows_files=allow_write), write)


def _ask(release: Release, home: Home, sql: str, settings: dict[str, Any], write: "_Writer") -> None:
    from concurrent.futures import ThreadPoolExecutor

    import duckdb

    from flows.database.interruptible import interruptibly

    with duckdb.connect(config=settings) as connection, ThreadPoolExecutor(max_workers=1) as executor:
        try:
            name_tables(connection, release)
            connection.execute("SET TimeZone = 'UTC'")
            if settings["enable_external_access"] == "true":
                check_targets(connection, sql, home)
            else:
                lock(connection, sql)
            interruptibly(connection, executor, lambda: _answer(connection, sql, write))
        except duckdb.Error as error:
            if _OF_DAMAGE in str(error):
                raise damaged(release) from error
            raise UsageError(error_sentence(error, sql)) from error


def _answer(connection: "DuckDBPyConnection", sql: str, write: "_Writer") -> None:
    answer = connection.sql(sql)
    if answer is not None:
        write(answer)


def _write_table(answer: "DuckDBPyRelation") -> None:
    from pathstats.cli.render.console import show_rows

    rows = _texts(answer.limit(_SHOWN + 1), "{value}", " UTC").fetchall()
    kinds = [str(kind) for kind in answer.types]
    show_rows(answer.columns, [_is_number(kind) for kind in kinds], rows[:_SHOWN], is_all=len(rows) <= _SHOWN)


def _write_csv(answer: "DuckDBPyRelation", *, is_raw: bool) -> None:
    lines = csv.writer(sys.stdout, lineterminator="\n")
    rows = _rows(_texts(answer, "{value}", "Z"))
    if is_raw:
        lines.writerow(answer.columns)
        lines.writerows(rows)
        return
    # PIVOT makes names of columns of data.
    lines.writerow(map(as_plain_text, answer.columns))
    are_texts = [not _NO_TEXT.match(str(kind)) for kind in answer.types]
    for row in rows:
        pairs = zip(row, are_texts, strict=True)
        lines.writerow(as_plain_text(value) if is_text and value else value for value, is_text in pairs)


def _write_json(answer: "DuckDBPyRelation") -> None:
    names = answer.columns
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UsageError(f"JSON can't have two columns named {twice[0]}; rename one with AS.")
    keys = [json.dumps(name, ensure_ascii=False) for name in names]
    before = "[\n"
    for row in _rows(_texts(answer, "to_json({value})", "Z")):
        values = ("null" if value is None or value in _NO_JSON else value for value in row)
        pairs = (f"{key}: {value}" for key, value in zip(keys, values, strict=True))
        sys.stdout.write(printable_json(before + "{" + ", ".join(pairs) + "}"))
        before = ",\n"
    sys.stdout.write("[]\n" if before == "[\n" else "\n]\n")


_WRITERS = {Shape.table: _write_table, Shape.json: _write_json}


def _texts(answer: "DuckDBPyRelation", form: str, utc: str) -> "DuckDBPyRelation":
    """The answer with every value as text; times as ISO 8601, with a fraction where they have one.

    form: what is made of a value before it becomes text.
    utc:  the suffix of times in UTC.
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
