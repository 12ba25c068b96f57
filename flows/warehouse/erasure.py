"""Erase personal data that the source no longer delivers, from the tables and from the warehouse's file.

DuckDB reuses the blocks of deleted rows without clearing them. So after a run that removed a user's row or
changed it, the warehouse is copied into a new file, which takes about a tenth of a run.
"""

import logging
from contextlib import suppress
from pathlib import Path

import duckdb

from flows.database.connection import Connection, quoted
from flows.database.steps import Step
from flows.home.fsync import sync
from schemas.home import Home

log = logging.getLogger("pathstats.run.erasure")

# The rows that may still be in the file although they are deleted; cleared in the copy.
TABLES = (Step("CREATE TABLE IF NOT EXISTS erasures (reason VARCHAR)", name="declare erasures"),)

_REFERENCES = ("users", "enrollments", "step_activity", "marked_learners", "marked_enrollments")


def note(reason: str, condition: str) -> Step:
    """The statement that notes a deletion, if the condition is true."""
    return Step(
        f"INSERT INTO erasures SELECT {quoted(reason)} WHERE {condition}",
        name=f"note deleted rows of {reason}",
    )


def forget_users() -> list[Step]:
    """Clear the ids of users that no row refers to.

    The change log refers to a removed user as long as there is a release that may contain them. The key
    stays, because keys number the ids without gaps; a user who returns gets a new one.
    """
    is_forgotten = " AND ".join(
        f"NOT EXISTS (FROM {table} AS t WHERE t.user_key = user_keys.user_key)" for table in _REFERENCES
    )
    return [
        note("user_keys", f"EXISTS (FROM user_keys WHERE user_id IS NOT NULL AND {is_forgotten})"),
        Step(
            f"UPDATE user_keys SET user_id = NULL WHERE user_id IS NOT NULL AND {is_forgotten}",
            name="clear the ids of forgotten users",
        ),
    ]


def copy_if_due(connection: Connection, home: Home) -> Path | None:
    """A copy of the warehouse without its deleted rows, where some contained personal data; None otherwise.

    A copy that fails, on a full disk for example, is reported and made by the next run.
    """
    if not connection.value(
        Step("SELECT count(*) FROM erasures", name="count deleted rows with personal data")
    ):
        return None
    copy = home.warehouse_copy
    try:
        copy.unlink(missing_ok=True)
        connection.execute(Step(f"ATTACH {quoted(str(copy))} AS compacted", name="create the compacted copy"))
        try:
            connection.execute_all(
                [
                    Step(f"COPY FROM DATABASE {home.warehouse.stem} TO compacted", name="copy the warehouse"),
                    Step("DELETE FROM compacted.erasures", name="clear the copy's erasures"),
                    Step("CHECKPOINT compacted", name="write the copy to disk"),
                ]
            )
        finally:
            connection.execute(Step("DETACH compacted", name="close the compacted copy"))
    except (duckdb.Error, OSError) as error:
        with suppress(OSError):
            copy.unlink(missing_ok=True)
        log.warning(
            "%s could not be copied (%s): it may contain personal data of removed users until the next run.",
            home.warehouse,
            type(error).__name__,
        )
        return None
    return copy


def replace_warehouse(home: Home, copy: Path) -> None:
    """Let the copy be the warehouse. The warehouse must be closed."""
    if home.warehouse_log.exists():
        # The old file is not complete without its log; the next run makes a new copy.
        copy.unlink()
        return
    sync(copy)
    copy.replace(home.warehouse)
    sync(home.root)
