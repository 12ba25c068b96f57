"""Read the rule inputs from the warehouse, part by part, so that memory stays flat."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from flows.database.connection import Connection, instant, parquet
from flows.warehouse import session_tree
from transforms.path_versions import PathVersions, path_versions
from transforms.rule_inputs import Below, RuleInputs
from transforms.status_changes import Touched

_BUCKET_ENROLLMENTS = 100_000
# How many parts are fetched at once: each query scans a whole table.
_FETCHED = 16

_SESSIONS_IN = """
    SELECT part, session_key, path_key, company_id, session_id, path_id, s.name, starts_at, ends_at,
      restarts_on_reenrollment, mandatory_replay, coalesce(root_session_key, session_key) AS root_key,
      root_session_key IS NOT NULL AS is_child
    FROM path_sessions AS s JOIN ({parts}) USING (session_key)
    JOIN paths USING (path_key) LEFT JOIN made_for USING (session_key)
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
# Sessions in publication order, cut after so many enrollments, without the ones of unknown paths.
_BUCKETS = """
    SELECT session_key, path_key, CAST(
        (sum(n) OVER (ORDER BY company_id, session_id ROWS UNBOUNDED PRECEDING) - n) // {enrollments}
      AS INTEGER) AS part
    FROM (
      SELECT s.session_key, s.path_key, company_id, session_id,
        (SELECT count(*) FROM enrollments AS e WHERE e.session_key = s.session_key) AS n
      FROM path_sessions AS s JOIN paths USING (path_key) JOIN session_keys USING (session_key)
      JOIN company_keys ON company_keys.company_key = s.company_key)"""
# What an index names answers by.
SESSIONS_BY_ID = f"""
    SELECT company_id, company_key, session_id, session_key
    FROM ({_SESSIONS}) JOIN company_keys USING (company_id)"""
USERS_BY_ID = """
    SELECT company_id, user_id, u.* FROM users AS u JOIN user_keys USING (user_key)
    JOIN company_keys ON company_keys.company_key = u.company_key"""
# The users' places in the order of publication.
USERS_IN_ORDER = f"""
    SELECT user_key, CAST(row_number() OVER (ORDER BY company_id, user_id) - 1 AS UINTEGER) AS user_place
    FROM ({USERS_BY_ID})"""
_EVERYBODY = "SELECT DISTINCT session_key, user_key FROM enrollments"
# The learners who are asked about, with their ids, once each.
_LEARNERS = f"{USERS_IN_ORDER} WHERE user_key IN (SELECT user_key FROM asked)"
_USER_IDS = "SELECT user_id FROM learners JOIN user_keys USING (user_key) ORDER BY user_place"
_FACTS = (
    "session_key, user_key, step_key, started_at, last_activity_at, completed_at, progress, score, "
    "time_spent_ms, passed"
)
# The enrollment that an attempt names; only in its session does it matter (R4).
_NAMED = "enrollment_id AS named_enrollment_id"
# Who did a step of the session's path somewhere else. DuckDB takes a fifth longer to join all at one level.
_ELSEWHERE = """
    SELECT q.part, a.* EXCLUDE (company_key, path_key) REPLACE (q.session_key AS session_key),
      a.session_key AS made_in_key
    FROM (SELECT a.*, path_key FROM step_activity AS a
          JOIN (SELECT DISTINCT path_key, step_key FROM path_steps) USING (step_key)) AS a
    JOIN (SELECT session_key, user_key, path_key, part FROM asked JOIN parts USING (session_key)
          UNION ALL FROM further) AS q
      ON q.user_key = a.user_key AND q.path_key = a.path_key
    WHERE a.session_key IS DISTINCT FROM q.session_key"""

_ENROLLMENTS = """
    SELECT part, session_key, user_key, user_place, enrollment_id, enrolled_at, archived_at
    FROM {enrollments} JOIN parts USING (session_key) JOIN learners USING (user_key) WHERE {parts}"""
_INSIDE = f"SELECT part, {_FACTS}, {_NAMED} FROM {{inside}} JOIN parts USING (session_key) WHERE {{parts}}"
_ELSEWHERE_OF = f"SELECT part, {_FACTS}, activity_id, made_in_key FROM {{elsewhere}} WHERE {{parts}}"
# R17: the rows that child sessions add to a part.
_SESSIONS_BELOW = _SESSIONS_IN.format(
    parts="SELECT DISTINCT child_key AS session_key, part FROM below JOIN parts USING (session_key)"
)
_ENROLLMENTS_BELOW = """
    SELECT part, session_key, user_key, user_place, enrollment_id, enrolled_at, archived_at
    FROM enrollments JOIN looked_into USING (session_key, user_key) JOIN learners USING (user_key)"""
