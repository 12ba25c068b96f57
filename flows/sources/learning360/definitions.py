"""Build the SQL for users, paths, steps, sessions and enrollments from the stored pages."""

from flows.database.connection import quoted
from flows.sources.learning360 import resources
from flows.sources.learning360.landed_rows import json_at, landed, named, rounded_down, rounded_up, text_at
from flows.sources.page_store import Landing
from schemas.enums import DUE_UNITS, MESSAGE_STEP_TYPES, STEP_TYPES, TIME_LIMIT_MODES, USER_STATUSES


def of_company(landing: Landing) -> str:
    """The column company_id, from the settings: responses don't contain it, as a token is for one company."""
    return f"{quoted(landing.record.company_id)} AS company_id"


def landed_tables(landing: Landing) -> dict[str, str]:
    """The queries for the rows of each list, by table name."""
    return {
        "users_landed": landed(landing, resources.USERS, "_id mail firstName lastName status"),
        "paths_landed": landed(landing, resources.PATHS, "_id name", "options steps"),
        "sessions_landed": landed(
            landing,
            resources.SESSIONS,
            "_id pathId name startDate endDate rootSessionId",
            "automaticReenrollment",
        ),
        "enrollments_landed": landed(
            landing, resources.ENROLLMENTS, "_id sessionId userId createdAt archivedAt"
        ),
        "catalog_landed": landed(landing, resources.CATALOG, "_id name type"),
        "classrooms_landed": landed(landing, resources.CLASSROOMS, "_id name"),
    }


def users(landing: Landing) -> str:
    """The users. An unknown status counts as active; the status decides which user an e-mail finds."""
    return f"""
    SELECT {of_company(landing)}, _id AS user_id, mail AS email, firstName AS first_name,
      lastName AS last_name, CASE WHEN status IS NULL OR status IN {_in(USER_STATUSES)} THEN status
        ELSE 'active' END AS status
    FROM users_landed"""


def paths(landing: Landing) -> str:
    return f"""
    SELECT {of_company(landing)}, _id AS path_id, {named("name")} AS name,
      coalesce({text_at("options", "mandatoryReplay")}, 'false') AS mandatory_replay,
      {text_at("options", "linearProgression")} AS linear_progression
    FROM paths_landed"""


def steps_landed() -> str:
    """The steps of the paths that were read; a step's index in the path's list is its position."""
    return f"""
    SELECT path_id, position, step, {text_at("step", "_id")} AS step_id, {text_at("step", "type")} AS type,
      {json_at("step", "options")} AS options
    FROM (SELECT _id AS path_id, unnest(TRY_CAST(steps AS JSON[])) AS step,
            generate_subscripts(TRY_CAST(steps AS JSON[]), 1) - 1 AS position FROM paths_landed)
    WHERE {text_at("step", "type")} IS NOT NULL"""


def path_steps(landing: Landing) -> str:
    """The present step definitions; the warehouse adds their validity.

    Due dates are relative to the enrollment. An assessment is never optional and has no due date. Steps of
    unknown types are left out, as are options with an unknown unit or mode: `strange` reports them. A time
    limit of 0 seconds is ignored. Whether a course is SCORM is in `titles_now`.
    """
    unit, value = text_at("options", "relativeDate.unit"), text_at("options", "relativeDate.value")
    mode, seconds = text_at("options", "timeLimit.mode"), text_at("options", "timeLimit.value")
    is_due = f"type <> 'assessment' AND {unit} IN {_in(DUE_UNITS)} AND {value} IS NOT NULL"
    is_limited = f"{mode} IN {_in(TIME_LIMIT_MODES)} AND TRY_CAST({seconds} AS DOUBLE) IS DISTINCT FROM 0"
    never_optional = _in(("assessment", *MESSAGE_STEP_TYPES))
    return f"""
    SELECT {of_company(landing)}, path_id, step_id, position, type,
      CASE WHEN type IN {never_optional} THEN 'false'
        ELSE coalesce({text_at("options", "optional")}, 'false') END AS optional,
      CASE WHEN {is_due} THEN 'enrollment' END AS due_basis,
      CASE WHEN {is_due} THEN {unit} END AS due_unit,
      CASE WHEN {is_due} THEN {value} END AS due_value,
      {text_at("options", "minScore")} AS min_score,
      {rounded_down(text_at("options", "attemptsLimit"), least=1)} AS attempts_limit,
      CASE WHEN {is_limited} THEN {mode} END AS time_limit_mode,
      CASE WHEN {is_limited} THEN {seconds} END AS time_limit_s,
      'false' AS is_scorm, coalesce({text_at("options", "isExamination")}, 'false') AS is_examination
    FROM steps_landed WHERE type IN {_in(STEP_TYPES)}"""


def titles_now() -> str:
    """Resources that can be a step, by type and id: the title, and whether a course is SCORM.

    The API has no list of assessments or programs, so they have no title.
    """
    return f"""
    SELECT 'course' AS type, _id AS step_id, {named("name")} AS title, type = '{resources.SCORM}' AS is_scorm
    FROM catalog_landed
    UNION ALL SELECT 'classroom', _id, {named("name")}, false FROM classrooms_landed
    UNION ALL SELECT 'path', _id, {named("name")}, false FROM paths_landed"""


def path_steps_now() -> str:
    """The known steps, each with the title and type of its resource if known."""
    return """
    SELECT s.* REPLACE (CASE WHEN t.is_scorm THEN 'true' ELSE 'false' END AS is_scorm), t.title
    FROM steps_known AS s LEFT JOIN titles_known AS t USING (type, step_id)"""


def waivers_now() -> str:
    """Waivers: one row per threshold of a positioning quiz and step that it waives."""
    return f"""
    SELECT DISTINCT path_id, step_id, threshold, json_extract_string(waived, '$') AS waived_step_id FROM (
      SELECT path_id, step_id, {rounded_up(text_at("line", "thresholdValue"))} AS threshold,
        unnest(TRY_CAST({json_at("line", "waivedStepIds")} AS JSON[])) AS waived
      FROM (SELECT path_id, step_id, unnest(TRY_CAST({json_at("options", "thresholds")} AS JSON[])) AS line
            FROM steps_landed))"""


def path_sessions(landing: Landing) -> str:
    """The sessions. automaticReenrollment is an object if it is on, and absent if it is off."""
    again = "automaticReenrollment"
    return f"""
    SELECT {of_company(landing)}, _id AS session_id, pathId AS path_id, {named("name")} AS name,
      startDate AS starts_at,
      endDate AS ends_at,
      CASE WHEN {again} IS NULL OR CAST({again} AS VARCHAR) IN ('null', 'false') THEN 'false'
        ELSE 'true' END AS restarts_on_reenrollment
    FROM sessions_landed"""


def sessions_known() -> str:
    """The sessions with their paths and root sessions, for other tables than `path_sessions`."""
    return """
    SELECT _id AS session_id, pathId AS path_id, rootSessionId AS root_session_id FROM sessions_landed"""


def enrollments(landing: Landing) -> str:
    return f"""
    SELECT {of_company(landing)}, _id AS enrollment_id, sessionId AS session_id, userId AS user_id,
      createdAt AS enrolled_at, archivedAt AS archived_at
    FROM enrollments_landed"""


def _in(values: tuple[str, ...]) -> str:
    return f"({', '.join(map(quoted, values))})"
