"""Pending rows: valid rows with a missing reference, which count from the run that delivers it."""

from flows.database.connection import quoted
from schemas.columns import Table, table_name

_NO_PATH = "path_key NOT IN (SELECT path_key FROM paths)"
_NO_SESSION = "session_key NOT IN (SELECT session_key FROM path_sessions)"
_NO_PATH_OF_SESSION = f"session_key IN (SELECT session_key FROM path_sessions WHERE {_NO_PATH})"
_NO_USER = "user_key NOT IN (SELECT user_key FROM users)"
# Of several missing references of a row the first one is reported.
_MISSING = {
    "path_steps": [("unknown_path", _NO_PATH, "path_id")],
    "path_sessions": [("unknown_path", _NO_PATH, "path_id")],
    "enrollments": [
        ("unknown_session", _NO_SESSION, "session_id"),
        ("unknown_path", _NO_PATH_OF_SESSION, "session_id"),
        ("unknown_user", _NO_USER, "user_id"),
    ],
    "waivers": [("unknown_path", _NO_PATH, "path_id")],
    "child_sessions": [
        ("unknown_session", _NO_SESSION, "session_id"),
        ("unknown_session", f"root_{_NO_SESSION}", "root_session_id"),
        ("unknown_path", _NO_PATH_OF_SESSION, "session_id"),
        ("unknown_path", f"root_{_NO_PATH_OF_SESSION}", "root_session_id"),
    ],
}


def missing_reference(model: type[Table]) -> str | None:
    """An SQL CASE: `reason:detail` of a stored row's missing reference, null for a row that counts.

    None if the table has no references.
    """
    whens = " ".join(
        f"WHEN {test} THEN {quoted(f'{reason}:the row of {column} has not been delivered')}"
        for reason, test, column in _MISSING.get(table_name(model), [])
    )
    return f"CASE {whens} END" if whens else None
