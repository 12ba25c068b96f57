"""Build the SQL for attempts at courses, attendances and corrections from the stored pages."""

from flows.sources.learning360 import resources
from flows.sources.learning360.definitions import of_company
from flows.sources.learning360.landed_rows import OWNER, PAGE, json_at, landed, text_at, whole
from flows.sources.page_store import Landing


def landed_tables(landing: Landing) -> dict[str, str]:
    """The queries for the rows of each list, by table name."""
    return {
        "courses_landed": landed(
            landing,
            resources.COURSES,
            "_id userId courseId pathSessionId progress score timeSpent firstActivityAt lastActivityAt "
            "completedAt",
        ),
        "slots_landed": landed(landing, resources.SLOTS, "_id startDate endDate reportedDuration", "context"),
        "registrations_landed": _registrations(landing),
        "events_landed": _events(landing),
    }


def _registrations(landing: Landing) -> str:
    """Registrations with an id that differs from every course attempt's: their own, or slot and learner."""
    fields = "_id userId classroomSlotId hasAttended attendanceDuration pathId status archivedAt"
    return f"""
    SELECT *, coalesce('registration-' || _id, classroomSlotId || '-' || userId) AS registration,
      coalesce(status = 'archived', archivedAt IS NOT NULL) AS is_archived
    FROM ({landed(landing, resources.REGISTRATIONS, fields)})"""


def _events(landing: Landing) -> str:
    """Webhook events, either as sent, or in `payload` as the list of events returns them."""
    event = "coalesce(payload, CAST(to_json(e) AS JSON))"
    fact = json_at(event, "data")
    columns = ", ".join(f"{text_at(fact, name)} AS {column}" for column, name in _CORRECTION.items())
    return f"""
    SELECT {PAGE}, {text_at(event, "type")} AS type, {columns}
    FROM ({landed(landing, resources.CORRECTIONS, "type", "payload data")}) AS e"""


_CORRECTION = {
    "user_id": "userId",
    "step_id": "assessmentId",
    "session_id": "sessionId",
    "enrollment_id": "enrollmentId",
    "corrected_at": "correctedAt",
    "score": "score",
    "success": "success",
}
# A subscription's other events are ignored.
IS_CORRECTION = f"type = '{resources.CORRECTED}'"
# A correction needs an assessment, a learner and a time.
IS_WHOLE = "user_id IS NOT NULL AND step_id IS NOT NULL AND corrected_at IS NOT NULL"


def corrected(handed_on: str) -> str:
    """Each correction once, even if it was delivered several times under several event ids.

    handed_on: the corrections of earlier runs, which may lack the enrollment that a newer event of the same
    correction names. If there are several versions, the one that was read last counts.
    """
    return f"""
    WITH every AS (
      SELECT {", ".join(_CORRECTION)}, {PAGE} AS place FROM events_landed WHERE {IS_CORRECTION}
      UNION ALL BY NAME SELECT * EXCLUDE (correction), 0 AS place FROM {handed_on}),
    placed AS (
      SELECT *, coalesce({_instant("corrected_at")}, corrected_at) AS moment FROM every WHERE {IS_WHOLE}),
    of_enrollments AS (SELECT DISTINCT user_id, step_id, moment FROM placed WHERE enrollment_id IS NOT NULL)
    SELECT * EXCLUDE (place, moment), concat_ws('-', step_id, user_id, enrollment_id, moment) AS correction
    FROM placed
    WHERE enrollment_id IS NOT NULL OR (user_id, step_id, moment) NOT IN (FROM of_enrollments)
    QUALIFY row_number() OVER (PARTITION BY correction ORDER BY place DESC) = 1"""


def _instant(time: str) -> str:
    """The time in one format: 10:00:00Z and 10:00:00.000Z are the same instant."""
    moment = f"epoch_ms(epoch_ms(TRY_CAST({time} AS TIMESTAMPTZ)))"
    return f"strftime({moment}, '%Y-%m-%dT%H:%M:%S.%gZ')"


