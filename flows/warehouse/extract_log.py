"""The last full extract and the last changes of each table: when they were extracted, and their content."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from flows.database.connection import Connection, quoted
from flows.database.steps import Step
from flows.sources.base import AppliedChanges, Extract, WarehouseState

TABLES = (
    Step(
        'CREATE TABLE IF NOT EXISTS extracted ("table" VARCHAR, data_as_of VARCHAR, is_full BOOLEAN, '
        "content VARCHAR)",
        name="declare the log of extracts",
    ),
)


class _Entry(NamedTuple):
    """The recorded last extract of a table. data_as_of: null for changes before a full table."""

    data_as_of: str | None
    content: str | None


def _entries(connection: Connection) -> dict[tuple[str, bool], _Entry]:
    """The last full extract (true) and the last changes (false) of each table."""
    rows = connection.rows(
        Step('SELECT "table", is_full, data_as_of, content FROM extracted', name="read the log of extracts")
    )
    return {(table, is_full): _Entry(at, content) for table, is_full, at, content in rows}


def delivered_tables(connection: Connection) -> set[str]:
    """The tables that have been extracted at least once."""
    return {table for table, _ in _entries(connection)}


def warehouse_state(connection: Connection) -> WarehouseState:
    """The tables that are stored already, and when they were extracted."""
    entries = _entries(connection)
    moments = {of: datetime.fromisoformat(it.data_as_of) for of, it in entries.items() if it.data_as_of}
    taken_at: dict[str, datetime] = {}
    for (table, _), at in moments.items():
        taken_at[table] = max(at, taken_at.get(table, at))
    return WarehouseState(
        {table: at for (table, is_full), at in moments.items() if is_full},
        taken_at,
        {table: it.content for (table, is_full), it in entries.items() if is_full and it.content},
        {
            table: AppliedChanges(it.content, are_in_whole=it.data_as_of is None)
            for (table, is_full), it in entries.items()
            if not is_full and it.content
        },
    )


def record(connection: Connection, extracts: Iterable[Extract]) -> None:
    """Record extracts. Of changes before a full table only the content is kept, to recognize them."""
    entries = _entries(connection)
    for extract in extracts:
        if extract.is_full and (changes := entries.pop((extract.table, False), None)):
            entries[extract.table, False] = changes._replace(data_as_of=None)
        entries[extract.table, extract.is_full] = _Entry(extract.data_as_of.isoformat(), extract.content)
    values = (
        f"({quoted(table)}, {_or_null(it.data_as_of)}, {is_full}, {_or_null(it.content)})"
        for (table, is_full), it in entries.items()
    )
    if entries:
        connection.execute(Step("DELETE FROM extracted", name="clear the log of extracts"))
        connection.execute(
            Step(f"INSERT INTO extracted VALUES {', '.join(values)}", name="write the log of extracts")
        )


def _or_null(text: str | None) -> str:
    return "NULL" if text is None else quoted(text)
