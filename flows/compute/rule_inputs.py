"""Read the rule inputs from the warehouse, part by part, so that memory stays flat."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from flows.compute.parts import assign_parts
from flows.database.connection import Connection, instant, parquet
from flows.database.steps import Step
from flows.warehouse import session_tree
from flows.warehouse.change_log import ChangedKeys
from flows.warehouse.publication_order import USERS_IN_ORDER
from flows.warehouse.session_tree import AFFECTED, ROWS_BELOW, TREE
from transforms.change_causes import ChangedInput
from transforms.path_versions import PathVersions, path_versions
from transforms.rule_inputs import ChildSessions, RuleInputs

# How many parts are fetched at once: each query scans a whole table.
_FETCHED = 16

_SESSIONS_IN = f"""
    SELECT part, session_key, path_key, company_id, session_id, path_id, s.name, starts_at, ends_at,
      restarts_on_reenrollment, mandatory_replay, coalesce(root_session_key, session_key) AS root_key,
      root_session_key IS NOT NULL AS is_child
    FROM path_sessions AS s JOIN ({{parts}}) USING (session_key)
    JOIN paths USING (path_key) LEFT JOIN {TREE.child_sessions} USING (session_key)
    JOIN path_keys USING (path_key) JOIN session_keys USING (session_key)
    JOIN company_keys ON company_keys.company_key = s.company_key
    ORDER BY company_id, session_id"""
_SESSIONS = _SESSIONS_IN.format(parts="SELECT session_key, part FROM parts")
_STEPS = """
    SELECT s.path_key, step_key, step_id, position, type, optional, due_basis, due_unit, due_value, due_at,
      min_score, attempts_limit, time_limit_mode, time_limit_s, is_scorm, is_examination, valid_from,
      valid_to, p.path_key AS sub_path_key
    FROM path_steps AS s JOIN step_keys USING (step_key)
    LEFT JOIN path_keys AS p ON s.type = 'path' AND p.company_key = s.company_key AND p.path_id = step_id
    WHERE s.path_key IN (SELECT path_key FROM paths)"""
_WAIVERS = """
    SELECT path_key, step_key, threshold, waived_step_key, valid_from, valid_to FROM waivers
    WHERE path_key IN (SELECT path_key FROM paths)"""
_ALL_ENROLLMENTS = "SELECT DISTINCT session_key, user_key FROM enrollments"
# The learners of the requested enrollments, once each.
_LEARNERS = f"{USERS_IN_ORDER} WHERE user_key IN (SELECT user_key FROM requested)"
_USER_IDS = "SELECT user_id FROM learners JOIN user_keys USING (user_key) ORDER BY user_place"
_FACTS = (
    "session_key, user_key, step_key, started_at, last_activity_at, completed_at, progress, score, "
    "time_spent_ms, passed"
)
# The enrollment that an attempt names; only in its session does it matter (R4).
_NAMED = "enrollment_id AS named_enrollment_id"
# Attempts elsewhere at steps of the session's path. Joining all at one level takes DuckDB a fifth longer.
_ELSEWHERE = f"""
    SELECT q.part, a.* EXCLUDE (company_key, path_key) REPLACE (q.session_key AS session_key),
      a.session_key AS made_in_key
    FROM (SELECT a.*, path_key FROM step_activity AS a
          JOIN (SELECT DISTINCT path_key, step_key FROM path_steps) USING (step_key)) AS a
    JOIN (SELECT session_key, user_key, path_key, part FROM requested JOIN parts USING (session_key)
          UNION ALL FROM {ROWS_BELOW.further}) AS q
      ON q.user_key = a.user_key AND q.path_key = a.path_key
    WHERE a.session_key IS DISTINCT FROM q.session_key"""

_ENROLLMENTS = """
    SELECT part, session_key, user_key, user_place, enrollment_id, enrolled_at, archived_at
    FROM {enrollments} JOIN parts USING (session_key) JOIN learners USING (user_key) WHERE {parts}"""
_INSIDE = f"SELECT part, {_FACTS}, {_NAMED} FROM {{inside}} JOIN parts USING (session_key) WHERE {{parts}}"
_ELSEWHERE_OF = f"SELECT part, {_FACTS}, activity_id, made_in_key FROM {{elsewhere}} WHERE {{parts}}"
# R17: the rows that child sessions add to a part.
_SESSIONS_BELOW = _SESSIONS_IN.format(
    parts=f"SELECT DISTINCT child_key AS session_key, part FROM {TREE.below} JOIN parts USING (session_key)"
)
_ENROLLMENTS_BELOW = f"""
    SELECT part, session_key, user_key, user_place, enrollment_id, enrolled_at, archived_at
    FROM enrollments JOIN {ROWS_BELOW.read} USING (session_key, user_key) JOIN learners USING (user_key)"""
_DESCENDANTS = f"SELECT part, session_key, child_key FROM {TREE.below} JOIN parts USING (session_key)"
_INSIDE_BELOW = f"""
    SELECT part, {_FACTS}, {_NAMED}
    FROM step_activity JOIN {ROWS_BELOW.further} USING (session_key, user_key)"""
_REQUESTED = """
    SELECT part, session_key, user_key, user_id FROM requested JOIN parts USING (session_key)
    JOIN user_keys USING (user_key) WHERE {parts}"""


@dataclass(frozen=True)
class Base:
    """The base release: its as_of, path_session_stats and attempts."""

    as_of: datetime
    stats: Path
    attempts: Path


@dataclass(frozen=True)
class Part:
    """Sessions that follow each other in publication order.

    inputs:    with the requested enrollments.
    requested: session_key, user_key, user_id of all requested enrollments, removed ones included.
    """

    inputs: RuleInputs
    requested: pl.DataFrame


class PartReader:
    """The valid rows without missing references, part by part.

    Requests every enrollment or, with a base release, the ones with a result that may have changed, because
    of changed input or because of the time that has passed.
    """

    def __init__(
        self, connection: Connection, as_of: datetime, changed: ChangedKeys, base: Base | None = None
    ) -> None:
        self._connection, self._as_of = connection, as_of
        connection.execute_all(
            [assign_parts("parts"), *session_tree.find_trees(), *session_tree.find_affected(changed)]
        )
        sessions = self._read("sessions", _SESSIONS)
        numbers = sessions["part"].unique().sort().to_list() or [0]
        self._sessions = {number: _of(number, sessions) for number in numbers}
        self.changed_input = self._changed_input(changed)
        self._path_versions: PathVersions = path_versions(
            self._read("paths", "SELECT path_key FROM paths"),
            self._read("path steps", _STEPS),
            self._read("waivers", _WAIVERS),
        )
        requested = _may_have_changed(base, as_of, changed) if base else _ALL_ENROLLMENTS
        connection.execute_all(
            [
                Step(f"CREATE OR REPLACE TEMP TABLE requested AS {requested}", name="request enrollments"),
                *session_tree.find_rows_below("parts", "requested"),
                Step(f"CREATE OR REPLACE TEMP TABLE learners AS {_LEARNERS}", name="find the learners"),
            ]
        )
        self._user_ids = self._read("user ids", _USER_IDS)["user_id"]
        # Keys number the ids of their kind.
        self._step_ids, self._session_ids = (
            self._read(f"{kind} ids", f"SELECT {kind}_id FROM {kind}_keys ORDER BY {kind}_key")[f"{kind}_id"]
            for kind in ("step", "session")
        )
        self._elsewhere = f"({_ELSEWHERE})"
        if len(numbers) > _FETCHED:
            # Its rows are fetched in several queries.
            connection.execute(
                Step(
                    f"CREATE OR REPLACE TEMP TABLE elsewhere AS {_ELSEWHERE}", name="find attempts elsewhere"
                )
            )
            self._elsewhere = "elsewhere"
        # The requested enrollments matter only if other rows are reused.
        self._enrollments, self._inside = "enrollments", "step_activity"
        self._requested = f"{_REQUESTED} LIMIT 0"
        if base:
            of_requested = "SEMI JOIN requested USING (session_key, user_key)"
            self._enrollments, self._inside = f"enrollments {of_requested}", "inside"
            self._requested = _REQUESTED
            connection.execute(
                Step(
                    f"CREATE OR REPLACE TEMP TABLE inside AS FROM step_activity {of_requested}",
                    name="find attempts in the session",
                )
            )

    def _read(self, name: str, sql: str) -> pl.DataFrame:
        return self._connection.frame(Step(sql, name=f"read {name}"))

    def _changed_input(self, changed: ChangedKeys) -> ChangedInput:
        """The sessions, enrollments and learners with input that changed since the base release."""
        return ChangedInput(
            self._read(
                "changed sessions",
                f"SELECT session_key FROM path_sessions WHERE session_key IN (FROM {AFFECTED.sessions})",
            ),
            self._read(
                "changed enrollments",
                f"SELECT session_key, user_key, user_id FROM {AFFECTED.enrollments} "
                "JOIN user_keys USING (user_key)",
            ),
            self._read(
                "changed learners",
                f"SELECT company_id, user_id FROM {changed.learners} JOIN user_keys USING (user_key) "
                "JOIN company_keys USING (company_key)",
            ),
        )

    @property
    def firsts(self) -> list[tuple[str, str]]:
        """The first session of each part: company_id, session_id."""
        return [
            part.select("company_id", "session_id").row(0) if part.height else ("", "")
            for part in self._sessions.values()
        ]

    def __iter__(self) -> Iterator[Part]:
        sessions = self._sessions
        # The rows of sessions below are few, so they are fetched at once for all parts.
        sessions_below, enrollments_below, descendants, inside_below = (
            self._read(name, sql)
            for name, sql in {
                "sessions below": _SESSIONS_BELOW,
                "enrollments below": _ENROLLMENTS_BELOW,
                "pairs of sessions": _DESCENDANTS,
                "attempts below": _INSIDE_BELOW,
            }.items()
        )
        for first in range(0, max(sessions) + 1, _FETCHED):
            # DuckDB underestimates the rows that an always-true filter keeps and picks a bad join order.
            are_all = len(sessions) <= _FETCHED
            parts = "true" if are_all else f"part >= {first} AND part < {first + _FETCHED}"
            tables = {
                "enrollments": self._enrollments,
                "inside": self._inside,
                "elsewhere": self._elsewhere,
            }
            enrollments, inside, elsewhere, requested = (
                self._read(name, sql.format(parts=parts, **tables))
                for name, sql in {
                    "enrollments": _ENROLLMENTS,
                    "attempts in the session": _INSIDE,
                    "attempts elsewhere": _ELSEWHERE_OF,
                    "requested enrollments": self._requested,
                }.items()
            )
            for number in (number for number in sessions if first <= number < first + _FETCHED):
                as_of = pl.lit(self._as_of).dt.cast_time_unit("us").alias("as_of")
                children = ChildSessions(
                    _of(number, sessions_below),
                    self._named(_of(number, enrollments_below)),
                    _of(number, descendants),
                )
                made_elsewhere = _of(number, elsewhere)
                is_completed = made_elsewhere["completed_at"].is_not_null()
                inputs = RuleInputs(
                    sessions[number],
                    self._path_versions,
                    self._named(_of(number, enrollments)).with_columns(as_of),
                    pl.concat([_of(number, inside), _of(number, inside_below)]),
                    made_elsewhere.filter(is_completed),
                    made_elsewhere.filter(~is_completed),
                    self._step_ids,
                    self._session_ids,
                    children,
                )
                yield Part(inputs, _of(number, requested))

    def _named(self, enrollments: pl.DataFrame) -> pl.DataFrame:
        """The enrollments with their learners' ids."""
        return enrollments.with_columns(user_id=self._user_ids.gather(enrollments["user_place"]))


