"""The change log: learners, paths, sessions and enrollments with changed input since each release.

Each entry names the release after which it was made, and stays as long as an older release exists, because a
rollback can make that one live again. A superfluous entry costs time, a missing one would be a fault. This
module only builds SQL text; `merge` and `release_base` execute it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from flows.database.connection import identifier, quoted
from flows.database.steps import Step
from flows.staging.surrogate_keys import stored_columns
from flows.warehouse import erasure
from schemas.columns import Table, descriptive, table_name

_KEYS_OF = {
    "learners": ("user_key",),
    "paths": ("path_key",),
    "sessions": ("session_key",),
    "enrollments": ("session_key", "user_key"),
    "tables": ("name",),
}
# Where a changed row of a table is logged.
_LOGGED_IN = {
    "users": "learners",
    "paths": "paths",
    "path_steps": "paths",
    "path_sessions": "sessions",
    "enrollments": "enrollments",
    "step_activity": "learners",
    "waivers": "paths",
    "child_sessions": "sessions",
}
# A row that relates two sessions is logged for both.
_ROWS_OF = {
    "child_sessions": "(FROM {rows} UNION ALL SELECT * REPLACE (root_session_key AS session_key) FROM {rows})"
}
_LAST_RELEASE = "(SELECT coalesce(max(number), 0) FROM released)"


@dataclass(frozen=True)
class ChangedKeys:
    """The names of the temporary views of the keys that changed since a release, each with its columns.

    learners: user_key. paths: path_key. sessions: session_key. enrollments: session_key, user_key.
    tables: name.
    """

    learners: str = "changed_learners"
    paths: str = "changed_paths"
    sessions: str = "changed_sessions"
    enrollments: str = "changed_enrollments"
    tables: str = "changed_tables"


CHANGED_KEYS = ChangedKeys()


def _tables() -> Iterator[Step]:
    yield Step(
        "CREATE TABLE IF NOT EXISTS released (release_id VARCHAR, versions VARCHAR, number UINTEGER)",
        name="declare the released releases",
    )
    for kind, keys in _KEYS_OF.items():
        columns = ", ".join(f"{key} {'VARCHAR' if key == 'name' else 'UINTEGER'}" for key in keys)
        yield Step(
            f"CREATE TABLE IF NOT EXISTS marked_{kind} ({columns}, after UINTEGER)",
            name=f"declare the change log of {kind}",
        )


TABLES = tuple(_tables())


def changed_since(number: int) -> Iterator[Step]:
    """The statements that create the views of CHANGED_KEYS: changes since the release of that number."""
    for kind, keys in _KEYS_OF.items():
        yield Step(
            f"CREATE OR REPLACE TEMP VIEW {getattr(CHANGED_KEYS, kind)} AS "
            f"SELECT DISTINCT {', '.join(keys)} FROM marked_{kind} WHERE after >= {number}",
            name=f"find {kind} that changed since release {number}",
        )


def log_table(name: str) -> Step:
    """Log the table as a new one."""
    return Step(f"INSERT INTO marked_tables SELECT {quoted(name)}, {_LAST_RELEASE}", name=f"log {name}")


def log_changes(model: type[Table], before: str, after: str) -> Iterator[Step]:
    """Log the differences between two relations of the model's stored rows, whatever their order."""
    table = table_name(model)
    kind = _LOGGED_IN[table]
    keys = ", ".join(_KEYS_OF[kind])
    columns = stored_columns(model)
    read_by_rules = [column for column in columns if column not in descriptive(model)]
    # Usually both are the same columns, hashed once.
    hashes = (
        {"content": columns, "facts": read_by_rules} if read_by_rules != columns else {"content": columns}
    )
    summed = ", ".join(f"sum(hash({', '.join(map(identifier, of))})) AS {it}" for it, of in hashes.items())

    def hashed(rows: str) -> str:
        rows = _ROWS_OF.get(table, "{rows}").format(rows=rows)
        return f"(SELECT {keys}, {summed} FROM {rows} GROUP BY {keys})"

    decisive = list(hashes)[-1]
    yield Step(
        f"CREATE OR REPLACE TEMP TABLE differing AS "
        f"SELECT {keys}, a.{decisive} IS DISTINCT FROM b.{decisive} AS matters, "
        f"b.content IS NOT NULL AS was_stored FROM {hashed(before)} AS b "
        f"FULL JOIN {hashed(after)} AS a USING ({keys}) WHERE a.content IS DISTINCT FROM b.content",
        name=f"find the {kind} that the new {table} changes",
    )
    yield Step(
        f"INSERT INTO marked_{kind} SELECT {keys}, {_LAST_RELEASE} FROM differing WHERE matters",
        name=f"log the {kind} that the new {table} changes",
    )
    yield Step(
        f"{log_table(table)} WHERE EXISTS (FROM differing)", name=f"log {table} if anything in it changes"
    )
    if table == "users":
        yield erasure.note("users", "EXISTS (FROM differing WHERE was_stored)")


def forget() -> Iterator[Step]:
    """The statements that delete entries older than every release."""
    for kind in _KEYS_OF:
        yield Step(
            f"DELETE FROM marked_{kind} WHERE after < (SELECT min(number) FROM released)",
            name=f"forget old changes of {kind}",
        )
