"""Integer keys for what is joined and grouped; 24-character ids cost three to four times as much.

Keys are ranks in publication order, so sorting by them sorts by the ids: company, session, user, enrolment.
A null key is a partner that has not arrived. Pure text: what is built here is executed by `loading`.
"""

# How each table gets its keys, in the order in which they must be built; `{new}` is the loaded table.
KEYED = {
    "users": """
        SELECT CAST(row_number() OVER (ORDER BY company_id, user_id) - 1 AS UINTEGER) AS user_key, *
        FROM {new}""",
    "paths": """
        SELECT CAST(row_number() OVER (ORDER BY company_id, path_id) - 1 AS UINTEGER) AS path_key, *
        FROM {new}""",
    "path_steps": """
        SELECT path_key,
          CAST(dense_rank() OVER (ORDER BY company_id, step_id) - 1 AS UINTEGER) AS step_key, {new}.*
        FROM {new} LEFT JOIN new_paths USING (company_id, path_id)""",
    "path_sessions": """
        SELECT CAST(row_number() OVER (ORDER BY company_id, session_id) - 1 AS UINTEGER) AS session_key,
          path_key, {new}.*
        FROM {new} LEFT JOIN new_paths USING (company_id, path_id)""",
    "enrollments": """
        SELECT CAST(row_number() OVER (
            ORDER BY user_key IS NULL OR path_key IS NULL, session_key, user_key, enrollment_id) - 1
          AS UINTEGER) AS enrollment_key, *
        FROM (SELECT session_key, user_key, path_key, {new}.*
              FROM {new}
              LEFT JOIN new_users USING (company_id, user_id)
              LEFT JOIN new_path_sessions USING (company_id, session_id))""",
    "step_activity": """
        SELECT user_key, step_key, session_key, path_key AS session_path_key, {new}.*
        FROM {new}
        LEFT JOIN new_users USING (company_id, user_id)
        LEFT JOIN (SELECT DISTINCT company_id, step_id, step_key FROM new_path_steps)
          USING (company_id, step_id)
        LEFT JOIN new_path_sessions USING (company_id, session_id)""",
}

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
