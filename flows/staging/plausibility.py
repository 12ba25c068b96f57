"""Plausibility warnings: each row keeps the contract, but the values are unlikely to be meant that way.

A warning is one line with the column, how many rows it concerns, and the number of one of them in its file.
It blocks a run only if the run is strict.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from flows.database.connection import Connection, instant
from flows.sources.base import DataWarning, Extract
from flows.staging import load
from flows.staging.load import Counts, staging_table
from schemas.inputs import model_of

_TIMES = {
    "path_sessions": ("starts_at",),
    "enrollments": ("enrolled_at", "archived_at"),
    "step_activity": ("started_at", "last_activity_at", "completed_at"),
}
_PERCENTAGES = {"step_activity": ("score", "progress"), "path_steps": ("min_score",)}
# How long after as_of a time is plausible. Activity is often taken a little later than the run's instant;
# enrollments and unenrollments are planned.
_PLANNED = {"step_activity": timedelta(days=1), "enrollments": timedelta(days=365)}
_LAST = datetime.max.replace(tzinfo=UTC)
_LONG_BEFORE = "INTERVAL 30 DAY"
# Clocks differ, and platforms round.
_CLOCK_SLACK_MS = 60_000
_SPENT_MS = "epoch_ms(greatest(last_activity_at, completed_at)) - epoch_ms(started_at)"
_MANY_ATTEMPTS = 100
_MANY_USERS = 5
# A property that all rows share means something only from this many rows on: in a full table, in changes.
_FEWEST_SCORES = {True: 3, False: 50}
_FEWEST_TIMES = {True: 10, False: 50}


def loaded_with_warnings(connection: Connection, extract: Extract, as_of: datetime) -> Counts:
    """Load a table and add its plausibility warnings to the counts."""
    counts = load.load(connection, model_of(extract.table), extract)
    return replace(counts, implausible=tuple(implausible(connection, extract, as_of)))


def implausible(connection: Connection, extract: Extract, as_of: datetime) -> list[str]:
    """The plausibility warnings about a loaded table, before it is merged.

    Sessions and enrollments are the ones loaded earlier in the same run, else the warehouse's.
    """
    table = staging_table(model_of(extract.table), is_full=extract.is_full)
    whole = _whole_table(connection, table, extract)
    found = [*_single_rows(connection, table, extract, as_of), *whole, *_groups(connection, table, extract)]
    return [str(DataWarning(extract.name, text)) for text in found]


def _single_rows(connection: Connection, table: str, extract: Extract, as_of: datetime) -> Iterator[str]:
    """Rows that are implausible one by one."""
    tests = dict(_tests(extract.table, as_of))
    yield from _matching(connection, table, tests)
    if extract.table == "step_activity":
        yield from _long_before(connection, table)


def _tests(table: str, as_of: datetime) -> Iterator[tuple[str, str]]:
    """(warning, SQL condition) for the rows of a table."""
    for column in _TIMES.get(table, ()):
        yield f"{column} is before the year 2000", f"{column} < TIMESTAMPTZ '2000-01-01 00:00:00+00'"
        if ahead := _PLANNED.get(table):
            latest = instant(as_of + ahead if as_of < _LAST - ahead else _LAST)
            days = "a day" if ahead.days == 1 else f"{ahead.days} days"
            yield f"{column} is more than {days} after as_of", f"{column} > {latest}"
    if table == "step_activity":
        words = "time_spent_ms is more than the time between start and last activity"
        yield words, f"time_spent_ms > {_SPENT_MS} + {_CLOCK_SLACK_MS}"


def _long_before(connection: Connection, table: str) -> Iterator[str]:
    """Attempts of enrolled learners that were completed long before the session or the enrollment started."""
    sessions = _known(connection, "path_sessions", "session_key, starts_at")
    enrollments = _known(connection, "enrollments", "session_key, user_key, enrolled_at")
    if not (sessions and enrollments):
        return
    # DuckDB subtracts days from a time with its calendar: doing so for each attempt takes five times as long.
    limits = f"""
        SELECT session_key, user_key, starts_at - {_LONG_BEFORE} AS before_start,
          min(enrolled_at) - {_LONG_BEFORE} AS before_enrollment
        FROM ({enrollments}) JOIN ({sessions}) USING (session_key)
        GROUP BY session_key, user_key, starts_at"""
    events = {"the session starts": "before_start", "the learner was enrolled": "before_enrollment"}
    yield from _matching(
        connection,
        f"{table} JOIN ({limits}) USING (session_key, user_key)",
        {
            f"completed_at is more than 30 days before {event}": f"completed_at < {limit}"
            for event, limit in events.items()
        },
    )


def _known(connection: Connection, table: str, columns: str) -> str:
    """The query for a table's rows as this run will have them; empty before the table first arrives."""
    there = connection.tables()
    whole = [name for name in (staging_table(model_of(table), is_full=True), table) if name in there][:1]
    changes = [name for name in (staging_table(model_of(table), is_full=False),) if name in there]
    return " UNION ALL ".join(f"SELECT {columns} FROM {name}" for name in [*whole, *changes])