def attempts(landing: Landing) -> str:
    """Attempts at courses, without attempts that have no time at all, which have not begun.

    A missing time is derived from the other times. The platform has already excluded idle time.
    """
    return f"""
    SELECT {of_company(landing)}, _id AS activity_id, userId AS user_id, courseId AS step_id,
      pathSessionId AS session_id, coalesce(firstActivityAt, lastActivityAt, completedAt) AS started_at,
      coalesce(lastActivityAt, completedAt, firstActivityAt) AS last_activity_at, completedAt AS completed_at,
      coalesce({whole("progress")}, CASE WHEN completedAt IS NULL THEN '0' ELSE '100' END) AS progress,
      {whole("score")} AS score,
      coalesce({_rounded("timeSpent")}, timeSpent, '0') AS time_spent_ms
    FROM courses_landed WHERE coalesce(firstActivityAt, lastActivityAt, completedAt) IS NOT NULL"""


def attendances(landing: Landing) -> str:
    """Attendances of classroom slots. An attendance lasts from the slot's start to its end and is finished.

    A registration without attendance is not an attempt. An attendance belongs to the path session in the
    slot's context. If the context has none (slots of programs, standalone slots), it belongs to the learner's
    enrollment in the registration's path at the slot's start, the newest if there are several, else to no
    session. Two registrations for the same slot are one attendance. The time spent is the measured time, else
    the slot's reported duration, else the slot's length.
    """
    begins, ends = "TRY_CAST(s.startDate AS TIMESTAMPTZ)", "TRY_CAST(s.endDate AS TIMESTAMPTZ)"
    reported = "TRY_CAST(s.reportedDuration AS DOUBLE) * 3600000"
    lasted = f"epoch_ms({ends}) - epoch_ms({begins})"
    spent = f"round(coalesce(TRY_CAST(r.attendanceDuration AS DOUBLE), {reported}, {lasted}, 0))"
    of_path = f"{text_at('s.context', 'type')} = 'path'"
    named = f"CASE WHEN {of_path} THEN {text_at('s.context', '_id')} END"
    return f"""
    SELECT {of_company(landing)}, r.registration AS activity_id, r.userId AS user_id, r.{OWNER} AS step_id,
      coalesce({named}, e.session_id) AS session_id, s.startDate AS started_at,
      coalesce(s.endDate, s.startDate) AS last_activity_at, coalesce(s.endDate, s.startDate) AS completed_at,
      '100' AS progress, CAST(CAST({spent} AS BIGINT) AS VARCHAR) AS time_spent_ms
    FROM registrations_landed AS r JOIN slots_landed AS s ON s._id = r.classroomSlotId
    LEFT JOIN enrolled AS e ON e.path_id = r.pathId AND e.user_id = r.userId AND e.enrolled_at <= {begins}
      AND (e.archived_at IS NULL OR {begins} < e.archived_at)
    WHERE {ATTENDED} AND {COUNTS}
    QUALIFY row_number() OVER (
      PARTITION BY r.userId, s._id, r.{OWNER}, coalesce({named}, r.pathId)
      ORDER BY r.is_archived, r.registration, e.enrolled_at DESC NULLS LAST, e.enrollment_id DESC) = 1"""


ATTENDED = "r.hasAttended = 'true'"
# A registration that was archived before the slot's end was cancelled: the learner did not stay to the end.
COUNTS = (
    "(NOT r.is_archived OR TRY_CAST(r.archivedAt AS TIMESTAMPTZ) "
    ">= TRY_CAST(coalesce(s.endDate, s.startDate) AS TIMESTAMPTZ))"
)


def enrolled() -> str:
    """The enrollments that attendances can belong to, each with its path."""
    return f"""
    SELECT _id AS enrollment_id, {OWNER} AS path_id, sessionId AS session_id, userId AS user_id,
      TRY_CAST(createdAt AS TIMESTAMPTZ) AS enrolled_at, TRY_CAST(archivedAt AS TIMESTAMPTZ) AS archived_at
    FROM enrollments_landed"""


def corrections(landing: Landing) -> str:
    """Corrections as attempts that begin and end at the time of correction, with no time spent.

    An event may name its enrollment.
    """
    return f"""
    SELECT {of_company(landing)}, correction AS activity_id, user_id, step_id, session_id, enrollment_id,
      corrected_at AS started_at, corrected_at AS last_activity_at, corrected_at AS completed_at,
      '100' AS progress, {whole("score")} AS score, '0' AS time_spent_ms, success AS passed
    FROM corrected"""


def _rounded(text: str) -> str:
    number = f"TRY_CAST({text} AS DOUBLE)"
    return f"CASE WHEN abs({number}) < 9e15 THEN CAST(CAST(round({number}) AS BIGINT) AS VARCHAR) END"
