"""What changed since the last release: the learners, sessions and enrolments whose input is not what it was.

Marks stay until a release is published from them; one too many costs time, one too few would be a fault.
Pure text: what is built here is executed by `accepting`.
"""

from collections.abc import Iterator

from flows.warehouse.duck import identifier, quoted
from flows.warehouse.keying import stored_columns
from schemas.columns import Table, table_name

MARKS = {
    "touched_learners": ("user_key",),
    "touched_paths": ("path_key",),
    "touched_sessions": ("session_key",),
    "touched_enrollments": ("session_key", "user_key"),
}
# Where a change of a table's row is marked.
_MARKED_IN = {
    "users": "touched_learners",
    "paths": "touched_paths",
    "path_steps": "touched_paths",
    "path_sessions": "touched_sessions",
    "enrollments": "touched_enrollments",
    "step_activity": "touched_learners",
}


def declare() -> Iterator[str]:
    """The tables of marks, where they are not there yet."""
    for table, keys in MARKS.items():
        yield f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(f'{key} UINTEGER' for key in keys)})"
    yield "CREATE TABLE IF NOT EXISTS touched_tables (name VARCHAR)"


def marks(model: type[Table], before: str, after: str) -> Iterator[str]:
    """Mark what differs between two relations of the model's stored rows, whatever their order."""
    table = _MARKED_IN[table_name(model)]
    keys = ", ".join(MARKS[table])
    content = ", ".join(map(identifier, stored_columns(model)))

    def folded(rows: str) -> str:
        return f"(SELECT {keys}, sum(hash({content})) AS content FROM {rows} GROUP BY {keys})"

    yield (
        f"CREATE OR REPLACE TEMP TABLE differing AS SELECT {keys} FROM {folded(before)} AS b "
        f"FULL JOIN {folded(after)} AS a USING ({keys}) WHERE a.content IS DISTINCT FROM b.content"
    )
    yield f"INSERT INTO {table} FROM differing"
    yield f"INSERT INTO touched_tables SELECT {quoted(table_name(model))} WHERE EXISTS (FROM differing)"


def forget() -> Iterator[str]:
    """All marks are settled by a release."""
    for table in (*MARKS, "touched_tables"):
        yield f"DELETE FROM {table}"
