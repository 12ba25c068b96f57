"""Publish users, sessions and quarantine, and add users and sessions to the index."""

import shutil
from collections.abc import Iterator

import polars as pl

from flows.database.connection import Connection
from flows.database.steps import Step
from flows.release.lookup_index import LookupIndex
from flows.release.parquet_writer import TableWriter
from flows.warehouse import release_base
from flows.warehouse.change_log import ChangedKeys
from flows.warehouse.publication_order import (
    SESSIONS_BY_ID,
    USERS_BY_ID,
    USERS_IN_ORDER,
    published_order,
    published_rows,
)
from schemas.columns import Table, table_name
from schemas.home import Release
from schemas.inputs import OPTIONAL, PathSessions, Users
from schemas.outputs import Quarantine

# Users in memory at once.
_ROWS_AT_ONCE = 500_000
# The input tables that the published users and sessions are made of.
_MADE_OF = {"users", "path_sessions", "paths"}


def write_dimension_tables(
    connection: Connection,
    building: Release,
    index: LookupIndex,
    base: Release | None,
    changed: ChangedKeys,
) -> None:
    """Write quarantine, users and sessions; and waivers and child sessions, if there are any (R16, R17).

    Adds users and sessions to the index. Both are copied from the base release if they are unchanged since.
    """
    _write(connection, building, Quarantine)
    for optional in OPTIONAL:
        if connection.rows(_step(f"{published_rows(optional)} LIMIT 1", optional, "look for")):
            _write(connection, building, optional)
    if base and release_base.unchanged_tables(connection, changed) >= _MADE_OF:
        for name in map(table_name, (Users, PathSessions)):
            shutil.copyfile(base.table(name), building.table(name))
        return
    _write(connection, building, PathSessions)
    index.name_sessions(connection.frame(Step(SESSIONS_BY_ID, name="read sessions for the index")))
    with TableWriter(building, Users) as table:
        for users in _users_in_order(connection):
            table.write(users.select(*Users.to_schema().columns))
            index.name_users(users)
    index.end_naming()


def _write(connection: Connection, building: Release, model: type[Table]) -> None:
    with TableWriter(building, model) as table:
        for rows in _in_order(connection, model):
            table.write(rows)


def _users_in_order(connection: Connection) -> Iterator[pl.DataFrame]:
    """The users in publication order, some at a time, with their keys.

    Only keys are ordered: with all their texts that takes twice as long.
    """
    connection.execute(
        Step(f"CREATE OR REPLACE TEMP TABLE places AS {USERS_IN_ORDER}", name="put users in order")
    )
    count = connection.value(Step("SELECT count(*) FROM places", name="count users"))
    for part in _slices("user_place", int(count)):
        sql = f"SELECT * FROM ({USERS_BY_ID}) JOIN places USING (user_key) WHERE {part}"
        yield connection.frame(Step(sql, name="read users")).sort("user_place")
    connection.execute(Step("DROP TABLE places", name="drop the order of users"))


def _in_order(connection: Connection, model: type[Table]) -> Iterator[pl.DataFrame]:
    """The table's rows in the order of publication, some at a time."""
    rows, order = published_rows(model), published_order(model)
    at_most = int(connection.value(_step(f"SELECT count(*) FROM {table_name(model)}", model, "count")))
    if at_most <= _ROWS_AT_ONCE:
        yield connection.frame(_step(f"{rows} ORDER BY {order}", model, "read"))
        return
    connection.execute(
        _step(
            "CREATE OR REPLACE TEMP TABLE in_order AS "
            f"SELECT *, row_number() OVER (ORDER BY {order}) - 1 AS place FROM ({rows})",
            model,
            "put in order",
        )
    )
    for part in _slices("place", at_most):
        sql = f"SELECT * EXCLUDE (place) FROM in_order WHERE {part} ORDER BY place"
        yield connection.frame(_step(sql, model, "read a slice of"))
    connection.execute(_step("DROP TABLE in_order", model, "drop the order of"))


def _step(sql: str, model: type[Table], verb: str) -> Step:
    return Step(sql, name=f"{verb} {table_name(model)}")


def _slices(place: str, rows: int) -> Iterator[str]:
    """Conditions on the place, counted from 0, that take rows some at a time; at least one."""
    for first in range(0, max(rows, 1), _ROWS_AT_ONCE):
        yield f"{place} >= {first} AND {place} < {first + _ROWS_AT_ONCE}"