_LOOKS_INTO = "SELECT part, session_key, child_key FROM below JOIN parts USING (session_key)"
_INSIDE_BELOW = f"""
    SELECT part, {_FACTS}, {_NAMED} FROM step_activity JOIN further USING (session_key, user_key)"""
_ASKED = """
    SELECT part, session_key, user_key, user_id FROM asked JOIN parts USING (session_key)
    JOIN user_keys USING (user_key) WHERE {parts}"""


@dataclass(frozen=True)
class Since:
    """The release that rows may be carried over from: its as_of, path_session_stats and attempts."""

    as_of: datetime
    stats: Path
    attempts: Path


@dataclass(frozen=True)
class Part:
    """Sessions that follow each other in publication order.

    inputs: with the learners that are asked about.
    asked: session_key, user_key, user_id of all learners asked about, removed enrollments included.
    """

    inputs: RuleInputs
    asked: pl.DataFrame


class PartReader:
    """The valid rows without missing references, part by part.

    Asks about every learner of every session or, since a release, about the ones with a result that may have
    changed, because of changed input or because of the time that has passed.
    """

    def __init__(self, connection: Connection, as_of: datetime, since: Since | None = None) -> None:
        self._duck, self._as_of = connection, as_of
        parts = _BUCKETS.format(enrollments=_BUCKET_ENROLLMENTS)
        connection.execute_all([f"CREATE OR REPLACE TEMP TABLE parts AS {parts}", *session_tree.declare()])
        sessions = connection.frame(_SESSIONS)
        numbers = sessions["part"].unique().sort().to_list() or [0]
        self._sessions = {number: _of(number, sessions) for number in numbers}
        paths = connection.frame("SELECT path_key FROM paths")
        self.touched = self._touched()
        self._curricula: PathVersions = path_versions(
            paths, connection.frame(_STEPS), connection.frame(_WAIVERS)
        )
        asked = _those_touched(since, as_of) if since else _EVERYBODY
        connection.execute_all(
            [
                f"CREATE OR REPLACE TEMP TABLE asked AS {asked}",
                *session_tree.look_below(),
                f"CREATE OR REPLACE TEMP TABLE learners AS {_LEARNERS}",
            ]
        )
        self._user_ids = connection.frame(_USER_IDS)["user_id"]
        # Keys number the ids of their kind.
        self._step_ids = connection.frame("SELECT step_id FROM step_keys ORDER BY step_key")["step_id"]
        self._session_ids = connection.frame("SELECT session_id FROM session_keys ORDER BY session_key")[
            "session_id"
        ]
        self._elsewhere = f"({_ELSEWHERE})"
        if len(numbers) > _FETCHED:
            # It is asked for more than once.
            connection.execute(f"CREATE OR REPLACE TEMP TABLE elsewhere AS {_ELSEWHERE}")
            self._elsewhere = "elsewhere"
        # The learners asked about matter only if other rows are reused.
        self._enrollments, self._inside, self._asked = "enrollments", "step_activity", f"{_ASKED} LIMIT 0"
        if since:
            of_those_asked = "SEMI JOIN asked USING (session_key, user_key)"
            self._enrollments, self._inside, self._asked = f"enrollments {of_those_asked}", "inside", _ASKED
            connection.execute(f"CREATE OR REPLACE TEMP TABLE inside AS FROM step_activity {of_those_asked}")

    def _touched(self) -> Touched:
        """Whose input is not what it was when the last release was made."""
        sessions = self._duck.frame(
            "SELECT session_key FROM path_sessions WHERE session_key IN (FROM sessions_in_touch)"
        )
        enrollments = self._duck.frame(
            "SELECT session_key, user_key, user_id FROM enrollments_in_touch JOIN user_keys USING (user_key)"
        )
        learners = self._duck.frame(
            "SELECT company_id, user_id FROM touched_learners JOIN user_keys USING (user_key) "
            "JOIN company_keys USING (company_key)"
        )
        return Touched(sessions, enrollments, learners)

    @property
    def firsts(self) -> list[tuple[str, str]]:
        """The first session of each part: company_id, session_id."""
        return [
            part.select("company_id", "session_id").row(0) if part.height else ("", "")
            for part in self._sessions.values()
        ]

    def __iter__(self) -> Iterator[Part]:
        sessions = self._sessions
        # Few: what is looked into of other sessions is fetched at once.
        sessions_below, enrollments_below, looks_into, inside_below = (
            self._duck.frame(sql) for sql in (_SESSIONS_BELOW, _ENROLLMENTS_BELOW, _LOOKS_INTO, _INSIDE_BELOW)
        )
        for first in range(0, max(sessions) + 1, _FETCHED):
            # A condition that every row meets DuckDB takes for one that few meet, and joins accordingly.
            are_all = len(sessions) <= _FETCHED
            parts = "true" if are_all else f"part >= {first} AND part < {first + _FETCHED}"
            tables = {
                "enrollments": self._enrollments,
                "inside": self._inside,
                "elsewhere": self._elsewhere,
            }
            enrollments, inside, elsewhere, asked = (
                self._duck.frame(sql.format(parts=parts, **tables))
                for sql in (_ENROLLMENTS, _INSIDE, _ELSEWHERE_OF, self._asked)
            )
            for number in (number for number in sessions if first <= number < first + _FETCHED):
                as_of = pl.lit(self._as_of).dt.cast_time_unit("us").alias("as_of")
                below = Below(
                    _of(number, sessions_below),
                    self._named(_of(number, enrollments_below)),
                    _of(number, looks_into),
                )
                made_elsewhere = _of(number, elsewhere)
                is_completed = made_elsewhere["completed_at"].is_not_null()
                inputs = RuleInputs(
                    sessions[number],
                    self._curricula,
                    self._named(_of(number, enrollments)).with_columns(as_of),
                    pl.concat([_of(number, inside), _of(number, inside_below)]),
                    made_elsewhere.filter(is_completed),
                    made_elsewhere.filter(~is_completed),
                    self._step_ids,
                    self._session_ids,
                    below,
                )
                yield Part(inputs, _of(number, asked))

    def _named(self, enrollments: pl.DataFrame) -> pl.DataFrame:
        """The enrollments with their learners' ids."""
        return enrollments.with_columns(user_id=self._user_ids.gather(enrollments["user_place"]))


