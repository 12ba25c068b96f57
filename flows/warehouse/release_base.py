"""Record the releases made from the warehouse, and find the changes since one of them."""

from collections.abc import Iterable

from flows.database.connection import Connection, quoted
from flows.database.steps import Step
from flows.warehouse import change_log, erasure
from flows.warehouse.change_log import CHANGED_KEYS, ChangedKeys
from flows.warehouse.extract_log import delivered_tables
from schemas.manifest import RULES_VERSION, SCHEMA_VERSION

_VERSIONS = f"{RULES_VERSION}; {SCHEMA_VERSION}"


def changes_since(connection: Connection, release_id: str | None) -> tuple[ChangedKeys, bool]:
    """The keys that changed since a release, and whether its rows may be reused.

    They may be if the same rules made it from this warehouse. For an unknown release, treat every logged key
    as changed.
    """
    name = quoted(release_id or "")
    rows = connection.rows(
        Step(
            f"SELECT number, versions = {quoted(_VERSIONS)} FROM released WHERE release_id = {name}",
            name="find the base release",
        )
    )
    number, is_base = rows[0] if rows else (0, False)
    connection.execute_all(change_log.changed_since(number))
    return CHANGED_KEYS, bool(is_base)


def record_release(connection: Connection, release_id: str, others: Iterable[str]) -> None:
    """Record a release that is about to be published: later changes are logged after it.

    If it is never published, the earlier entries still exist for the live release.

    others: the existing releases.
    """
    gone = " AND ".join(f"release_id <> {quoted(other)}" for other in {*others} - {release_id}) or "true"
    with connection.transaction():
        number = connection.value(
            Step("SELECT coalesce(max(number), 0) + 1 FROM released", name="number the release")
        )
        connection.execute_all(
            [
                Step(f"DELETE FROM released WHERE {gone}", name="forget deleted releases"),
                Step(
                    f"INSERT INTO released VALUES ({quoted(release_id)}, {quoted(_VERSIONS)}, {number})",
                    name="record the release",
                ),
                *change_log.forget(),
                *erasure.forget_users(),
            ]
        )


def unchanged_tables(connection: Connection, changed: ChangedKeys) -> set[str]:
    """The delivered tables that are as they were when the base release was made."""
    names = {name for (name,) in connection.rows(Step(f"FROM {changed.tables}", name="list changed tables"))}
    return delivered_tables(connection) - names
