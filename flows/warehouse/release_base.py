"""Record the releases made from the warehouse, and find the changes since one of them (`change_log`)."""

from collections.abc import Iterable

from flows.database.connection import Connection, quoted
from flows.warehouse import change_log, erasure
from schemas.manifest import RULES_VERSION, SCHEMA_VERSION

_VERSIONS = f"{RULES_VERSION}; {SCHEMA_VERSION}"


def look_back(connection: Connection, release_id: str | None) -> bool:
    """Let `touched_…` be what was marked since a release; whether these rules made it from this warehouse.

    For an unknown release, treat every logged key as changed.
    """
    name = quoted(release_id or "")
    rows = connection.rows(
        f"SELECT number, versions = {quoted(_VERSIONS)} FROM released WHERE release_id = {name}"
    )
    number, is_base = rows[0] if rows else (0, False)
    connection.execute_all(change_log.touched_since(number))
    return bool(is_base)


def settle(connection: Connection, release_id: str, others: Iterable[str]) -> None:
    """Record a release that is about to be published: later changes are logged after it.

    If it is never published, the earlier entries still exist for the live release.

    others: the releases that are there.
    """
    gone = " AND ".join(f"release_id <> {quoted(other)}" for other in {*others} - {release_id}) or "true"
    with connection.transaction():
        number = connection.value("SELECT coalesce(max(number), 0) + 1 FROM released")
        connection.execute_all(
            [
                f"DELETE FROM released WHERE {gone}",
                f"INSERT INTO released VALUES ({quoted(release_id)}, {quoted(_VERSIONS)}, {number})",
                *change_log.forget(),
                *erasure.forget_users(),
            ]
        )


def untouched_tables(connection: Connection) -> set[str]:
    """The tables of which no row is another one than when the last release was published."""
    touched = {name for (name,) in connection.rows("FROM touched_tables")}
    return {name for (name,) in connection.rows('SELECT DISTINCT "table" FROM extracted')} - touched