def _matching(connection: Connection, rows: str, tests: dict[str, str]) -> Iterator[str]:
    """A warning for each test that rows of a relation meet; all tests in one scan."""
    if not tests:
        return
    counts = ", ".join(f"count(*) FILTER ({it}), min(row_in_file) FILTER ({it})" for it in tests.values())
    found = connection.rows(f"SELECT {counts} FROM {rows}")[0]
    for text, count, row in zip(tests, found[::2], found[1::2], strict=True):
        if count:
            yield f"{text} {_in_rows(count, row)}"


def _whole_table(connection: Connection, table: str, extract: Extract) -> Iterator[str]:
    """Warnings about properties that all rows share, which is rarely intended."""
    for column in _PERCENTAGES.get(extract.table, ()):
        # Each company has its own scale.
        for most, count, row in connection.rows(
            f"SELECT max({column}), count({column}) AS n, arg_max(row_in_file, {column}) FROM {table} "
            f"GROUP BY company_key HAVING n >= {_FEWEST_SCORES[extract.is_full]} "
            f"AND max({column}) BETWEEN 1e-9 AND 1 ORDER BY 3"
        ):
            words = f"{column} never exceeds {most:g}; it is a percentage, 0 to 100"
            yield f"{words} {_in_rows(count, row)}"
    # The days of a session are often planned as such.
    for column in _TIMES[extract.table] if extract.table in _PLANNED else ():
        others = f"count(*) FILTER (epoch_us({column}) % 86400000000 <> 0)"
        select = f"SELECT count({column}), {others}, min(row_in_file) FROM {table}"
        count, elsewhen, row = connection.rows(select)[0]
        if count >= _FEWEST_TIMES[extract.is_full] and not elsewhen:
            yield f"{column} is at midnight UTC in every row, as if times were cut off {_in_rows(count, row)}"
    if extract.table == "step_activity" and extract.is_full:
        select = f"SELECT count(*), count(session_key), min(row_in_file) FROM {table}"
        count, named, row = connection.rows(select)[0]
        if count and not named:
            yield f"session_id is empty in every row: no attempt was made in a session {_in_rows(count, row)}"


def _groups(connection: Connection, table: str, extract: Extract) -> Iterator[str]:
    """Groups with implausibly many rows."""
    group = ""
    if extract.table == "step_activity":
        # Few learners have so many attempts at all: counting by step only theirs takes a tenth of the time.
        busy = f"SELECT user_key FROM {table} GROUP BY user_key HAVING count(*) > {_MANY_ATTEMPTS}"
        group = f"user_key IN ({busy}) GROUP BY user_key, step_key HAVING n > {_MANY_ATTEMPTS}"
        text = f"user_id has more than {_MANY_ATTEMPTS} attempts at one step_id"
    if extract.table == "users":
        group = f"trim(email) <> '' GROUP BY company_key, lower(trim(email)) HAVING n > {_MANY_USERS}"
        text = f"email is shared by more than {_MANY_USERS} users"
    if group:
        groups = f"SELECT count(*) AS n, min(row_in_file) AS row FROM {table} WHERE {group}"
        count, row = connection.rows(f"SELECT sum(n), min(row) FROM ({groups})")[0]
        if count:
            yield f"{text} {_in_rows(count, row)}"


def _in_rows(count: int, row: int) -> str:
    """How many rows, and where to look.

    >>> _in_rows(1, 7), _in_rows(1200, 7)
    ('(1 row: row 7).', '(1,200 rows, e.g. row 7).')
    """
    return f"(1 row: row {row:,})." if count == 1 else f"({count:,} rows, e.g. row {row:,})."
