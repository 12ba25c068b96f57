"""Integer keys for what is joined and grouped; 24-character ids cost three to four times as much.

Keys are ranks in publication order, so sorting by them sorts by the ids: company, session, user, enrolment.
A null key is a partner that has not arrived. Pure text: what is built here is executed by `loading`, table by
table in the order of `schemas.inputs.INPUTS`, each against the tables before it.
"""

from schemas.columns import Table, table_name
from schemas.inputs import StepActivity

# How the checked rows of a table get their keys; `{rows}` is the relation that holds them.
_RANKED = {
    "users": """
        SELECT CAST(row_number() OVER (ORDER BY company_id, user_id) - 1 AS UINTEGER) AS user_key, *
        FROM {rows}""",
    "paths": """
        SELECT CAST(row_number() OVER (ORDER BY company_id, path_id) - 1 AS UINTEGER) AS path_key, *
        FROM {rows}""",
    "path_steps": """
        SELECT path_key,
          CAST(dense_rank() OVER (ORDER BY r.company_id, step_id) - 1 AS UINTEGER) AS step_key, r.*
        FROM {rows} AS r LEFT JOIN new_paths USING (company_id, path_id)""",
    "path_sessions": """
        SELECT CAST(row_number() OVER (ORDER BY r.company_id, session_id) - 1 AS UINTEGER) AS session_key,
          path_key, r.*
        FROM {rows} AS r LEFT JOIN new_paths USING (company_id, path_id)""",
    "enrollments": """
        SELECT CAST(row_number() OVER (
            ORDER BY user_key IS NULL OR path_key IS NULL, session_key, user_key, enrollment_id) - 1
          AS UINTEGER) AS enrollment_key, *
        FROM (SELECT session_key, user_key, path_key, r.*
              FROM {rows} AS r
              LEFT JOIN new_users USING (company_id, user_id)
              LEFT JOIN new_path_sessions USING (company_id, session_id))""",
}

# Activity is by far the longest table, so it is keyed while it is read and keeps the text of an id only where
# the key is null.
_ACTIVITY = """
    SELECT user_key, step_key, session_key, path_key AS session_path_key,
      r.* REPLACE (
        CASE WHEN user_key IS NULL THEN r.user_id END AS user_id,
        CASE WHEN step_key IS NULL THEN r.step_id END AS step_id,
        CASE WHEN session_key IS NULL THEN r.session_id END AS session_id)
    FROM ({rows}) AS r
    LEFT JOIN new_users AS u ON u.company_id = r.company_id AND u.user_id = r.user_id
    LEFT JOIN (SELECT DISTINCT company_id, step_id, step_key FROM new_path_steps) AS p
      ON p.company_id = r.company_id AND p.step_id = r.step_id
    LEFT JOIN new_path_sessions AS s ON s.company_id = r.company_id AND s.session_id = r.session_id"""

# The contract's columns of a keyed table.
_ACTIVITY_BY_ID = """
    SELECT a.row_in_file AS row_id, a.* REPLACE (
        coalesce(a.user_id, u.user_id) AS user_id,
        coalesce(a.step_id, p.step_id) AS step_id,
        coalesce(a.session_id, s.session_id) AS session_id)
    FROM {table} AS a
    LEFT JOIN new_users AS u USING (user_key)
    LEFT JOIN (SELECT DISTINCT step_key, step_id FROM new_path_steps) AS p USING (step_key)
    LEFT JOIN new_path_sessions AS s USING (session_key)"""


def is_keyed_while_read(model: type[Table]) -> bool:
    return model is StepActivity


def keyed_while_read(rows: str) -> str:
    """The query that keys the activity it reads."""
    return _ACTIVITY.format(rows=rows)


def ranked(model: type[Table], table: str) -> str:
    """The query that keys a table that was loaded."""
    return _RANKED[table_name(model)].format(rows=table)


def by_id(model: type[Table], table: str) -> str:
    """The table's rows with every id as text, and `row_id`."""
    if is_keyed_while_read(model):
        return _ACTIVITY_BY_ID.format(table=table)
    return f"SELECT row_in_file AS row_id, * FROM {table}"


# Sound rows whose partner has not arrived: they count from the night it does.
WAITING = {
    "path_steps": [("unknown_path", "path_key IS NULL", "path_id")],
    "path_sessions": [("unknown_path", "path_key IS NULL", "path_id")],
    "enrollments": [
        ("unknown_session", "session_key IS NULL", "session_id"),
        ("unknown_path", "session_key IS NOT NULL AND path_key IS NULL", "session_id"),
        ("unknown_user", "session_key IS NOT NULL AND path_key IS NOT NULL AND user_key IS NULL", "user_id"),
    ],
}
