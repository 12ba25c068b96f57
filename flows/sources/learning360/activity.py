"""Attempts at courses, attendances and corrections, as SQL over what was landed. `tables` executes it."""

from flows.sources.landing import Landing
from flows.sources.learning360 import lists
from flows.sources.learning360.definitions import of_company
from flows.sources.learning360.landed_rows import OWNER, PAGE, json_at, landed, text_at, whole

# user.assessment.corrected is what such an event is called; others of a subscription are not read.
CORRECTED = "user.assessment.corrected"


def landed_tables(landing: Landing) -> dict[str, str]:
    """What is read of each list, by the table it is put into."""
    return {
        "courses_landed": landed(
            landing,
            lists.COURSES,
            "_id userId courseId pathSessionId progress score timeSpent firstActivityAt lastActivityAt "
            "completedAt",
        ),
        "slots_landed": landed(landing, lists.SLOTS, "_id startDate endDate reportedDuration"),
        "registrations_landed": _registrations(landing),
        "corrections_landed": _corrections(landing),
    }


def _registrations(landing: Landing) -> str:
    """With an id of their own if they have one, else the slot's and the learner's: the same every night."""
    fields = "_id userId classroomSlotId hasAttended attendanceDuration pathId"
    return f"""
    SELECT *, coalesce(_id, classroomSlotId || '-' || userId) AS registration
    FROM ({landed(landing, lists.REGISTRATIONS, fields)})"""


def _corrections(landing: Landing) -> str:
    """An event as the webhook sends it, in `payload` when it is re-read, or its `data` alone.

    Its id is what was corrected, whose it is, and when: corrected again, it is another one.
    """
    event = "coalesce(payload, data, CAST(to_json(e) AS JSON))"
    return f"""
    SELECT *, step_id || '-' || user_id || '-' || corrected_at AS correction FROM (
      SELECT {PAGE}, {text_at("fact", "userId")} AS user_id, {text_at("fact", "assessmentId")} AS step_id,
        {text_at("fact", "sessionId")} AS session_id, {text_at("fact", "correctedAt")} AS corrected_at,
        {text_at("fact", "score")} AS score, {text_at("fact", "success")} AS success
      FROM (SELECT {PAGE}, coalesce({json_at(event, "data")}, {event}) AS fact,
              coalesce({text_at(event, "type")}, '{CORRECTED}') AS type
            FROM ({landed(landing, lists.CORRECTIONS, _EVENT, "payload data")}) AS e)
      WHERE type = '{CORRECTED}')"""


_EVENT = "type userId assessmentId sessionId success score correctedAt"


def attempts(landing: Landing) -> str:
    """Attempts at courses. One without any instant has not begun: it is none yet.

    A time that is absent is told by those that are there. The time a learner idles is cut off already.
    """
    return f"""
    SELECT {of_company(landing)}, _id AS activity_id, userId AS user_id, courseId AS step_id,
      pathSessionId AS session_id, coalesce(firstActivityAt, lastActivityAt, completedAt) AS started_at,
      coalesce(lastActivityAt, completedAt, firstActivityAt) AS last_activity_at, completedAt AS completed_at,
      coalesce({whole("progress")}, CASE WHEN completedAt IS NULL THEN '0' ELSE '100' END) AS progress,
      {whole("score")} AS score,
      coalesce({_rounded("timeSpent")}, timeSpent, '0') AS time_spent_ms, CAST(NULL AS VARCHAR) AS passed
    FROM courses_landed WHERE coalesce(firstActivityAt, lastActivityAt, completedAt) IS NOT NULL"""


def attendances(landing: Landing) -> str:
    """Who attended a slot was in the classroom from its start to its end, and has finished it by that.

    A registration without attendance is no activity: not to come is not to have started. It names a path and
    no session: the attendance belongs to the learner's enrolment in that path that held when the slot began,
    the one made last if several did; if none did, to no session. Time is what was measured, else what the
    slot reports, else how long it lasted.
    """
    begins, ends = "TRY_CAST(s.startDate AS TIMESTAMPTZ)", "TRY_CAST(s.endDate AS TIMESTAMPTZ)"
    reported = "TRY_CAST(s.reportedDuration AS DOUBLE) * 3600000"
    lasted = f"epoch_ms({ends}) - epoch_ms({begins})"
    spent = f"round(coalesce(TRY_CAST(r.attendanceDuration AS DOUBLE), {reported}, {lasted}, 0))"
    return f"""
    SELECT {of_company(landing)}, r.registration AS activity_id, r.userId AS user_id, r.{OWNER} AS step_id,
      e.session_id, s.startDate AS started_at, coalesce(s.endDate, s.startDate) AS last_activity_at,
      coalesce(s.endDate, s.startDate) AS completed_at, '100' AS progress, CAST(NULL AS VARCHAR) AS score,
      CAST(CAST({spent} AS BIGINT) AS VARCHAR) AS time_spent_ms, CAST(NULL AS VARCHAR) AS passed
    FROM registrations_landed AS r JOIN slots_landed AS s ON s._id = r.classroomSlotId
    LEFT JOIN enrolled AS e ON e.path_id = r.pathId AND e.user_id = r.userId AND e.enrolled_at <= {begins}
      AND (e.archived_at IS NULL OR {begins} < e.archived_at)
    WHERE r.hasAttended = 'true'
    QUALIFY row_number() OVER (
      PARTITION BY r.registration ORDER BY e.enrolled_at DESC NULLS LAST, e.enrollment_id DESC) = 1"""


def enrolled() -> str:
    """The enrolments that attendances are given to, with the path whose list they were on."""
    return f"""
    SELECT _id AS enrollment_id, {OWNER} AS path_id, sessionId AS session_id, userId AS user_id,
      TRY_CAST(createdAt AS TIMESTAMPTZ) AS enrolled_at, TRY_CAST(archivedAt AS TIMESTAMPTZ) AS archived_at
    FROM enrollments_landed"""


def corrections(landing: Landing) -> str:
    """A correction is an attempt that begins and ends when it is corrected; no time is told."""
    return f"""
    SELECT {of_company(landing)}, correction AS activity_id, user_id, step_id, session_id,
      corrected_at AS started_at, corrected_at AS last_activity_at, corrected_at AS completed_at,
      '100' AS progress, {whole("score")} AS score, '0' AS time_spent_ms, success AS passed
    FROM corrected"""


def _rounded(text: str) -> str:
    number = f"TRY_CAST({text} AS DOUBLE)"
    return f"CASE WHEN abs({number}) < 9e15 THEN CAST(CAST(round({number}) AS BIGINT) AS VARCHAR) END"