def _of(part: int, rows: pl.DataFrame) -> pl.DataFrame:
    """The part's rows: for so few parts to filter takes half of what partitioning does."""
    return rows.filter(pl.col("part") == part).drop("part")


def _those_touched(since: Since, as_of: datetime) -> str:
    """Learners in sessions with changed input, a new enrollment, or a row that is no longer valid.

    An attempt's account may change with time where no field of its enrollment does: where the attempt or the
    definition of its step is dated between the two instants, or a child enrollment begins there (R17).
    """

    def came(*times: str) -> str:
        return " OR ".join(
            f"{time} > {instant(since.as_of)} AND {time} <= {instant(as_of)}" for time in times
        )

    redefined = " UNION ".join(
        f"SELECT path_key FROM {table} WHERE {came('valid_from', 'valid_to')}"
        for table in ("path_steps", "waivers")
    )
    enrolled = f"SELECT session_key, user_key FROM enrollments WHERE {came('enrolled_at')}"
    return f"""
    SELECT session_key, user_key FROM enrollments
    WHERE session_key IN (FROM sessions_in_touch) OR user_key IN (FROM touched_learners)
      OR session_key IN (SELECT session_key FROM path_sessions WHERE path_key IN ({redefined}))
    UNION FROM ({session_tree.relatives(enrolled, "user_key")}) AS t
      WHERE EXISTS (FROM enrollments AS e WHERE e.session_key = t.session_key AND e.user_key = t.user_key)
    UNION FROM enrollments_in_touch
    UNION SELECT session_key, user_key {_of_release(since.stats)} WHERE valid_until <= {instant(as_of)}
    UNION SELECT session_key, user_key {_of_release(since.attempts)}
      WHERE {came("started_at", "completed_at")}"""


def _of_release(table: Path) -> str:
    """The rows of a release's table, with the keys of their sessions and learners."""
    return f"""
      FROM {parquet(table)} AS r
      JOIN company_keys AS c USING (company_id)
      JOIN session_keys AS s ON s.company_key = c.company_key AND s.session_id = r.session_id
      JOIN user_keys AS u ON u.company_key = c.company_key AND u.user_id = r.user_id"""
