"""Build the input tables from the stored pages: one parquet file each, with DuckDB."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from flows.database.connection import Connection, file_name
from flows.sources.learning360 import activity, definitions, landing_warnings, sync_state
from flows.sources.learning360.landed_rows import older_versions, parquet_or
from flows.sources.learning360.sync_plan import WHOLE, Decision
from flows.sources.page_store import Landing
from schemas.errors import SourceError

# The id and version columns to select among rows that were read twice; without a version, the last one wins.
_IDS = {"registrations_landed": ("registration", ""), "courses_landed": ("_id", "lastActivityAt")}


@dataclass(frozen=True)
class Tables:
    """The input tables built from a landing.

    full:     the tables that are whole; the others are changes.
    warnings: sentences about incomplete or unknown data.
    """

    files: dict[str, Path]
    full: frozenset[str]
    warnings: list[str]


def make_tables(landing: Landing, folder: Path, known_to: Path) -> Tables:
    """Write the tables into the folder, and the state for the next extraction into `known_to`.

    Raises: SourceError if the landing's files can't be read.
    """
    known_to.mkdir(exist_ok=True)
    try:
        with Connection(folder / "landed.duckdb") as connection:
            return _TableBuilder(connection, landing, folder, known_to).make()
    except duckdb.Error as error:
        raise SourceError(
            f"{landing.folder}: the stored pages can't be read ({type(error).__name__}). Delete the folder "
            "and run again with --source 360learning."
        ) from error


class _TableBuilder:
    def __init__(self, connection: Connection, landing: Landing, folder: Path, known_to: Path) -> None:
        self._duck = connection
        self._landing = landing
        self._folder = folder
        self._known = known_to
        self._before = landing.folder / sync_state.BEFORE
        self._is_full = landing.record.is_full

    def make(self) -> Tables:
        landed = definitions.landed_tables(self._landing) | activity.landed_tables(self._landing)
        for table, rows in landed.items():
            self._table(table, rows)
            id, version = _IDS.get(table, ("_id", ""))
            if table != "events_landed":
                self._duck.execute(older_versions(table, id, version))
        self._table("steps_landed", definitions.steps_landed())
        self._remember()
        queries = {
            "users": definitions.users(self._landing),
            "paths": definitions.paths(self._landing),
            "path_steps": definitions.path_steps_now(),
            "path_sessions": definitions.path_sessions(self._landing),
            "enrollments": definitions.enrollments(self._landing),
            "step_activity": " UNION ALL BY NAME ".join(
                of(self._landing) for of in (activity.attempts, activity.attendances, activity.corrections)
            ),
            "waivers": self._with_company("waivers_known"),
            "child_sessions": self._with_company(
                "(SELECT session_id, root_session_id FROM sessions_known WHERE root_session_id IS NOT NULL)"
            ),
        }
        files = {
            table: self._file(self._folder / f"{table}.parquet", query) for table, query in queries.items()
        }
        courses = self._handed(sync_state.COURSES, _COURSES)
        return Tables(files, self._full(), landing_warnings.warnings(self._duck, self._landing, courses))

    def _full(self) -> frozenset[str]:
        """The tables delivered in full. Steps, waivers and child sessions are small enough for that."""
        always = {"users", "path_steps", "waivers", "child_sessions"}
        decision = self._landing.record.decision
        if not Decision.of_json(decision or WHOLE.as_json()).batches:
            always.add("step_activity")
        return frozenset(always | ({"paths", "path_sessions", "enrollments"} if self._is_full else set()))

    def _remember(self) -> None:
        """Merge the rows read now with the earlier state, for the tables and for the next extraction."""
        paths, sessions = "SELECT _id FROM paths_landed", "SELECT _id FROM sessions_landed"
        enrollments = "SELECT _id FROM enrollments_landed"
        path_steps = definitions.path_steps(self._landing)
        self._know("steps_known", path_steps, sync_state.STEPS, _STEPS, f"path_id NOT IN ({paths})")
        self._know(
            "waivers_known",
            definitions.waivers_now(),
            sync_state.WAIVERS,
            _WAIVERS,
            f"path_id NOT IN ({paths})",
        )
        self._know(
            "sessions_known",
            definitions.sessions_known(),
            sync_state.SESSIONS,
            _SESSIONS,
            f"session_id NOT IN ({sessions})",
        )
        self._know(
            "enrolled",
            activity.enrolled(),
            sync_state.ENROLLMENTS,
            _ENROLLMENTS,
            f"enrollment_id NOT IN ({enrollments})",
        )
        titles = definitions.titles_now()
        others = f"(type, step_id) NOT IN (SELECT (type, step_id) FROM ({titles}))"
        self._know("titles_known", titles, sync_state.TITLES, _TITLES, others, is_kept=True)
        # The platform deletes events after 90 days, so a full extraction also keeps the earlier corrections.
        self._table("corrected", activity.corrected(self._handed(sync_state.CORRECTIONS, _CORRECTIONS)))
        self._table("courses_known", self._courses())
        for file, table in _HANDED_ON.items():
            self._file(self._known / file, f"FROM {table}")

    def _know(
        self, table: str, now: str, file: str, columns: str, others: str, *, is_kept: bool = False
    ) -> None:
        """Create a table of the rows read now (`now`) and the earlier rows that were not read now (`others`).

        A full extraction drops the earlier rows unless `is_kept`.
        """
        keeps_earlier = "true" if is_kept or not self._is_full else "false"
        self._table(
            table,
            f"{now} UNION ALL BY NAME SELECT * FROM {self._handed(file, columns)} "
            f"WHERE {keeps_earlier} AND {others}",
        )

    def _courses(self) -> str:
        """Each course: attempts at the last count, whether some are in a session, whether it was a step."""
        uncounted = "0" if self._is_full else "coalesce(b.attempts, 0)"
        return f"""
        SELECT course_id, coalesce(n.attempts, {uncounted}) AS attempts,
          coalesce(n.in_session, false) OR coalesce(b.in_session, false) AS in_session,
          coalesce(s.is_step, false) OR coalesce(b.is_step, false) AS is_step
        FROM (SELECT courseId AS course_id, count(*) AS attempts,
                bool_or(pathSessionId IS NOT NULL) AS in_session
              FROM courses_landed WHERE courseId IS NOT NULL GROUP BY 1) AS n
        FULL JOIN (SELECT DISTINCT step_id AS course_id, true AS is_step FROM steps_known
                   WHERE type = 'course' AND step_id IS NOT NULL) AS s USING (course_id)
        FULL JOIN {self._handed(sync_state.COURSES, _COURSES)} AS b USING (course_id)"""

    def _handed(self, file: str, columns: str) -> str:
        return parquet_or(self._before / file, columns)

    def _with_company(self, table: str) -> str:
        return f"SELECT {definitions.of_company(self._landing)}, * FROM {table}"

    def _table(self, name: str, query: str) -> None:
        self._duck.execute(f"CREATE OR REPLACE TABLE {name} AS {query}")

    def _file(self, file: Path, query: str) -> Path:
        # The file may be a hard link to an older landing's file, which must not be overwritten.
        file.unlink(missing_ok=True)
        self._duck.execute(f"COPY ({query}) TO {file_name(file)} (FORMAT parquet)")
        return file


_STEPS = (
    "company_id VARCHAR, path_id VARCHAR, step_id VARCHAR, position BIGINT, type VARCHAR, optional VARCHAR, "
    "due_basis VARCHAR, due_unit VARCHAR, due_value VARCHAR, min_score VARCHAR, attempts_limit VARCHAR, "
    "time_limit_mode VARCHAR, time_limit_s VARCHAR, is_scorm VARCHAR, is_examination VARCHAR"
)
_SESSIONS = "session_id VARCHAR, path_id VARCHAR, root_session_id VARCHAR"
_ENROLLMENTS = (
    "enrollment_id VARCHAR, path_id VARCHAR, session_id VARCHAR, user_id VARCHAR, enrolled_at TIMESTAMPTZ, "
    "archived_at TIMESTAMPTZ"
)
_CORRECTIONS = (
    "correction VARCHAR, user_id VARCHAR, step_id VARCHAR, session_id VARCHAR, corrected_at VARCHAR, "
    "score VARCHAR, success VARCHAR, enrollment_id VARCHAR"
)
_TITLES = "type VARCHAR, step_id VARCHAR, title VARCHAR, is_scorm BOOLEAN"
_WAIVERS = "path_id VARCHAR, step_id VARCHAR, threshold VARCHAR, waived_step_id VARCHAR"
_COURSES = "course_id VARCHAR, attempts BIGINT, in_session BOOLEAN, is_step BOOLEAN"
_HANDED_ON = {
    sync_state.STEPS: "steps_known",
    sync_state.SESSIONS: "sessions_known",
    sync_state.ENROLLMENTS: "enrolled",
    sync_state.CORRECTIONS: "corrected",
    sync_state.WAIVERS: "waivers_known",
    sync_state.COURSES: "courses_known",
    sync_state.TITLES: "titles_known",
}