def _of(part: int, rows: pl.DataFrame) -> pl.DataFrame:
    """The part's rows: for so few parts to filter takes half of what partitioning does."""
    return rows.filter(pl.col("part") == part).drop("part")


def _may_have_changed(base: Base, as_of: datetime, changed: ChangedKeys) -> str:
    """The query for enrollments with changed input, a new enrollment, or a row that is no longer valid.

    An attempt's account may change with time although no field of its enrollment does: if the attempt or the
    definition of its step is dated between the two instants, or a child enrollment begins there (R17).
    """

    def passed(*times: str) -> str:
        return " OR ".join(f"{time} > {instant(base.as_of)} AND {time} <= {instant(as_of)}" for time in times)

    redefined = " UNION ".join(
        f"SELECT path_key FROM {table} WHERE {passed('valid_from', 'valid_to')}"
        for table in ("path_steps", "waivers")
    )
    enrolled = f"SELECT session_key, user_key FROM enrollments WHERE {passed('enrolled_at')}"
    return f"""
    SELECT session_key, user_key FROM enrollments
    WHERE session_key IN (FROM {AFFECTED.sessions}) OR user_key IN (FROM {changed.learners})
      OR session_key IN (SELECT session_key FROM path_sessions WHERE path_key IN ({redefined}))
    UNION FROM ({session_tree.whole_trees(enrolled, "user_key")}) AS t
      WHERE EXISTS (FROM enrollments AS e WHERE e.session_key = t.session_key AND e.user_key = t.user_key)
    UNION FROM {AFFECTED.enrollments}
    UNION SELECT session_key, user_key {_of_release(base.stats)} WHERE valid_until <= {instant(as_of)}
    UNION SELECT session_key, user_key {_of_release(base.attempts)}
      WHERE {passed("started_at", "completed_at")}"""


def _of_release(table: Path) -> str:
    """The rows of a release's table, with the keys of their sessions and learners."""
    return f"""
      FROM {parquet(table)} AS r
      JOIN company_keys AS c USING (company_id)
      JOIN session_keys AS s ON s.company_key = c.company_key AND s.session_id = r.session_id
      JOIN user_keys AS u ON u.company_key = c.company_key AND u.user_id = r.user_id"""
