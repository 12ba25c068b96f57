"""The change log: learners, sessions and enrollments with changed input since each release.

Each entry names the release after which it was made, and stays as long as an older release exists, because a
rollback can make that one live again. A superfluous entry costs time, a missing one would be a fault. This
module only builds SQL text; `merge` and `release_base` execute it.
"""

from collections.abc import Iterator

from flows.database.connection import identifier, quoted
from flows.staging.surrogate_keys import stored_columns
from flows.warehouse import erasure
from schemas.columns import Table, descriptive, table_name

_MARKS = {
    "learners": ("user_key",),
    "paths": ("path_key",),
    "sessions": ("session_key",),
    "enrollments": ("session_key", "user_key"),
    "tables": ("name",),
}
# Where a change of a table's row is marked.
_MARKED_IN = {
    "users": "learners",
    "paths": "paths",
    "path_steps": "paths",
    "path_sessions": "sessions",
    "enrollments": "enrollments",
    "step_activity": "learners",
    "waivers": "paths",
    "child_sessions": "sessions",
}
# A row that relates two sessions marks both.
_ROWS_OF = {
    "child_sessions": "(FROM {rows} UNION ALL SELECT * REPLACE (root_session_key AS session_key) FROM {rows})"
}


# The number of the release that was made last.
_LAST = "(SELECT coalesce(max(number), 0) FROM released)"


def declare() -> Iterator[str]:
    """The statements that create the tables of a new warehouse."""
    yield "CREATE TABLE IF NOT EXISTS released (release_id VARCHAR, versions VARCHAR, number UINTEGER)"
    for marks, keys in _MARKS.items():
        columns = ", ".join(f"{key} {'VARCHAR' if key == 'name' else 'UINTEGER'}" for key in keys)
        yield f"CREATE TABLE IF NOT EXISTS marked_{marks} ({columns}, after UINTEGER)"
    yield from touched_since(0)


def touched_since(number: int) -> Iterator[str]:
    """Let `touched_learners`, `touched_paths` … be what was marked since the release of that number."""
    for marks, keys in _MARKS.items():
        yield (
            f"CREATE OR REPLACE TEMP VIEW touched_{marks} AS "
            f"SELECT DISTINCT {', '.join(keys)} FROM marked_{marks} WHERE after >= {number}"
        )


def mark_table(name: str) -> str:
    """Mark the table as a new one."""
    return f"INSERT INTO marked_tables SELECT {quoted(name)}, {_LAST}"


def marks(model: type[Table], before: str, after: str) -> Iterator[str]:
    """Mark what differs between two relations of the model's stored rows, whatever their order."""
    name = _MARKED_IN[table_name(model)]
    keys = ", ".join(_MARKS[name])
    columns = stored_columns(model)
    read_by_rules = [column for column in columns if column not in descriptive(model)]
    # Usually both are the same columns, hashed once.
    hashes = (
        {"content": columns, "facts": read_by_rules} if read_by_rules != columns else {"content": columns}
    )
    summed = ", ".join(f"sum(hash({', '.join(map(identifier, of))})) AS {it}" for it, of in hashes.items())

    def hashed(rows: str) -> str:
        rows = _ROWS_OF.get(table_name(model), "{rows}").format(rows=rows)
        return f"(SELECT {keys}, {summed} FROM {rows} GROUP BY {keys})"

    decisive = list(hashes)[-1]
    yield (
        f"CREATE OR REPLACE TEMP TABLE differing AS "
        f"SELECT {keys}, a.{decisive} IS DISTINCT FROM b.{decisive} AS matters, "
        f"b.content IS NOT NULL AS was_stored FROM {hashed(before)} AS b "
        f"FULL JOIN {hashed(after)} AS a USING ({keys}) WHERE a.content IS DISTINCT FROM b.content"
    )
    yield f"INSERT INTO marked_{name} SELECT {keys}, {_LAST} FROM differing WHERE matters"
    yield f"{mark_table(table_name(model))} WHERE EXISTS (FROM differing)"
    if table_name(model) == "users":
        yield erasure.note("users", "EXISTS (FROM differing WHERE was_stored)")


def forget() -> Iterator[str]:
    """Marks that are older than every release there is."""
    for marks in _MARKS:
        yield f"DELETE FROM marked_{marks} WHERE after < (SELECT min(number) FROM released)"
