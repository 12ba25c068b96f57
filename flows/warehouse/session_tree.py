"""R17: which sessions read results of others, the rows they need, and which changes affect them.

A *family* is a session and the sessions created for its sub-paths. Pure text: what is built
here is executed by `worlds`.
"""

from collections.abc import Iterator

_COUNTS = "session_key IN (SELECT session_key FROM path_sessions JOIN paths USING (path_key))"
# Child sessions without a missing reference.
_MADE_FOR = f"SELECT session_key, root_session_key FROM child_sessions WHERE {_COUNTS} AND root_{_COUNTS}"
# Each path and the sub-paths that it has at any time.
_SUB_PATHS = """
      SELECT DISTINCT s.path_key, p.path_key AS sub_path_key
      FROM path_steps AS s JOIN step_keys USING (step_key)
      JOIN path_keys AS p ON p.company_key = s.company_key AND p.path_id = step_id WHERE type = 'path'"""
# What was touched and all paths above: whether a path below leads back to one of these decides whether its
# step has a child. A path that was touched too needs no edge that it has lost.
_PATHS_IN_TOUCH = f"""
    WITH RECURSIVE sub_paths AS ({_SUB_PATHS}),
    found AS (
      FROM touched_paths
      UNION SELECT s.path_key FROM found JOIN sub_paths AS s ON s.sub_path_key = found.path_key
      WHERE EXISTS (FROM child_sessions))
    FROM found"""
# Each session and its child sessions: of its sub-paths, at any time, and of theirs.
_BELOW = f"""
    WITH RECURSIVE sub_paths AS ({_SUB_PATHS}),
    family AS (
      SELECT session_key, path_key, coalesce(root_session_key, session_key) AS root_key, root_session_key
      FROM path_sessions LEFT JOIN made_for USING (session_key) WHERE EXISTS (FROM made_for)),
    directly AS (
      SELECT s.session_key, c.session_key AS child_key FROM family AS s JOIN sub_paths USING (path_key)
      JOIN family AS c ON c.root_session_key = s.root_key AND c.path_key = sub_path_key),
    found AS (
      FROM directly
      UNION SELECT found.session_key, d.child_key
      FROM found JOIN directly AS d ON d.session_key = found.child_key)
    FROM found"""
# Learners of child sessions, by the part of a session that looks into theirs.
_LOOKED_INTO = """
    SELECT DISTINCT part, child_key AS session_key, asked.user_key
    FROM asked JOIN parts USING (session_key) JOIN below USING (session_key)
    SEMI JOIN enrollments AS e ON e.session_key = child_key AND e.user_key = asked.user_key"""
# Those of them that the part does not ask about itself.
_FURTHER = """
    SELECT session_key, user_key, path_key, part FROM looked_into
    ANTI JOIN (SELECT * FROM asked JOIN parts USING (session_key)) USING (part, session_key, user_key)
    JOIN path_sessions USING (session_key)"""


def relatives(touched: str, *columns: str) -> str:
    """The sessions of `touched` and all of their families, pending ones included.

    columns: what else is kept of a row.
    """
    kept = "".join(f", {name}" for name in columns)
    return f"""
    WITH touched AS ({touched}),
    roots AS (
      SELECT DISTINCT coalesce(root_session_key, session_key) AS root_key{kept}
      FROM touched LEFT JOIN child_sessions USING (session_key))
    FROM touched UNION SELECT root_key{kept} FROM roots
    UNION SELECT session_key{kept} FROM roots JOIN child_sessions ON root_session_key = root_key"""


def declare() -> Iterator[str]:
    """The sessions of families, and what is in touch with what is `touched_…` (see `touching`).

    paths_in_touch:       path_key
    sessions_in_touch:    session_key
    enrollments_in_touch: session_key, user_key
    """
    sessions = """
        FROM touched_sessions
        UNION SELECT session_key FROM path_sessions WHERE path_key IN (FROM paths_in_touch)"""
    tables = {
        "paths_in_touch": _PATHS_IN_TOUCH,
        "made_for": _MADE_FOR,
        "below": _BELOW,
        "sessions_in_touch": relatives(sessions),
        "enrollments_in_touch": f"""
          FROM ({relatives("FROM touched_enrollments", "user_key")}) AS t
          WHERE EXISTS (FROM enrollments AS e WHERE e.session_key = t.session_key AND e.user_key = t.user_key)
          UNION FROM touched_enrollments""",
    }
    for name, rows in tables.items():
        yield f"CREATE OR REPLACE TEMP TABLE {name} AS {rows}"


def look_below() -> Iterator[str]:
    """The statements for the rows that the `asked` enrollments need in addition to their own."""
    yield f"CREATE OR REPLACE TEMP TABLE looked_into AS {_LOOKED_INTO}"
    yield f"CREATE OR REPLACE TEMP TABLE further AS {_FURTHER}"
