"""Publish users, sessions and quarantine, and list the users and sessions that the index can find."""

import shutil
from collections.abc import Iterator

import polars as pl

from flows.compute.rule_inputs import SESSIONS_BY_ID, USERS_BY_ID, USERS_IN_ORDER
from flows.database.connection import Connection
from flows.release.lookup_index import LookupIndex
from flows.release.parquet_writer import TableWriter
from flows.warehouse import release_base
from flows.warehouse.merge import published_order, published_rows
from schemas.columns import Table, table_name
from schemas.home import Release
from schemas.inputs import OPTIONAL, PathSessions, Users
from schemas.outputs import Quarantine

# Users in memory at once.
_ROWS_AT_ONCE = 500_000
# What the users and sessions of a release are made of.
_MADE_OF = {"users", "path_sessions", "paths"}


def write_dimension_tables(
    connection: Connection, building: Release, index: LookupIndex, base: Release | None
) -> None:
    """Write quarantine, users and sessions; and what waives steps or makes sub-paths, if any (R16, R17).

    Lists the users and sessions that the index can find. Both are copied from the base release if they are
    unchanged.
    """
    _write(connection, building, Quarantine)
    for optional in OPTIONAL:
        if connection.rows(f"{published_rows(optional)} LIMIT 1"):
            _write(connection, building, optional)
    if base and release_base.untouched_tables(connection) >= _MADE_OF:
        for name in map(table_name, (Users, PathSessions)):
            shutil.copyfile(base.table(name), building.table(name))
        return
    _write(connection, building, PathSessions)
    index.name_sessions(connection.frame(SESSIONS_BY_ID))
    with TableWriter(building, Users) as table:
        for users in _users_in_order(connection):
            table.write(users.select(*Users.to_schema().columns))
            index.name_users(users)
    index.end_naming()


def _write(connection: Connection, building: Release, model: type[Table]) -> None:
    with TableWriter(building, model) as table:
        for part in _in_order(connection, model):
            table.write(part)


def _users_in_order(connection: Connection) -> Iterator[pl.DataFrame]:
    """The users in publication order, some at a time, with their keys.

    Ordered are keys alone: with all their texts that takes twice as long.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE places AS {USERS_IN_ORDER}")
    for part in _parts("user_place", int(connection.value("SELECT count(*) FROM places"))):
        rows = connection.frame(f"SELECT * FROM ({USERS_BY_ID}) JOIN places USING (user_key) WHERE {part}")
        yield rows.sort("user_place")
    connection.execute("DROP TABLE places")


def _in_order(connection: Connection, model: type[Table]) -> Iterator[pl.DataFrame]:
    """The table's rows in the order of publication, some at a time."""
    rows, order = published_rows(model), published_order(model)
    at_most = int(connection.value(f"SELECT count(*) FROM {table_name(model)}"))
    if at_most <= _ROWS_AT_ONCE:
        yield connection.frame(f"{rows} ORDER BY {order}")
        return
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE in_order AS "
        f"SELECT *, row_number() OVER (ORDER BY {order}) - 1 AS place FROM ({rows})"
    )
    for part in _parts("place", at_most):
        yield connection.frame(f"SELECT * EXCLUDE (place) FROM in_order WHERE {part} ORDER BY place")
    connection.execute("DROP TABLE in_order")


def _parts(place: str, rows: int) -> Iterator[str]:
    """Conditions on the place, counted from 0, that take rows some at a time; at least one."""
    for first in range(0, max(rows, 1), _ROWS_AT_ONCE):
        yield f"{place} >= {first} AND {place} < {first + _ROWS_AT_ONCE}"
