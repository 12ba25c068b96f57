"""Users, paths, steps, sessions and enrollments, as SQL over the stored pages."""

from flows.database.connection import quoted
from flows.sources.learning360 import resources
from flows.sources.learning360.landed_rows import json_at, landed, named, rounded_down, rounded_up, text_at
from flows.sources.page_store import Landing
from schemas.enums import DUE_UNITS, MESSAGE_STEP_TYPES, STEP_TYPES, TIME_LIMIT_MODES, USER_STATUSES


def of_company(landing: Landing) -> str:
    """No answer names the company: a token belongs to one, and which is a setting."""
    return f"{quoted(landing.record.company_id)} AS company_id"


def landed_tables(landing: Landing) -> dict[str, str]:
    """The fields that are read from each list, by table."""
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
    """A user with an unknown status counts as active, which decides who answers to an e-mail."""
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
    """The steps of the paths that were read: a step's place in the list is its position."""
    return f"""
    SELECT path_id, position, step, {text_at("step", "_id")} AS step_id, {text_at("step", "type")} AS type,
      {json_at("step", "options")} AS options
    FROM (SELECT _id AS path_id, unnest(TRY_CAST(steps AS JSON[])) AS step,
            generate_subscripts(TRY_CAST(steps AS JSON[]), 1) - 1 AS position FROM paths_landed)
    WHERE {text_at("step", "type")} IS NOT NULL"""


def path_steps(landing: Landing) -> str:
    """The definitions as the platform has them now; the warehouse dates them.

    Due dates are relative, from the enrollment. An assessment is never optional and has none. A step of an
    unknown type is left out, and so is an option with an unknown unit or mode: `schema_drift` names them.
    A time limit of 0 seconds is ignored. Whether a course is SCORM is in `titles_now`.
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
    """The resources that can be a step, by type and id: their titles, and whether a course is SCORM.

    Assessments and programs have no list, so they have no title.
    """
    return f"""
    SELECT 'course' AS type, _id AS step_id, {named("name")} AS title, type = '{resources.SCORM}' AS is_scorm
    FROM catalog_landed
    UNION ALL SELECT 'classroom', _id, {named("name")}, false FROM classrooms_landed
    UNION ALL SELECT 'path', _id, {named("name")}, false FROM paths_landed"""


def path_steps_now() -> str:
    """The known steps, each with the facts about its resource."""
    return """
    SELECT s.* REPLACE (CASE WHEN t.is_scorm THEN 'true' ELSE 'false' END AS is_scorm), t.title
    FROM steps_known AS s LEFT JOIN titles_known AS t USING (type, step_id)"""


def waivers_now() -> str:
    """The steps that the score in a positioning quiz waives: each step that one of its thresholds names."""
    return f"""
    SELECT DISTINCT path_id, step_id, threshold, json_extract_string(waived, '$') AS waived_step_id FROM (
      SELECT path_id, step_id, {rounded_up(text_at("line", "thresholdValue"))} AS threshold,
        unnest(TRY_CAST({json_at("line", "waivedStepIds")} AS JSON[])) AS waived
      FROM (SELECT path_id, step_id, unnest(TRY_CAST({json_at("options", "thresholds")} AS JSON[])) AS line
            FROM steps_landed))"""


def path_sessions(landing: Landing) -> str:
    """Automatic re-enrollment is an object when it is on, and missing when it is off."""
    again = "automaticReenrollment"
    return f"""
    SELECT {of_company(landing)}, _id AS session_id, pathId AS path_id, {named("name")} AS name,
      startDate AS starts_at,
      endDate AS ends_at,
      CASE WHEN {again} IS NULL OR CAST({again} AS VARCHAR) IN ('null', 'false') THEN 'false'
        ELSE 'true' END AS restarts_on_reenrollment
    FROM sessions_landed"""


def sessions_known() -> str:
    """The sessions, with the columns from which other tables than `path_sessions` are made."""
    return """
    SELECT _id AS session_id, pathId AS path_id, rootSessionId AS root_session_id FROM sessions_landed"""


def enrollments(landing: Landing) -> str:
    return f"""
    SELECT {of_company(landing)}, _id AS enrollment_id, sessionId AS session_id, userId AS user_id,
      createdAt AS enrolled_at, archivedAt AS archived_at
    FROM enrollments_landed"""


def _in(values: tuple[str, ...]) -> str:
    return f"({', '.join(map(quoted, values))})"
