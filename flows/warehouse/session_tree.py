"""R17: which sessions read results of others, the rows they need, and which changes affect them.

A *session tree* is a session and the sessions created for its sub-paths. This module only builds SQL text;
`rule_inputs` executes it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from flows.database.steps import Step
from flows.warehouse.change_log import ChangedKeys

_COUNTS = "session_key IN (SELECT session_key FROM path_sessions JOIN paths USING (path_key))"
# Child sessions without a missing reference.
_MADE_FOR = f"SELECT session_key, root_session_key FROM child_sessions WHERE {_COUNTS} AND root_{_COUNTS}"
# Each path and the sub-paths that it has at any time.
_SUB_PATHS = """
      SELECT DISTINCT s.path_key, p.path_key AS sub_path_key
      FROM path_steps AS s JOIN step_keys USING (step_key)
      JOIN path_keys AS p ON p.company_key = s.company_key AND p.path_id = step_id WHERE type = 'path'"""
# The changed paths and all paths above: whether a path below leads back to one of these decides whether its
# step has a child. A path that was changed too needs no edge that it has lost.
_AFFECTED_PATHS = f"""
    WITH RECURSIVE sub_paths AS ({_SUB_PATHS}),
    found AS (
      FROM {{paths}}
      UNION SELECT s.path_key FROM found JOIN sub_paths AS s ON s.sub_path_key = found.path_key
      WHERE EXISTS (FROM child_sessions))
    FROM found"""
# Each session and its child sessions: of its sub-paths, at any time, and of theirs.
_BELOW = f"""
    WITH RECURSIVE sub_paths AS ({_SUB_PATHS}),
    tree AS (
      SELECT session_key, path_key, coalesce(root_session_key, session_key) AS root_key, root_session_key
      FROM path_sessions LEFT JOIN {{child_sessions}} USING (session_key)
      WHERE EXISTS (FROM {{child_sessions}})),
    directly AS (
      SELECT s.session_key, c.session_key AS child_key FROM tree AS s JOIN sub_paths USING (path_key)
      JOIN tree AS c ON c.root_session_key = s.root_key AND c.path_key = sub_path_key),
    found AS (
      FROM directly
      UNION SELECT found.session_key, d.child_key
      FROM found JOIN directly AS d ON d.session_key = found.child_key)
    FROM found"""


@dataclass(frozen=True)
class SessionTree:
    """The names of temporary tables about session trees, each with its columns.

    child_sessions: session_key, root_session_key; those without a missing reference.
    below:          session_key, child_key: each session and every session below it.
    """

    child_sessions: str = "linked_child_sessions"
    below: str = "sessions_below"


@dataclass(frozen=True)
class AffectedKeys:
    """The names of temporary tables of what changed input affects, through session trees too.

    sessions:    session_key
    enrollments: session_key, user_key
    """

    sessions: str = "affected_sessions"
    enrollments: str = "affected_enrollments"


TREE = SessionTree()
AFFECTED = AffectedKeys()


def whole_trees(sessions: str, *columns: str) -> str:
    """The query for the given sessions and all sessions of their trees, pending ones included.

    sessions: a query with a session_key. columns: further columns of its rows to keep.
    """
    kept = "".join(f", {name}" for name in columns)
    return f"""
    WITH given AS ({sessions}),
    roots AS (
      SELECT DISTINCT coalesce(root_session_key, session_key) AS root_key{kept}
      FROM given LEFT JOIN child_sessions USING (session_key))
    FROM given UNION SELECT root_key{kept} FROM roots
    UNION SELECT session_key{kept} FROM roots JOIN child_sessions ON root_session_key = root_key"""


def find_trees() -> Iterator[Step]:
    """The statements that create the tables of TREE."""
    yield Step(
        f"CREATE OR REPLACE TEMP TABLE {TREE.child_sessions} AS {_MADE_FOR}", name="find child sessions"
    )
    below = _BELOW.format(child_sessions=TREE.child_sessions)
    yield Step(f"CREATE OR REPLACE TEMP TABLE {TREE.below} AS {below}", name="find the sessions below others")


def find_affected(changed: ChangedKeys) -> Iterator[Step]:
    """The statements that create the tables of AFFECTED."""
    paths = _AFFECTED_PATHS.format(paths=changed.paths)
    sessions = f"""
        FROM {changed.sessions}
        UNION SELECT session_key FROM path_sessions WHERE path_key IN ({paths})"""
    yield Step(
        f"CREATE OR REPLACE TEMP TABLE {AFFECTED.sessions} AS {whole_trees(sessions)}",
        name="find the sessions that changed input affects",
    )
    enrollments = whole_trees(f"FROM {changed.enrollments}", "user_key")
    yield Step(
        f"""
        CREATE OR REPLACE TEMP TABLE {AFFECTED.enrollments} AS
        FROM ({enrollments}) AS t
        WHERE EXISTS (FROM enrollments AS e WHERE e.session_key = t.session_key AND e.user_key = t.user_key)
        UNION FROM {changed.enrollments}""",
        name="find the enrollments that changed input affects",
    )


@dataclass(frozen=True)
class RowsBelow:
    """The names of temporary tables of the learners that parts read in sessions below their own.

    read:    part, session_key, user_key
    further: session_key, user_key, path_key, part; without the ones that the part computes itself
    """

    read: str = "read_below"
    further: str = "read_below_only"


ROWS_BELOW = RowsBelow()


def find_rows_below(parts: str, asked: str) -> Iterator[Step]:
    """The statements that create the tables of ROWS_BELOW.

    parts: the table of the sessions of each part. asked: the table of the enrollments that are computed.
    """
    yield Step(
        f"""
        CREATE OR REPLACE TEMP TABLE {ROWS_BELOW.read} AS
        SELECT DISTINCT part, child_key AS session_key, a.user_key
        FROM {asked} AS a JOIN {parts} USING (session_key) JOIN {TREE.below} USING (session_key)
        SEMI JOIN enrollments AS e ON e.session_key = child_key AND e.user_key = a.user_key""",
        name="find the learners that parts read in sessions below",
    )
    yield Step(
        f"""
        CREATE OR REPLACE TEMP TABLE {ROWS_BELOW.further} AS
        SELECT session_key, user_key, path_key, part FROM {ROWS_BELOW.read}
        ANTI JOIN (SELECT * FROM {asked} JOIN {parts} USING (session_key))
          USING (part, session_key, user_key)
        JOIN path_sessions USING (session_key)""",
        name="leave out the learners that the part computes itself",
    )
